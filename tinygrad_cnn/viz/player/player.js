// The player: which step is shown, and everything that moves from one to another.

const PAUSE = 1600; // milliseconds from step to step at speed 1

let timer = null; // while it plays
let pointedAt = null; // the node that the reader has looked at since the last step

// --- showing a step ---------------------------------------------------------------------------------

function goTo(place) {
  const next = Math.max(0, Math.min(steps.length - 1, place));
  const moved = next === current + 1;
  current = next;
  pointedAt = null;
  show(moved);
  if (timer !== null && current === steps.length - 1) pause();
}

/** Bring the whole page to the current step; `moved` when it has just been reached from the one before. */
function show(moved = false) {
  const step = steps[current];
  byId("slider").value = current;
  byId("place").textContent = `${current + 1} / ${steps.length}`;
  byId("sentence").textContent = sentenceOf(step);
  byId("step").querySelector(".window")?.stop();
  byId("step").replaceChildren(...stepPanel(current));
  if (asksNow()) ask();
  showTwin();
  markDrawing(marksOf(step, moved));
  for (const button of byId("steps").querySelectorAll("button")) button.removeAttribute("aria-current");
  const listed = byId("steps").querySelectorAll("button")[current];
  listed.setAttribute("aria-current", "step");
  const list = byId("steps").querySelector("ol");
  const [inside, outside] = [listed, list].map((each) => each.getBoundingClientRect());
  list.scrollTop += inside.top - outside.top - list.clientHeight / 2;
  for (const [id, end] of [["first", 0], ["back", 0], ["forward", steps.length - 1], ["last", steps.length - 1]]) {
    byId(id).disabled = current === end;
  }
  showExercise();
}

function sentenceOf(step) {
  if (isKnown(current) || !step.question) return step.sentence;
  return step.question;
}

function showTwin() {
  byId("twin").replaceChildren(...twinPanel(pointedAt ?? steps[current].node, current, goTo));
}

/** What a step marks in the drawing. */
function marksOf(step, moved) {
  const past = steps.slice(0, current + 1).filter((each) => each.kind === "contribution");
  const known = new Map();
  for (const node of trace.nodes) {
    const gradient = gradientAfter(node.id, current);
    if (gradient && !gradient.hidden) known.set(node.id, gradient);
  }
  return {
    nodes: step.edge === null ? [step.node] : [step.node, trace.edges[step.edge].target],
    edges: step.kind === "forward" ? incoming[step.node] : step.edge === null ? [] : [step.edge],
    travelled: new Set(past.map((each) => each.edge)),
    gradients: known,
    flow: moved ? step.edge : null,
  };
}

/** The longest text that will stand at each node. */
function longestLabels() {
  const longest = new Map();
  for (const step of steps) {
    if (step.kind === "forward") continue;
    const text = labelText(eventOf(step).value);
    if (text.length > (longest.get(step.node)?.length ?? 0)) longest.set(step.node, text);
  }
  return longest;
}

function fillStepList() {
  const list = byId("steps").querySelector("ol");
  steps.forEach((step, place) => {
    const button = element("button", { type: "button", class: step.kind }, step.title);
    button.addEventListener("click", () => goTo(place));
    list.append(element("li", {}, button));
  });
}

/** A click on a node leads to its gradient; a second one to where its value was computed. */
function choose(node) {
  const visit = visits.get(node) ?? computed.get(node);
  const target = current === visit ? computed.get(node) ?? visit : visit;
  if (target !== undefined) goTo(target);
}

// --- playing ----------------------------------------------------------------------------------------

function play() {
  if (current === steps.length - 1) goTo(0);
  timer = setInterval(() => {
    if (asksNow()) pause();
    else goTo(current + 1);
  }, PAUSE / Number(byId("speed").value));
  showPlaying();
}

function pause() {
  clearInterval(timer);
  timer = null;
  showPlaying();
}

function showPlaying() {
  byId("play").classList.toggle("playing", timer !== null);
  byId("play").setAttribute("aria-label", timer === null ? "play" : "pause");
}

// --- exercise mode ----------------------------------------------------------------------------------

function ask() {
  const form = questionForm(current, (right) => {
    show();
    const word = right ? "✓ Right." : "Revealed.";
    byId("sentence").prepend(element("strong", { class: right ? "right" : "" }, word), " ");
    byId("forward").focus();
  });
  byId("step").querySelector("h2").after(form);
  form.querySelector("input").focus({ preventScroll: true });
}

function showExercise() {
  byId("exercise").hidden = asked.size === 0;
  byId("exercise").setAttribute("aria-pressed", String(exercising));
  byId("score").hidden = byId("export").hidden = !exercising;
  byId("score").textContent = scoreText();
}

// --- the reader's hands -----------------------------------------------------------------------------

const KEYS = {
  ArrowRight: () => goTo(current + 1),
  ArrowLeft: () => goTo(current - 1),
  Home: () => goTo(0),
  End: () => goTo(steps.length - 1),
  " ": () => (timer === null ? play() : pause()),
  "?": () => byId("help-text").showModal(),
};

function onKey(event) {
  if (event.key === "Escape" && event.target.closest(".question")) event.target.blur(); // back to the keys
  const isElsewhere = event.target.closest("input, select, dialog");
  const pressesButton = event.key === " " && event.target.closest("button");
  if (isElsewhere || pressesButton || event.ctrlKey || event.altKey || event.metaKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
}

function onClick(id, action) {
  byId(id).addEventListener("click", action);
}

function setUp() {
  fillStepList();
  setUpDrawing(longestLabels(), choose, (node) => {
    pointedAt = node;
    showTwin();
  });
  byId("slider").max = steps.length - 1;
  byId("slider").addEventListener("input", (event) => goTo(Number(event.target.value)));
  document.addEventListener("keydown", onKey);
  onClick("first", KEYS.Home);
  onClick("back", KEYS.ArrowLeft);
  onClick("play", KEYS[" "]);
  onClick("forward", KEYS.ArrowRight);
  onClick("last", KEYS.End);
  onClick("help", KEYS["?"]);
  onClick("export", () => download("answers.json", resultsAsJson()));
  onClick("exercise", () => {
    exercising = !exercising;
    show();
  });
  onClick("theme", () => {
    document.documentElement.style.colorScheme = isDark() ? "light" : "dark";
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show());
  byId("speed").addEventListener("change", () => {
    if (timer === null) return;
    pause();
    play();
  });
  show();
}

setUp();
