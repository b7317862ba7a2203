// The controls of a lesson: native inputs, so that the keyboard works as everywhere.

import { pad } from "./pad.js";
import { make } from "./make.js";

const KINDS = { slider, choice, switch: onOff, text, numbers, points, picture: pad };

// Make the controls; `changed` is called with {name: value} of what the hand has changed.
export function bind(parent, described, changed) {
  const shows = described.map(control => {
    const row = make("div", parent, "", { class: `control ${control.kind}` });
    return [control.name, KINDS[control.kind](row, control, value => changed({ ...control.also, [control.name]: value }))];
  });
  return { show: state => { for (const [name, show] of shows) show(state[name], state); } };
}

function slider(row, control, changed) {
  const id = `control-${control.name}`;
  make("label", row, control.label, { for: id });
  const [low, high] = control.log ? [Math.log10(control.low), Math.log10(control.high)] : [control.low, control.high];
  const range = make("input", row, "", {
    id, type: "range", min: low, max: high, step: control.log ? "any" : control.step,
  });
  const exact = make("input", row, "", {
    type: "number", min: control.low, max: control.high, step: "any", "aria-label": `${control.label}, exactly`,
    id: `exact-${control.name}`,
  });
  const places = decimals(control.step);
  const value = () => (control.log
    ? Math.min(control.high, Math.max(control.low, Number((10 ** range.valueAsNumber).toPrecision(2))))
    : Number(range.valueAsNumber.toFixed(places)));
  if (control.log) range.step = 0.02;
  range.addEventListener("input", () => changed(value()));
  exact.addEventListener("change", () => {
    let wanted = exact.valueAsNumber;
    if (Number.isNaN(wanted)) wanted = control.default;
    if (control.whole) wanted = Math.round(wanted);
    changed(Math.min(control.high, Math.max(control.low, wanted)));
  });
  return current => {
    range.value = control.log ? Math.log10(current) : current;
    range.setAttribute("aria-valuetext", current);
    if (document.activeElement !== exact || exact.valueAsNumber !== current) exact.value = current;
  };
}

function decimals(step) {
  return (String(step).split(".")[1] || "").length;
}

function choice(row, control, changed) {
  const id = `control-${control.name}`;
  make("label", row, control.label, { for: id });
  const select = make("select", row, "", { id });
  control.options.forEach((option, i) => make("option", select, control.labels[i] ?? option.replaceAll("_", " "), { value: option }));
  select.addEventListener("change", () => changed(select.value));
  return current => { select.value = current; };
}

function onOff(row, control, changed) {
  const label = make("label", row);
  const box = make("input", label, "", { type: "checkbox", id: `control-${control.name}` });
  label.append(` ${control.label}`);
  box.addEventListener("change", () => changed(box.checked));
  return current => { box.checked = current; };
}

function text(row, control, changed) {
  const id = `control-${control.name}`;
  make("label", row, control.label, { for: id });
  const area = make("textarea", row, "", { id, rows: 4, maxlength: control.most, spellcheck: "false" });
  area.addEventListener("input", () => changed(area.value));
  return current => { if (area.value !== current) area.value = current; };
}

function numbers(row, control, changed) {
  const group = make("fieldset", row);
  make("legend", group, control.label);
  const grid = make("div", group, "", { class: `cells of-${control.columns}` });
  const cells = control.default.map((_, i) => make("input", grid, "", {
    type: "number", min: control.low, max: control.high, step: "any",
    "aria-label": `${control.label}, row ${Math.floor(i / control.columns) + 1}, column ${i % control.columns + 1}`,
  }));
  const within = value => (Number.isNaN(value) ? 0 : Math.min(control.high, Math.max(control.low, value)));
  for (const cell of cells) {
    cell.addEventListener("change", () => changed(cells.map(one => within(one.valueAsNumber))));
  }
  return current => current.forEach((value, i) => { cells[i].value = value; });
}

// Points that are clicked into a figure; here are their number, and a way to be rid of them.
function points(row, control, changed) {
  const says = make("span", row, "", { id: `control-${control.name}` });
  const undo = make("button", row, "Take back", { type: "button" });
  const clear = make("button", row, "Remove all", { type: "button" });
  const open = make("button", row, "Open a table", { type: "button" });
  const file = make("input", row, "", { type: "file", accept: ".csv", class: "away", tabindex: -1, "aria-hidden": "true", "aria-label": "A table of your own", id: `file-${control.name}` });
  let present = [];
  open.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    if (file.files[0]) row.dispatchEvent(new CustomEvent("table", { bubbles: true, detail: await file.files[0].text() }));
    file.value = ""; // so that the same file can be opened again
  });
  undo.addEventListener("click", () => changed(present.slice(0, -1)));
  clear.addEventListener("click", () => changed([]));
  return current => {
    present = current;
    says.textContent = `${control.label}: ${current.length}`;
    undo.disabled = clear.disabled = !current.length;
  };
}
