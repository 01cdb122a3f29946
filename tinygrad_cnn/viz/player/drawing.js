// The graph: which node and edge a step is about, where gradient has flowed, and what has arrived.
//
// The drawing comes from Python with data-node and data-edge on its elements. Added here are a halo behind
// each of them, and at each node a small label for its gradient.

const SVG = "http://www.w3.org/2000/svg";
const LETTER = 7.3; // width of a letter in a label, 12 px monospace
const HALO = 6; // how far a halo reaches around its node
const MANY = 20000; // shapes; with more, labels are not kept clear of them

const picture = document.querySelector("#graph svg");
const nodeElements = new Map(); // by id; a constant may be drawn in several places
const edgeElements = new Map();
const boxes = new Map(); // where each node is, by id
const labels = new Map(); // gradients at nodes, by id

function svgElement(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/**
 * Make the drawing ready to be marked.
 * @param {Map} longest the longest text that a node's label will hold, by id
 * @param {function} choose called with a node's id when it is clicked
 * @param {function} look called with a node's id when it is pointed at or focused
 */
function setUpDrawing(longest, choose, look) {
  for (const group of picture.querySelectorAll("[data-node]")) {
    const id = Number(group.dataset.node);
    nodeElements.set(id, [...(nodeElements.get(id) ?? []), group]);
    const box = group.getBBox();
    boxes.set(id, box);
    group.prepend(svgElement("rect", { class: "halo", x: box.x - HALO, y: box.y - HALO, rx: 10,
      width: box.width + 2 * HALO, height: box.height + 2 * HALO }));
    group.addEventListener("click", () => choose(id));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      choose(id);
    });
    for (const type of ["pointerenter", "focus"]) group.addEventListener(type, () => look(id));
  }
  for (const group of picture.querySelectorAll("[data-edge]")) {
    edgeElements.set(Number(group.dataset.edge), group);
    const path = group.querySelector("path").cloneNode();
    path.setAttribute("class", "halo");
    group.prepend(path);
  }
  placeLabels(longest);
  fitDrawing();
  new ResizeObserver(fitDrawing).observe(byId("graph"));
}

/** A label for each gradient, at the side of its node where it covers least. */
function placeLabels(longest) {
  const texts = [...picture.querySelectorAll("[data-edge] text")].map((each) => each.getBBox());
  const taken = [...boxes.values(), ...texts, ...[...edgeElements.values()].flatMap(boxesAlong)];
  const layer = svgElement("g", {});
  picture.querySelector("g").append(layer);
  for (const [id, text] of longest) {
    if (!boxes.has(id)) continue; // folded away
    const sides = sidesOf(boxes.get(id), text.length * LETTER + 10, 19);
    const best = taken.length > MANY ? sides[0] : leastCovering(sides, taken);
    taken.push(best);
    const label = svgElement("g", { class: "gradient-label", "data-gradient": id });
    label.append(svgElement("rect", { ...best, rx: 4 }),
      svgElement("text", { x: best.x + best.width / 2, y: best.y + 13.5, "text-anchor": "middle" }));
    layer.append(label);
    labels.set(id, label);
  }
  const { x, y, width, height } = picture.getBBox(); // the labels included
  const margin = 8;
  picture.setAttribute("viewBox", `${x - margin} ${y - margin} ${width + 2 * margin} ${height + 2 * margin}`);
}

/** The places beside a node: below, above, right, left. */
function sidesOf(box, width, height) {
  const gap = HALO + 2, x = box.x + (box.width - width) / 2, y = box.y + (box.height - height) / 2;
  return [
    { x, y: box.y + box.height + gap, width, height },
    { x, y: box.y - height - gap, width, height },
    { x: box.x + box.width + gap, y, width, height },
    { x: box.x - width - gap, y, width, height },
  ];
}

/** Small boxes along an edge, because an edge does not fill the rectangle around it. */
function boxesAlong(group) {
  const path = group.querySelector("path"), length = path.getTotalLength();
  return Array.from({ length: Math.ceil(length / 12) }, (_, i) => {
    const { x, y } = path.getPointAtLength(12 * i);
    return { x: x - 3, y: y - 3, width: 6, height: 6 };
  });
}

function leastCovering(sides, taken) {
  const costs = sides.map((side) => taken.reduce((sum, box) => sum + overlap(side, box), 0));
  return sides[costs.indexOf(Math.min(...costs))];
}

function overlap(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

/** As large as the page is wide, within reason: never so small that its letters cannot be read. */
function fitDrawing() {
  const { width, height } = picture.viewBox.baseVal;
  const scale = Math.max(1, Math.min(1.3, (byId("graph").clientWidth - 24) / width));
  picture.setAttribute("width", width * scale);
  picture.setAttribute("height", height * scale);
}

/**
 * Mark what a step is about.
 * @param {{nodes: number[], edges: number[], travelled: Set, gradients: Map, flow: ?number}} marks
 *   the ids now concerned; edges that gradient has come through; gradients known (value and whether it is
 *   complete), by node; the edge that gradient flows through just now
 */
function markDrawing({ nodes, edges, travelled, gradients, flow }) {
  for (const [id, groups] of nodeElements) {
    for (const group of groups) group.classList.toggle("now", nodes.includes(id));
  }
  for (const [place, group] of edgeElements) {
    group.classList.toggle("now", edges.includes(place));
    group.classList.toggle("travelled", travelled.has(place));
  }
  for (const [id, label] of labels) {
    const { value, complete } = gradients.get(id) ?? {};
    label.classList.toggle("shown", Boolean(value));
    label.classList.toggle("unfinished", Boolean(value) && !complete);
    label.classList.toggle("alarming", Boolean(value && alarm(value)));
    label.querySelector("text").textContent = value ? labelText(value) : "";
  }
  if (flow !== null) sendAlong(edgeElements.get(flow));
  bringIntoView(nodes.map((id) => nodeElements.get(id)?.[0]).find(Boolean));
}

/** What is written at a node: the gradient, with a word where something is wrong with it. */
function labelText(value) {
  const word = alarm(value), text = brief(value);
  return word && word !== text ? `${text} ${word}` : text;
}

/** A dot that goes the way of the gradient: along the edge, from its end to its start. */
function sendAlong(group) {
  if (!group || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const path = group.querySelector("path:not(.halo)"), length = path.getTotalLength();
  const dot = svgElement("circle", { r: 5, class: "dot" });
  group.append(dot);
  const start = performance.now();
  requestAnimationFrame(function move(time) {
    const share = Math.min(1, (time - start) / 200);
    const point = path.getPointAtLength(length * (1 - share));
    dot.setAttribute("cx", point.x);
    dot.setAttribute("cy", point.y);
    if (share < 1) requestAnimationFrame(move);
    else dot.remove();
  });
}

/** Scroll the drawing, and only the drawing, to a node. */
function bringIntoView(node) {
  if (!node) return;
  const frame = byId("graph"), outside = frame.getBoundingClientRect(), inside = node.getBoundingClientRect();
  const margin = 60;
  if (inside.left < outside.left + margin || inside.right > outside.right - margin) {
    frame.scrollLeft += (inside.left + inside.right - outside.left - outside.right) / 2;
  }
  if (inside.top < outside.top || inside.bottom > outside.bottom) {
    frame.scrollTop += (inside.top + inside.bottom - outside.top - outside.bottom) / 2;
  }
}
