// Draw figures into the page: one function for each kind, kept apart from what they show.

import { chart } from "./chart.js";
import { formula } from "./formula.js";
import { exact, make, printed } from "./make.js";
import { network } from "./network.js";
import { pictures } from "./pictures.js";

const KINDS = { formula, chart, network, pictures, bars, table, note, words };
let last = [];
let current = [];

// Show `figures` in `parent`; a figure that is as it was stays untouched.
export function draw(parent, figures, anew = false) {
  const kinds = figures.map(one => one.kind).join();
  if (parent.dataset.kinds !== kinds) {
    parent.replaceChildren();
    parent.dataset.kinds = kinds;
    last = [];
    for (const figure of figures) {
      const frame = make("figure", parent, "", { class: `live ${figure.kind}` });
      if (figure.kind !== "note") make("figcaption", frame);
      make("div", frame, "", { class: "drawn" });
    }
  }
  current = figures;
  figures.forEach((figure, i) => {
    const now = JSON.stringify(figure);
    if (now === last[i] && !anew) return;
    last[i] = now;
    const frame = parent.children[i];
    if (figure.kind !== "note") frame.firstChild.textContent = figure.title;
    KINDS[figure.kind](frame.lastChild, figure, values => {
      parent.dispatchEvent(new CustomEvent("set", { detail: values }));
    });
  });
}

// A figure is drawn for its width and in the scheme's colours: both can change.
const again = () => {
  const parent = document.getElementById("figures");
  if (current.length) draw(parent, current, true);
};
let wide = 0;
new ResizeObserver(([entry]) => {
  if (Math.abs(entry.contentRect.width - wide) < 1) return;
  wide = entry.contentRect.width;
  again();
}).observe(document.getElementById("figures"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);

function bars(parent, figure) {
  const list = make("ol", null, "", { class: "bars", "aria-label": figure.alt });
  const share = value => {
    if (value === null) return 1;
    const [low, high, at] = figure.log
      ? [figure.low, figure.high, Math.max(value, figure.low)].map(Math.log10)
      : [figure.low, figure.high, value];
    return Math.min(1, Math.max(0, (at - low) / (high - low)));
  };
  for (const row of figure.rows) {
    const item = make("li", list, "", { class: row.on ? "best" : "" });
    make("span", item, row.label);
    const track = make("div", item, "", { class: "track" });
    make("div", track, "", { class: "fill" }).style.width = `${100 * share(row.number.value)}%`;
    make("span", item, printed(row.number.value, 4), exact(row.number));
  }
  parent.replaceChildren(list);
}

function table(parent, figure) {
  const holder = make("div", null, "", { class: "table" });
  const grid = make("table", holder);
  make("caption", grid, figure.alt, { class: "away" });
  const head = make("tr", make("thead", grid));
  for (const name of figure.header) make(name ? "th" : "td", head, name, name ? { scope: "col" } : {});
  const body = make("tbody", grid);
  for (const row of figure.rows) {
    const line = make("tr", body);
    row.forEach((cell, i) => {
      if (typeof cell === "string") make(i ? "td" : "th", line, cell, i ? { "data-column": figure.header[i] } : { scope: "row" });
      else make("td", line, printed(cell.value, 5), { class: "number", "data-column": figure.header[i], ...exact(cell) });
    });
  }
  parent.replaceChildren(holder);
}

function note(parent, figure) {
  const text = make("p", null, figure.text, { class: figure.mark ? "marked" : "" });
  parent.replaceChildren(text);
}

// A message whose parts are coloured: for is orange, against blue, as deep as they weigh. Where
// words can be hidden each is a button, which stays the same one while it is pressed.
function words(parent, figure, set) {
  const text = make("p", null, "", { class: "message", role: "group", "aria-label": figure.alt });
  const old = [...parent.querySelectorAll("button")];
  if (old.length && old.map(one => one.textContent).join() === figure.words.map(one => one.text.trim()).join()) {
    old.forEach((one, i) => one.setAttribute("aria-pressed", String(Boolean(figure.words[i].off))));
    return;
  }
  const most = Math.max(...figure.words.map(one => Math.abs(one.weight)), 1e-12);
  for (const one of figure.words) {
    if (one.toggle) {
      const button = make("button", text, one.text.trim(), { type: "button", "aria-pressed": String(Boolean(one.off)) });
      button.addEventListener("click", () => set(state => ({ [figure.to]: toggled(state[figure.to], one.toggle) })));
    } else {
      const span = make("span", text, one.text, { class: one.weight > 0 ? "for" : "against" });
      span.style.setProperty("--weight", `${Math.round(45 * Math.abs(one.weight) / most)}%`);
    }
    text.append(" ");
  }
  parent.replaceChildren(text);
}

// A list of numbers, as text, with one more or one less.
function toggled(list, number) {
  const numbers = list.split(" ").filter(Boolean).map(Number);
  const others = numbers.filter(one => one !== number);
  return (others.length < numbers.length ? others : [...numbers, number].sort((a, b) => a - b)).join(" ");
}
