// One lesson: the hand changes the state, the server computes its figures, the page draws them.

import { bind } from "./controls.js";
import { draw } from "./figures.js";
import { make } from "./make.js";
import { Server } from "./server.js";
import * as link from "./state.js";

const $ = id => document.getElementById(id);
const lesson = JSON.parse($("described").textContent);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const SLOW = 700; // milliseconds without an answer, after which the page says that it waits
const CALM_PAUSE = 500; // milliseconds between two pictures of a training, without motion
const LEAP = 30; // times as many steps a picture then
const FILM = 90; // pictures of the film that shows an answer, at most

let state = { ...lesson.defaults };
let playing = false;
let goal = null; // the step at which the film of an answer ends
let asked = 0; // what was wanted last, and what is on the page
let shown = 0;
let waiting = false; // for an answer
let rate = null; // updates a second, as the server has measured
let remembering; // timers
let announcing;

const server = new Server(() => { if (!waiting) refresh(); }, message => { $("alert").textContent = message; });
const controls = bind($("controls"), lesson.controls, change);
// What the pointer on a figure sets: values, or what makes them of the state as it is then.
$("figures").addEventListener("set", ({ detail }) => change(typeof detail === "function" ? detail(state) : detail));
window.addEventListener("hashchange", () => { if (link.text(state) !== location.hash) restore(); });

// Take the state that the address holds; what it lacks is the default.
function restore() {
  stop();
  state = { ...lesson.defaults, ...link.read(location.hash, lesson.defaults) };
  controls.show(state);
  refresh();
}

// Change some values by hand.
function change(values) {
  state = { ...state, ...values };
  controls.show(state);
  refresh();
}

// Ask for the state as it is now; while an answer is awaited, the last change waits.
async function refresh() {
  asked += 1;
  document.documentElement.dataset.shown = ""; // not yet
  if (waiting) return;
  waiting = true;
  while (shown < asked) {
    const turn = asked;
    const slow = setTimeout(() => { $("says").textContent = "Computing …"; }, SLOW);
    const answer = await server.ask({ lesson: lesson.name, state });
    clearTimeout(slow);
    if ($("says").textContent === "Computing …") $("says").textContent = "";
    if (!answer) break; // the connection is lost; it is asked again when it is back
    shown = turn;
    if (answer.error) {
      $("alert").textContent = answer.error;
      stop();
      continue;
    }
    $("alert").textContent = "";
    draw($("figures"), answer.figures);
    rate = answer.rate;
    document.documentElement.dataset.frames = Number(document.documentElement.dataset.frames || 0) + 1;
    announce(answer.figures);
    remember();
    if (playing) await next();
  }
  waiting = false;
  if (shown === asked) document.documentElement.dataset.shown = link.text(state);
}

// The next picture of the film.
async function next() {
  const end = goal ?? lesson.steps;
  if (state.step >= end) return stop();
  await (calm.matches
    ? new Promise(resolve => setTimeout(resolve, CALM_PAUSE))
    : new Promise(resolve => requestAnimationFrame(resolve)));
  if (!playing) return;
  const pace = Math.max(Number($("pace").value), Math.ceil((goal ?? 0) / FILM));
  state.step = Math.min(end, state.step + pace * (calm.matches ? LEAP : 1));
  controls.show(state);
  showStep();
  asked += 1;
}

function showStep() {
  if (!lesson.steps) return;
  $("step").value = state.step;
  $("step-says").textContent = `step ${state.step.toLocaleString("en")}`;
  $("rate").textContent = rate ? `${Number(rate.toPrecision(2)).toLocaleString("en")} updates a second` : "";
  $("play").textContent = playing ? "Pause" : state.step >= lesson.steps ? "Again" : "Play";
}

function stop() {
  playing = false;
  goal = null;
  showStep();
}

// Put the state into the address, not at every frame.
function remember() {
  showStep();
  clearTimeout(remembering);
  remembering = setTimeout(() => history.replaceState(null, "", link.text(state)), 200);
}

// Say to a screen reader what is there once the hand has rested.
function announce(figures) {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    $("status").textContent = figures.filter(one => one.alt).slice(0, 2).map(one => one.alt).join(" ");
  }, 1200);
}

if (lesson.steps) {
  $("play").addEventListener("click", () => {
    if (playing) return stop();
    if (state.step >= lesson.steps) state.step = 0;
    playing = true;
    showStep();
    refresh();
  });
  const to = step => {
    stop();
    change({ step: Math.min(lesson.steps, Math.max(0, step)) });
  };
  $("forward").addEventListener("click", () => to(state.step + 1));
  $("back").addEventListener("click", () => to(state.step - 1));
  $("begin").addEventListener("click", () => to(0));
  $("step").addEventListener("input", event => to(Number(event.target.value)));
}

// A table of one's own becomes points of the state, so that a link holds them too.
$("controls").addEventListener("table", async event => {
  const answer = await server.ask({ lesson: lesson.name, ask: "points", table: event.detail });
  if (answer?.error) $("alert").textContent = answer.error;
  else if (answer) change({ points: answer.points, data: "yours", ...(lesson.steps ? { step: 0 } : {}) });
});

$("reset").addEventListener("click", () => {
  stop();
  state = { ...lesson.defaults };
  controls.show(state);
  refresh();
});

$("copy-link").addEventListener("click", async () => {
  history.replaceState(null, "", link.text(state));
  await copy(location.href, "The link to this very state is copied.");
});

$("copy-python").addEventListener("click", async () => {
  const answer = await server.ask({ lesson: lesson.name, ask: "python", state });
  if (!answer?.python) return;
  $("code").replaceChildren();
  code("This state as Python", answer.python);
  await copy(answer.python, "The lines are copied; they stand below, too.");
});

$("show-code").addEventListener("click", async () => {
  const answer = await server.ask({ lesson: lesson.name, ask: "code", state });
  if (!answer?.code) return;
  $("code").replaceChildren();
  for (const one of answer.code) code(`${one.path}, line ${one.line}`, one.lines, `source/${one.path}#L${one.line}`);
  $("says").textContent = "The code that has just run stands below.";
});

async function copy(text, says) {
  try {
    await navigator.clipboard.writeText(text);
    $("says").textContent = says;
  } catch {
    $("says").textContent = "The browser does not let this page copy. Here it is, to copy by hand.";
    if (!text.includes("\n")) code("The link", text);
  }
}

function code(title, text, href) {
  const figure = make("figure", $("code"));
  const caption = make("figcaption", figure);
  if (href) make("a", caption, title).href = href;
  else caption.textContent = title;
  make("pre", figure, text).tabIndex = 0;
  $("code").hidden = false;
}

$("guess").addEventListener("submit", async event => {
  event.preventDefault();
  const chosen = new FormData(event.target).get("answer");
  if (chosen === null) {
    $("verdict").textContent = "Choose one first: to guess wrong teaches most.";
    return;
  }
  const answer = await server.ask({ lesson: lesson.name, ask: "check" });
  if (!answer || answer.error) return;
  const right = Number(chosen) === answer.right;
  $("verdict").textContent = `${right ? "Yes." : "No."} ${answer.because}`;
  $("verdict").classList.toggle("right", right);
  for (const [i, row] of [...$("guess").querySelectorAll("label")].entries()) {
    row.classList.toggle("right", i === answer.right);
  }
  stop();
  state = { ...answer.state };
  if (lesson.steps && state.step) { // a film leads there
    goal = state.step;
    state.step = 0;
    playing = true;
  }
  controls.show(state);
  refresh();
});

// What passes of the exercises, as the last check noted it: asked again when the page is looked at.
async function pass() {
  if (document.hidden) return;
  const answer = await fetch(`exercises/${lesson.name}`).catch(() => null); // the alert says it
  if (!answer?.ok) return;
  for (const { name, says, passed } of await answer.json()) {
    const item = document.querySelector(`[data-exercise="${name}"]`);
    item.classList.toggle("passed", passed);
    item.querySelector(".state").textContent = says;
  }
}
if ($("exercises")) document.addEventListener("visibilitychange", pass);
if ($("exercises")) window.addEventListener("focus", pass);

// On a phone the lessons are one row: show where this one stands.
const row = document.querySelector(".lessons ol");
const here = row.querySelector("[aria-current]");
row.scrollLeft = here.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;

restore();
