// The sliding window as a panel: the field, the pattern on it, the products, their sum, and the result.

const MOST_ROWS = 4; // of products that are shown

/**
 * A panel that goes through the numbers of a convolution's result one by one.
 * @param {{sliding, result}} convolution from slidingWindow
 * @returns {HTMLElement} with a method stop(), which ends its animation
 */
function windowPanel({ sliding, result }) {
  const count = result.shape.reduce((product, size) => product * size, 1);
  const slider = element("input", { type: "range", min: 0, max: count - 1, value: 0, "aria-label": "place of the window" });
  const play = element("button", { type: "button", "aria-label": "slide the window" }, "slide");
  const where = element("output", { class: "number" });
  const view = element("div", { class: "window-view" });
  const panel = element("section", { class: "window", "aria-label": "sliding window" },
    element("div", { class: "window-controls" }, play, slider, where), view);
  let timer = null;

  function show() {
    const n = Number(slider.value), index = placeOf(n, result.shape);
    where.textContent = `${sliding.names[2]}[${index.join(", ")}]`;
    view.replaceChildren(...windowView(sliding, result, index, n, (chosen) => {
      slider.value = chosen;
      show();
    }));
  }
  panel.stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "slide";
  };
  slider.addEventListener("input", show);
  play.addEventListener("click", () => {
    if (timer !== null) return panel.stop();
    if (Number(slider.value) === count - 1) slider.value = -1;
    play.textContent = "pause";
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      show();
      if (Number(slider.value) === count - 1) panel.stop();
    }, 700 / Number(byId("speed").value));
    return undefined;
  });
  show();
  return panel;
}

function windowView(sliding, result, index, n, choose) {
  const { rows, sum } = productsAt(sliding, index);
  const shown = rows.slice(0, MOST_ROWS);
  const lines = shown.map((row, place) => productsLine(sliding, row, place, index));
  const rest = rows.length - shown.length;
  if (rest > 0) lines.push(element("p", { class: "muted" }, `and ${rest} more`));
  const sums = rows.length > 1 ? `${rows.map((row) => inBrackets(row.sum)).join(" + ")} = ` : "";
  const total = element("p", { class: "number total" }, `${sliding.names[2]}[${index.join(", ")}] = ${sums}${number(sum)}`);
  return [element("div", { class: "products" }, ...lines), resultPlane(sliding, result, index, n, choose), total];
}

/** Negative numbers and sums stand in brackets where they are not the first. */
function inBrackets(x) {
  return x < 0 ? `(${number(x)})` : number(x);
}

/** One row: the field with the pattern's place in it, the pattern, the products and their sum. */
function productsLine(sliding, { pattern, products, sum }, row, index) {
  const { numbers, isUnder } = fieldAt(sliding, row, index);
  const isFrame = (y, z) => numbers[y][z] === null;
  const [fieldName, patternName] = sliding.names;
  const field = table(numbers.map((line) => line.map((x) => x ?? 0)), paletteFor(fieldName), rangeOf(numbers), (y, z) =>
    `${isUnder(y, z) ? "under" : ""} ${isFrame(y, z) ? "frame" : ""}`);
  const title = sliding.rows > 1 ? `, ${sliding.rowName} ${row}` : "";
  return element("div", { class: "products-line" },
    named(fieldName + title, field),
    element("span", { class: "sign" }, "·"),
    named(patternName, table(pattern, "diverging", rangeOf(pattern))),
    element("span", { class: "sign" }, "="),
    named("products", table(products, "diverging", rangeOf(products))),
    element("span", { class: "sign" }, "Σ"),
    named("sum", element("span", { class: "number" }, number(sum))));
}

function named(name, body) {
  return element("figure", {}, element("figcaption", {}, name), body);
}

function paletteFor(name) {
  return name === "x" || name === "out" ? "sequential" : "diverging";
}

function rangeOf(rows) {
  const numbers = rows.flat().filter(Number.isFinite);
  return [Math.min(0, ...numbers), Math.max(0, ...numbers)];
}

/** The plane of the result that is being filled: what comes later is still empty. Cells can be clicked. */
function resultPlane(sliding, result, [a, b, row, column], n, choose) {
  const [, , height, width] = result.shape;
  const first = n - row * width - column;
  const numbers = matrix(height, width, (y, z) => (first + y * width + z <= n ? result.at(a, b, y, z) : ""));
  const everything = matrix(height, width, (y, z) => result.at(a, b, y, z));
  const palette = paletteFor(sliding.names[2]);
  const plane = table(numbers, palette, rangeOf(everything), (y, z) => (y === row && z === column ? "under" : ""));
  plane.classList.add("filling");
  plane.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) choose(first + cell.parentElement.rowIndex * width + cell.cellIndex);
  });
  return named(`${sliding.names[2]}[${a}, ${b}]`, plane);
}
