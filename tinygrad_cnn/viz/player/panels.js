// What is shown of a step: the numbers that go in, the rule, and what comes out; and a node's value beside
// its gradient.

/** The contents of the panel of a step. */
function stepPanel(place) {
  const step = steps[place];
  const build = { forward: forwardPanel, contribution: contributionPanel, sum: termsPanel, visit: visitPanel };
  return [element("h2", {}, headingOf(step)), ...build[step.kind](step, place)];
}

function headingOf(step) {
  if (step.kind === "forward") return `Forward: ${names[step.node]}`;
  if (step.kind === "contribution") {
    return `Along the edge from ${names[trace.edges[step.edge].target]} back to ${names[step.node]}`;
  }
  return step.kind === "sum" ? `Adding up at ${names[step.node]}` : `∂L/∂${names[step.node]} is complete`;
}

// --- forward ----------------------------------------------------------------------------------------

function forwardPanel(step) {
  const node = trace.nodes[step.node];
  const inputs = incoming[step.node].map((place) => operandFigure(trace.edges[place]));
  const result = figure(names[step.node], node.values[0], "sequential", "result");
  const found = slidingWindow(node, "forward", operandsOf(step.node), node.values[0]);
  return withWindow(found, equation(inputs, result));
}

/** The sliding window where there is one, with the whole arrays folded away below it. */
function withWindow(found, arrays) {
  if (!found) return [arrays];
  return [windowPanel(found), element("details", {}, element("summary", {}, "the whole arrays"), arrays)];
}

/** An input of an operation, under the name that formulas give it and the one that it has. */
function operandFigure({ source, output, argument }) {
  const name = argument === names[source] ? argument : `${argument} is ${names[source]}`;
  return figure(name, trace.nodes[source].values[output], argument === "w" ? "diverging" : paletteOf(source));
}

function equation(inputs, result) {
  return element("div", { class: "equation" }, ...inputs, element("span", { class: "sign" }, "→"), result);
}

// --- backward ---------------------------------------------------------------------------------------

function contributionPanel(step, place) {
  const { formula, numbers, value } = eventOf(step), edge = trace.edges[step.edge];
  const operation = trace.nodes[edge.target];
  const given = figure(`g = ∂L/∂${names[edge.target]}`, gradientGiven(edge.target), "diverging");
  const inputs = incoming[edge.target].map((other) => operandFigure(trace.edges[other]));
  const rule = element("dl", {}, element("dt", {}, "rule"), element("dd", {}, formula),
    element("dt", {}, "here"), element("dd", {}, step.formula));
  if (!isKnown(place)) return [rule, equation([given, ...inputs], unknownFigure("contribution"))];
  if (numbers) rule.append(element("dt", {}, "in numbers"), element("dd", {}, numbers));
  const found = slidingWindow(operation, edge.argument, operandsOf(edge.target), value);
  return [
    rule,
    ...withWindow(found, equation([given, ...inputs], figure("contribution", value, "diverging", "result"))),
    ...(contributions[step.node].length > 1 ? termsPanel(step, place) : []),
  ];
}

/** The contributions so far at a node that several operations use, and their sum. */
function termsPanel(step, place) {
  const arrived = contributions[step.node].filter((each) => each <= place);
  const terms = arrived.map((each) =>
    figure(`from ${names[trace.edges[steps[each].edge].target]}`, eventOf(steps[each]).value, "diverging"));
  const own = ownStart(step.node);
  if (own) terms.unshift(figure("its own start", own, "diverging"));
  const sum = gradientAfter(step.node, place);
  const missing = contributions[step.node].length - arrived.length;
  const title = missing ? `sum so far, ${missing} to come` : `∂L/∂${names[step.node]}`;
  const shown = sum.hidden ? unknownFigure(title) : figure(title, sum.value, "diverging", "result");
  const heading = element("h3", {}, `What has arrived at ${names[step.node]}`);
  const line = element("div", { class: "equation" }, ...withPlus(terms));
  const isAddedNext = step.kind === "contribution" && terms.length > 1;
  if (!isAddedNext) line.append(element("span", { class: "sign" }, "="), shown);
  return [heading, line];
}

function withPlus(figures) {
  return figures.flatMap((each, i) => (i ? [element("span", { class: "sign" }, "+"), each] : [each]));
}

function visitPanel(step, place) {
  const content = [];
  if (contributions[step.node].length > 1) content.push(...termsPanel(step, place));
  else {
    const gradient = `∂L/∂${names[step.node]}`, value = eventOf(step).value;
    const shown = isKnown(place) ? figure(gradient, value, "diverging", "result") : unknownFigure(gradient);
    content.push(element("div", { class: "equation" }, shown));
  }
  const rules = steps.filter((other) => other.kind === "contribution" && trace.edges[other.edge].target === step.node);
  if (rules.length) {
    const list = element("dl", {});
    for (const other of rules) {
      list.append(element("dt", {}, `to ${names[other.node]}`), element("dd", {}, eventOf(other).formula));
    }
    content.push(element("h3", {}, "Its rules, with g for this gradient"), list);
  }
  return content;
}

function unknownFigure(title) {
  return element("figure", { class: "result" }, element("figcaption", {}, title),
    element("span", { class: "number" }, "?"));
}

// --- the twin view of a node ------------------------------------------------------------------------

/** The contents of the panel of a node: its value and its gradient, side by side. */
function twinPanel(id, place, goTo) {
  const node = trace.nodes[id], gradient = gradientAfter(id, place);
  const value = figure("value", node.values[0], paletteOf(id));
  const facts = [node.op || node.kind, shapeText(node.outputs[0].shape), node.outputs[0].dtype];
  const jumps = element("div", { class: "jumps" });
  for (const [label, target] of [["Go to its value", computed.get(id)], ["Go to its gradient", visits.get(id)]]) {
    if (target === undefined) continue;
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => goTo(target));
    jumps.append(button);
  }
  const parts = [
    element("h2", {}, names[id]),
    element("p", { class: "muted" }, facts.join(" · ")),
    element("div", { class: "equation twin" }, value, gradientFigure(node, gradient)),
    jumps,
  ];
  if (node.source) parts.push(element("code", { class: "source" }, node.source));
  return parts;
}

function gradientFigure(node, gradient) {
  const title = `∂L/∂${names[node.id]}`;
  if (gradient?.hidden) return unknownFigure(title);
  if (gradient) return figure(gradient.complete ? title : `${title}, so far`, gradient.value, "diverging");
  const will = gradients[node.id].length ? "not yet" : "gets no gradient";
  return element("figure", {}, element("figcaption", {}, title), element("p", { class: "muted" }, will));
}
