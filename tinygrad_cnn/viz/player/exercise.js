// Predict, then reveal: the learner gives a gradient before it is shown.
//
// Python has put into the lesson which steps ask something, and what each typical mistake would answer.

const asked = new Map(Object.entries(lesson.questions).map(([place, mistakes]) => [Number(place), mistakes]));
const answers = new Map(); // by step: { attempts: [{ given, right, mistake }], revealed }
let exercising = lesson.exercise && asked.size > 0;
let current = 0; // the step that is shown

function isSettled(place) {
  const answer = answers.get(place);
  return Boolean(answer && (answer.revealed || answer.attempts.at(-1)?.right));
}

/** Whether the result of a step may be shown: always, except for what a learner is still to find. */
function isKnown(place) {
  if (!exercising) return true;
  const step = steps[place];
  if (step.kind === "sum") { // what it adds up is asked when all contributions are there
    const visit = visits.get(step.node);
    return !asked.has(visit) || current > visit || isSettled(visit);
  }
  return !asked.has(place) || place < current || isSettled(place);
}

function asksNow() {
  return exercising && asked.has(current) && !isSettled(current);
}

// --- reading and checking ---------------------------------------------------------------------------

/** A number as people write it: with any minus, a decimal comma, a fraction; NaN when it is none. */
function readNumber(text) {
  const clean = text.trim().replaceAll("−", "-").replace(",", ".");
  const fraction = clean.match(/^([^/]+)\/([^/]+)$/);
  if (fraction) return readNumber(fraction[1]) / readNumber(fraction[2]);
  if (/^[+-]?(inf|infinity|∞)$/i.test(clean)) return clean.startsWith("-") ? -Infinity : Infinity;
  return clean === "" ? NaN : Number(clean);
}

/** Whether an answer is right: within the tolerance, or in all digits that were given, at least two. */
function agrees(text, right, scale) {
  const given = readNumber(text), wanted = numeric(right);
  if (!Number.isFinite(wanted)) return Number.isNaN(wanted) ? /^nan$/i.test(text.trim()) : given === wanted;
  if (Math.abs(given - wanted) <= lesson.tolerance * Math.abs(wanted) + 1e-6 * scale) return true;
  const [whole, decimals = ""] = text.trim().replace(",", ".").replace(/^[+−-]/, "").split(".");
  const digits = (whole + decimals).replace(/^0+/, "");
  return /^\d+$/.test(digits) && digits.length >= 2 && Number(wanted.toFixed(decimals.length)) === given;
}

/**
 * Check what was typed for a step.
 * @returns {{cells: boolean[], right: boolean, mistake: ?string}}
 */
function check(place, texts) {
  const rights = eventOf(steps[place]).value.data;
  const scale = Math.max(...rights.map((x) => Math.abs(numeric(x))).filter(Number.isFinite), 1e-9);
  const cells = texts.map((text, i) => agrees(text, rights[i], scale));
  const right = cells.every(Boolean);
  return { cells, right, mistake: right ? null : recognise(asked.get(place), texts, cells, scale) };
}

/** The typical mistake that explains every wrong number, if there is one. */
function recognise(mistakes, texts, cells, scale) {
  const wrong = texts.map((_, i) => i).filter((i) => !cells[i] && texts[i].trim() !== "");
  if (!wrong.length) return null;
  const explains = (answer) => wrong.every((i) => agrees(texts[i], answer[i], scale));
  return mistakes.find(({ answers: possible }) => possible.some(explains))?.kind ?? null;
}

// --- the form ---------------------------------------------------------------------------------------

/** The form that asks for the result of a step; `settled` is called when it is right or revealed. */
function questionForm(place, settled) {
  const { value } = eventOf(steps[place]);
  const inputs = [];
  const form = element("form", { class: "question", "aria-label": "your prediction", novalidate: "" });
  form.append(answerCells(value, inputs));
  const feedback = element("p", { role: "status", class: "feedback" });
  const reveal = element("button", { type: "button" }, "Reveal");
  form.append(element("div", {}, element("button", { type: "submit", class: "primary" }, "Check"), " ", reveal), feedback);
  const answer = answers.get(place) ?? { attempts: [], revealed: false };
  answers.set(place, answer);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const texts = inputs.map((input) => input.value);
    const { cells, right, mistake } = check(place, texts);
    answer.attempts.push({ given: texts, right, mistake });
    inputs.forEach((input, i) => {
      if (texts[i].trim() !== "") input.setAttribute("aria-invalid", String(!cells[i]));
    });
    if (right) return settled(true);
    feedback.textContent = feedbackFor(texts, cells, mistake);
    inputs[cells.indexOf(false)].focus();
    return undefined;
  });
  reveal.addEventListener("click", () => {
    answer.revealed = true;
    settled(false);
  });
  return form;
}

function feedbackFor(texts, cells, mistake) {
  if (texts.some((text) => text.trim() === "")) return "Some numbers are still missing.";
  const words = texts.filter((text) => Number.isNaN(readNumber(text)));
  if (words.length) return `"${words[0].trim()}" is no number.`;
  if (mistake) return `Not yet. ${lesson.words[mistake]}`;
  const right = cells.filter(Boolean).length;
  return right ? `Not yet: ${right} of ${cells.length} are right.` : "Not yet.";
}

/** An input for each number, laid out as the array is. */
function answerCells(value, inputs) {
  const single = isSingle(value);
  const tables = planes(value).map(({ index, rows }) => {
    const made = element("table", { class: "answers" });
    if (index) made.createCaption().textContent = index;
    rows.forEach((row) => {
      const line = made.insertRow();
      row.forEach(() => {
        const place = placeOf(inputs.length, value.shape);
        const input = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", size: single ? 12 : 6,
          "aria-label": single ? "your answer" : `your answer at [${place.join(", ")}]` });
        inputs.push(input);
        line.insertCell().append(input);
      });
    });
    return made;
  });
  return element("div", { class: "planes" }, ...tables);
}

// --- results ----------------------------------------------------------------------------------------

function scoreText() {
  const right = [...answers.values()].filter((answer) => answer.attempts.at(-1)?.right).length;
  return `${right} of ${asked.size} right`;
}

/** What the learner did, as text of a JSON file. */
function resultsAsJson() {
  const questions = [...asked.keys()].map((place) => {
    const { attempts, revealed } = answers.get(place) ?? { attempts: [], revealed: false };
    const right = Boolean(attempts.at(-1)?.right);
    const asks = { step: place, node: names[steps[place].node], question: steps[place].question };
    return { ...asks, result: right ? "right" : revealed ? "revealed" : "open", attempts };
  });
  return JSON.stringify({ format: "tinygrad_cnn.answers", version: 1, title: document.title, questions }, null, 1);
}

function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  element("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
