"use strict";
// Numbers as text, and arrays as tables and images.
//
// A value of the trace is { shape, dtype, data } or, where it was large, a digest with minimum, mean, maximum,
// a histogram and a small image. Numbers that JSON cannot write are the words "NaN", "Infinity", "-Infinity".

const LONGEST_SIDE = 8; // of a table with numbers
const MOST_NUMBERS = 100; // of an array in tables; a larger one is shown as images
const MOST_PLANES = 16; // of one array

// --- elements of the page ---------------------------------------------------------------------------

/** A new element: element("p", { class: "muted" }, "text", anotherElement). */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function byId(id) {
  return document.getElementById(id);
}

function isDark() {
  const chosen = document.documentElement.style.colorScheme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

// --- numbers ----------------------------------------------------------------------------------------

/** A number of the trace as a number of JavaScript. */
function numeric(value) {
  return Number(value);
}

/** At most six significant digits, with a real minus sign; as Python's "%.6g" does it. */
function number(value, digits = 6) {
  const x = numeric(value);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  const isPlain = exponent >= -4 && exponent < digits;
  let text = isPlain ? x.toFixed(digits - 1 - exponent) : mantissa;
  if (text.includes(".")) text = text.replace(/\.?0+$/, "");
  if (!isPlain) text += `e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  return (x === 0 ? "0" : text).replaceAll("-", "−");
}

function shapeText(shape) {
  if (!shape.length) return "scalar";
  return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

function isSingle(value) {
  return Boolean(value && value.data && value.data.length === 1);
}

function extremes(value) {
  if (!value.data) return [numeric(value.minimum), numeric(value.maximum)];
  const finite = value.data.map(numeric).filter(Number.isFinite);
  return [Math.min(...finite), Math.max(...finite)];
}

/** The word for what is wrong with a gradient, or nothing. */
function alarm(value) {
  const numbers = value.data ? value.data.map(numeric) : [numeric(value.minimum), numeric(value.maximum)];
  if (value.nan || numbers.some(Number.isNaN)) return "NaN";
  if (value.infinite || numbers.some((x) => !Number.isFinite(x))) return "infinite";
  if (numbers.length && numbers.every((x) => x === 0)) return "zero";
  return numbers.some((x) => Math.abs(x) > lesson.huge) ? "huge" : "";
}

/** A value in a few characters: a number, or from where to where the numbers go. */
function brief(value) {
  if (isSingle(value)) return number(value.data[0], 4);
  const [low, high] = extremes(value);
  return low === high ? short(low) : `${short(low)} … ${short(high)}`;
}

/** Two significant digits, and of large numbers all before the point. */
function short(x) {
  return number(x, Math.max(2, Math.min(6, Math.ceil(Math.log10(Math.abs(x) + 1)))));
}

// --- colours ----------------------------------------------------------------------------------------

const BLUE = [0, 114, 178], VERMILLION = [213, 94, 0], YELLOW = [240, 228, 66];

function mixed(from, to, share) {
  return from.map((start, i) => Math.round(start + share * (to[i] - start)));
}

/** Dark grey, grey, yellow: for values, from the smallest to the largest. */
function sequential(value, [low, high]) {
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return share < 0.5 ? mixed([28, 28, 28], [140, 140, 140], 2 * share) : mixed([140, 140, 140], YELLOW, 2 * share - 1);
}

/** Blue, white (black in the dark), red: for what has a sign, with zero in the middle. */
function diverging(value, [low, high]) {
  const largest = Math.max(Math.abs(low), Math.abs(high)) || 1;
  const share = value / largest;
  return mixed(isDark() ? [0, 0, 0] : [255, 255, 255], share < 0 ? BLUE : VERMILLION, Math.abs(share));
}

const PALETTES = { sequential, diverging };
const NOT_A_NUMBER = [204, 121, 167];

function colour(value, palette, range) {
  const x = numeric(value);
  return Number.isFinite(x) ? PALETTES[palette](x, range) : NOT_A_NUMBER;
}

/** Black or white, whichever is easier to read on that colour (relative luminance of WCAG 2). */
function inkOn(rgb) {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

// --- arrays -----------------------------------------------------------------------------------------

/** An array as planes of rows: [{ index: "[0, 1]", rows: [[…], …] }, …]. */
function planes(value) {
  const shape = value.shape.length > 1 ? value.shape : [1, value.shape[0] ?? 1];
  const [height, width] = shape.slice(-2);
  const found = [];
  for (let start = 0; start < value.data.length; start += height * width) {
    const rows = Array.from({ length: height }, (_, row) =>
      value.data.slice(start + row * width, start + (row + 1) * width));
    const place = placeOf(start / (height * width), shape.slice(0, -2));
    found.push({ index: `[${place.join(", ")}]`, rows });
  }
  if (found.length === 1) found[0].index = "";
  return found;
}

/** Where the n-th number of an array of that shape is: [0, 1]. */
function placeOf(n, shape) {
  const place = [];
  for (const size of [...shape].reverse()) {
    place.unshift(n % size);
    n = Math.floor(n / size);
  }
  return place;
}

/**
 * A value with its name above it: one number, tables with the numbers in their cells, or images.
 * @param {string} palette "sequential" for what flows forward, "diverging" for gradients and weights
 */
function figure(title, value, palette, extraClass = "") {
  const made = element("figure", { class: extraClass }, element("figcaption", {}, title));
  if (!value) {
    made.append(element("p", { class: "muted" }, "not kept (compute inside tc.record())"));
    return made;
  }
  if (palette === "diverging" && alarm(value)) {
    made.firstChild.append(" ", element("span", { class: "warning" }, alarm(value)));
  }
  if (isSingle(value)) {
    made.append(element("span", { class: "number" }, number(value.data[0])));
    return made;
  }
  made.firstChild.append(" ", element("span", { class: "shape" }, shapeText(value.shape)));
  made.append(arrayBody(value, palette));
  return made;
}

function arrayBody(value, palette) {
  const range = extremes(value);
  if (!value.data) return digestBody(value, palette, range);
  if (!value.data.length) return element("p", { class: "muted" }, "no elements");
  const all = planes(value), shown = all.slice(0, MOST_PLANES);
  const { rows } = all[0];
  const isSmall = Math.max(rows.length, rows[0].length) <= LONGEST_SIDE && value.data.length <= MOST_NUMBERS;
  const body = element("div", { class: "planes" });
  for (const { index, rows } of shown) {
    const plane = isSmall ? table(rows, palette, range) : image(rows, palette, range);
    body.append(index ? element("div", {}, element("div", { class: "muted index" }, index), plane) : plane);
  }
  if (all.length > shown.length) body.append(element("p", { class: "muted" }, `and ${all.length - shown.length} more`));
  if (!isSmall) body.append(legend(palette, range));
  return body;
}

/** Numbers in tinted cells, aligned on the decimal point. */
function table(rows, palette, range, classOf = () => "") {
  const texts = rows.map((row) => row.map((value) => (value === "" ? "" : number(value, 4))));
  const made = element("table", { class: "cells" });
  rows.forEach((row, r) => {
    const line = made.insertRow();
    row.forEach((value, c) => {
      const missing = Math.max(...texts.map((other) => afterPoint(other[c]))) - afterPoint(texts[r][c]);
      const cell = line.insertCell();
      cell.textContent = texts[r][c];
      cell.className = classOf(r, c);
      if (value === "") return;
      const background = colour(value, palette, range);
      cell.style.cssText = `background: rgb(${background}); color: ${inkOn(background)}; --missing: ${missing}`;
      cell.title = number(value);
    });
  });
  return made;
}

function afterPoint(text) {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point;
}

function image(rows, palette, range) {
  const width = rows[0].length, height = rows.length;
  const [low, high] = range.map((x) => number(x, 4));
  const canvas = element("canvas", { width, height, role: "img",
    "aria-label": `${height} by ${width} numbers from ${low} to ${high}` });
  const scale = Math.max(1, Math.floor(Math.min(168 / Math.max(width, height), 12)));
  canvas.style.width = `${width * scale}px`;
  const context = canvas.getContext("2d"), pixels = context.createImageData(width, height);
  rows.flat().forEach((value, i) => pixels.data.set([...colour(value, palette, range), 255], 4 * i));
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** The colours of an image, from the smallest number to the largest. */
function legend(palette, range) {
  const [low, high] = palette === "diverging"
    ? [-1, 1].map((sign) => sign * Math.max(...range.map(Math.abs)))
    : range;
  const stops = [0, 0.25, 0.5, 0.75, 1].map((share) => `rgb(${colour(low + share * (high - low), palette, [low, high])})`);
  const bar = element("span", { class: "bar" });
  bar.style.background = `linear-gradient(to right, ${stops})`;
  return element("div", { class: "legend" }, number(low, 3), bar, number(high, 3));
}

/** What a digest has: its image, a histogram, and a few numbers. */
function digestBody(value, palette, range) {
  const body = element("div", { class: "planes" });
  if (value.image.length) body.append(image(value.image, palette, range), legend(palette, range));
  const most = Math.max(...value.counts, 1);
  const bars = value.counts.map((count) => {
    const bar = element("span", { title: `${count}` });
    bar.style.height = `${Math.ceil((36 * count) / most)}px`;
    return bar;
  });
  body.append(element("div", { class: "histogram", role: "img", "aria-label": "histogram" }, ...bars));
  const facts = { min: value.minimum, mean: value.mean, max: value.maximum };
  const words = Object.entries(facts).map(([name, x]) => `${name} ${number(x, 4)}`);
  for (const name of ["zeros", "nan", "infinite"]) if (value[name]) words.push(`${name} ${value[name]}`);
  body.append(element("p", { class: "muted" }, words.join(", ")));
  return body;
}
