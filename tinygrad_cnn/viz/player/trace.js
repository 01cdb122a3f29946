// The trace and the lesson that Python put into the page, and what is known at each step.
//
// A lesson has steps: first the operations in the order in which they were computed, then the events of the
// backward walk. Each has a sentence that says what happens.

const trace = JSON.parse(byId("trace").textContent);
const lesson = JSON.parse(byId("lesson").textContent);
const { steps, names } = lesson; // names: what to call each node

const incoming = trace.nodes.map(() => []); // places of the edges into each node
trace.edges.forEach((edge, place) => incoming[edge.target].push(place));

const contributions = trace.nodes.map(() => []); // steps that send something to each node
const gradients = trace.nodes.map(() => []); // steps that change the gradient of each node
const visits = new Map(); // the step that completes it, by node
const computed = new Map(); // the step that computes it, by node

steps.forEach((step, place) => {
  if (step.kind === "forward") computed.set(step.node, place);
  if (step.kind === "visit") visits.set(step.node, place);
  if (step.kind === "contribution") contributions[step.node].push(place);
  const addsUp = step.kind === "contribution" && contributions[step.node].length > 1;
  if (step.kind !== "forward" && !addsUp) gradients[step.node].push(place);
});

trace.nodes.forEach(({ id }) => {
  if (ownStart(id)) gradients[id] = gradients[id].filter((place) => steps[place].kind !== "contribution");
});

/** What an output begins with that other operations consume too; null of other nodes. */
function ownStart(node) {
  const sum = gradients[node].find((place) => steps[place].kind === "sum");
  const sums = gradients[node].filter((place) => steps[place].kind === "sum").length;
  if (sum === undefined || sums < contributions[node].length) return null;
  const total = eventOf(steps[sum]).value, sent = eventOf(steps[contributions[node][0]]).value;
  return total.data ? { ...total, data: total.data.map((x, i) => numeric(x) - numeric(sent.data[i])) } : null;
}

function eventOf(step) {
  return trace.events[step.event];
}

/** What flows along an edge. */
function valueOn(edge) {
  return trace.nodes[edge.source].values[edge.output];
}

/** Values are shades of grey and yellow; parameters have a sign that matters. */
function paletteOf(node) {
  return trace.nodes[node].kind === "parameter" ? "diverging" : "sequential";
}

/**
 * The gradient of a node after a step: its value, or hidden while a learner is asked for it; null before any.
 */
function gradientAfter(node, place) {
  const last = gradients[node].findLast((step) => step <= place);
  if (last === undefined) return null;
  const complete = steps[last].kind === "visit";
  return isKnown(last) ? { value: eventOf(steps[last]).value, complete } : { hidden: true };
}

/** The gradient that an operation had been given when it sent something. */
function gradientGiven(operation) {
  return eventOf(steps[visits.get(operation)]).value;
}

/** The values that a rule speaks of, by their names in it: the inputs of the operation, and what it was given. */
function operandsOf(operation) {
  const found = new Map();
  for (const place of incoming[operation]) found.set(trace.edges[place].argument, valueOn(trace.edges[place]));
  if (visits.has(operation)) found.set("given", gradientGiven(operation));
  return found;
}
