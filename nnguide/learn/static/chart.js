// A plane with two axes: lines, points, a path, colours for a third number, and a pointer that drags.

import { colour, make, mix, printed, raised, svg, unpack } from "./make.js";

const LEFT = 52;
const BOTTOM = 40;
const TOP = 8;
const RIGHT = 12;
let clips = 0;

export function chart(parent, figure, set) {
  const width = Math.max(260, Math.min(parent.clientWidth || 480, 720));
  const square = Boolean(figure.heat);
  const inner = width - LEFT - RIGHT;
  const high = square ? Math.min(inner, 430) : Math.min(300, Math.max(190, inner * 0.55));
  const wide = square ? high : inner;
  const box = { left: LEFT, top: TOP, wide, high };
  const x = scale(figure.x, box.left, box.left + wide);
  const y = scale(figure.y, box.top + high, box.top);

  const old = parent.querySelector("svg");
  const holder = old ? parent.firstChild : make("div", parent, "", { class: "plane" });
  let canvas = holder.querySelector("canvas");
  if (figure.heat) {
    canvas ??= make("canvas", holder, "", { "aria-hidden": "true" });
    Object.assign(canvas.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${wide}px`, height: `${high}px` });
    heat(canvas, figure.heat);
  }
  const total = box.left + wide + RIGHT;
  const picture = svg("svg", null, {
    width: total, height: high + TOP + BOTTOM, viewBox: `0 0 ${total} ${high + TOP + BOTTOM}`,
    role: "img", "aria-label": figure.alt,
  });
  axes(picture, figure, x, y, box, square);
  const clip = `clip-${clips += 1}`;
  svg("rect", svg("clipPath", svg("defs", picture), { id: clip }), { x: box.left, y: box.top, width: wide, height: high });
  const inside = svg("g", picture, { "clip-path": `url(#${clip})` });
  if (figure.heat?.scale === "probability") boundary(inside, figure.heat, box);
  for (const line of figure.lines ?? []) curve(inside, line, x, y);
  if (figure.path) trail(inside, figure.path, x, y);
  for (const point of figure.points ?? []) mark(inside, point, x, y);
  for (const one of figure.marks ?? []) upright(inside, one, x, box);
  if (figure.drag || figure.add) grip(holder, picture, figure, x, y, box, set);

  const legend = key(figure);
  if (old) old.replaceWith(picture);
  else holder.append(picture);
  parent.querySelector(".key-of-lines")?.remove();
  if (legend) parent.append(legend);
}

function scale(axis, from, to) {
  const [low, high] = axis.log ? [Math.log10(axis.low), Math.log10(axis.high)] : [axis.low, axis.high];
  const at = value => from + (to - from) * ((axis.log ? Math.log10(value) : value) - low) / (high - low);
  at.back = pixel => {
    const value = low + (high - low) * (pixel - from) / (to - from);
    return axis.log ? 10 ** value : value;
  };
  return at;
}

function ticks(axis, room) {
  if (axis.log) {
    const [low, high] = [Math.ceil(Math.log10(axis.low) - 1e-9), Math.floor(Math.log10(axis.high) + 1e-9)];
    const every = Math.max(1, Math.ceil((high - low) / Math.max(2, room / 45)));
    const found = [];
    for (let power = high; power >= low; power -= every) found.push(10 ** power);
    return found;
  }
  const rough = (axis.high - axis.low) / Math.max(2, room / 70);
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(k => k * ten).find(k => k >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(axis.low / step - 1e-9); k * step <= axis.high + 1e-9 * step; k += 1) found.push(k * step);
  return found;
}

function tick(value, axis) {
  const power = Math.round(Math.log10(value));
  if (axis.log && Math.abs(power) > 2) return `10${raised(power)}`;
  return printed(Number(value.toPrecision(6)), 4);
}

function axes(picture, figure, x, y, box, square) {
  const [bottom, right] = [box.top + box.high, box.left + box.wide];
  const group = svg("g", picture, { class: "axes", "aria-hidden": "true" });
  for (const value of ticks(figure.x, box.wide)) {
    if (!square) svg("line", group, { x1: x(value), x2: x(value), y1: box.top, y2: bottom, class: value === 0 ? "zero" : "" });
    svg("text", group, { x: x(value), y: bottom + 15, class: "across" }, tick(value, figure.x));
  }
  for (const value of ticks(figure.y, box.high)) {
    if (!square) svg("line", group, { x1: box.left, x2: right, y1: y(value), y2: y(value), class: value === 0 ? "zero" : "" });
    svg("text", group, { x: box.left - 6, y: y(value) + 4, class: "up" }, tick(value, figure.y));
  }
  svg("rect", group, { x: box.left, y: box.top, width: box.wide, height: box.high });
  svg("text", group, { x: box.left + box.wide / 2, y: bottom + 33, class: "across name" }, figure.x.label);
  const middle = box.top + box.high / 2;
  svg("text", group, { x: 12, y: middle, class: "across name", transform: `rotate(-90 12 ${middle})` }, figure.y.label);
}

function curve(parent, line, x, y) {
  let d = "";
  let open = false;
  line.x.forEach((value, i) => {
    const there = line.y[i];
    const at = there === null || value === null ? NaN : y(there);
    if (!Number.isFinite(at)) { open = false; return; }
    d += `${open ? "L" : "M"}${x(value).toFixed(2)} ${Math.max(-1e5, Math.min(1e5, at)).toFixed(2)}`;
    open = true;
  });
  svg("path", parent, { d, class: `line s${line.style} ${line.dashed ? "dashed" : ""}`, "data-name": line.name || null });
}

function trail(parent, path, x, y) {
  curve(parent, { ...path, style: 4 }, x, y);
  if (path.x.length > 150) return;
  path.x.forEach((value, i) => {
    if (value !== null && path.y[i] !== null) svg("circle", parent, { cx: x(value), cy: y(path.y[i]), r: 2.2, class: "footprint" });
  });
}

function mark(parent, point, x, y) {
  if (point.x === null || point.y === null) return;
  const [cx, cy] = [x(point.x), y(point.y)];
  if (point.kind === "class1") {
    svg("path", parent, { d: `M${cx - 3.5} ${cy - 3.5}l7 7m0 -7l-7 7`, class: "class1" });
    return;
  }
  const radius = { class0: 3.6, small: 1.6, dot: 6 }[point.kind] ?? 5;
  svg("circle", parent, { cx, cy, r: radius, class: point.kind });
  if (point.label) svg("text", parent, { x: cx + 9, y: cy - 8, class: "tag" }, point.label);
}

function upright(parent, one, x, box) {
  svg("line", parent, { x1: x(one.x), x2: x(one.x), y1: box.top, y2: box.top + box.high, class: "upright" });
  svg("text", parent, { x: x(one.x) + 5, y: box.top + 14, class: "tag" }, one.label);
}

function key(figure) {
  const named = [...(figure.lines ?? [])].filter(line => line.label);
  if (named.length < 2) return null;
  const list = make("ul", null, "", { class: "key-of-lines", "aria-hidden": "true" });
  for (const line of named) {
    const item = make("li", list);
    const sample = svg("svg", item, { width: 26, height: 10 });
    svg("line", sample, { x1: 1, x2: 25, y1: 5, y2: 5, class: `line s${line.style} ${line.dashed ? "dashed" : ""}` });
    item.append(` ${line.label}`);
  }
  return list;
}

// Colours of the plane, one pixel a value; the browser smooths between them.
function heat(canvas, field) {
  const [rows, columns] = field.shape;
  const values = unpack(field.values);
  Object.assign(canvas, { width: columns, height: rows });
  canvas.dataset.name = field.name;
  const pixels = new ImageData(columns, rows);
  const [card, warm, cold] = ["--card", "--for-tint", "--against-tint"].map(colour);
  const [deep, light] = [colour("--main"), card];
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const size = Math.max(Math.abs(low), Math.abs(high)) || 1;
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      const value = values[r * columns + c];
      let shade;
      if (field.scale === "loss") {
        const share = Math.log(Math.max(value, 1e-12) / Math.max(low, 1e-12)) / Math.log(high / Math.max(low, 1e-12));
        shade = mix(deep, light, 0.25 + 0.75 * Math.min(1, Math.floor(share * 14) / 14));
      } else {
        const share = field.scale === "probability" ? 2 * value - 1 : value / size;
        shade = mix(card, share > 0 ? warm : cold, Math.min(1, Math.abs(share)));
      }
      pixels.data.set([...shade, 255], 4 * ((rows - 1 - r) * columns + c));
    }
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

// The line where the probability is one half, cell by cell of the grid.
function boundary(parent, field, box) {
  const [rows, columns] = field.shape;
  const values = unpack(field.values);
  const at = (r, c) => values[r * columns + c] - 0.5;
  const px = c => box.left + (c + 0.5) * box.wide / columns;
  const py = r => box.top + box.high - (r + 0.5) * box.high / rows;
  let d = "";
  for (let r = 0; r + 1 < rows; r += 1) {
    for (let c = 0; c + 1 < columns; c += 1) {
      const corners = [[r, c], [r, c + 1], [r + 1, c + 1], [r + 1, c]];
      const crossings = [];
      corners.forEach(([r1, c1], i) => {
        const [r2, c2] = corners[(i + 1) % 4];
        const [a, b] = [at(r1, c1), at(r2, c2)];
        if ((a > 0) === (b > 0)) return;
        const share = a / (a - b);
        crossings.push([px(c1 + share * (c2 - c1)), py(r1 + share * (r2 - r1))]);
      });
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        d += `M${crossings[i].map(v => v.toFixed(1)).join(" ")}L${crossings[i + 1].map(v => v.toFixed(1)).join(" ")}`;
      }
    }
  }
  svg("path", parent, { d, class: "boundary" });
}

// The pointer sets controls: it drags one point, or adds one of a class with each click.
function grip(holder, picture, figure, x, y, box, set) {
  const area = svg("rect", picture, { x: box.left, y: box.top, width: box.wide, height: box.high, class: "grip" });
  const place = event => {
    const frame = holder.getBoundingClientRect();
    const inside = (value, axis) => Math.min(axis.high, Math.max(axis.low, value));
    return [
      inside(x.back(event.clientX - frame.left), figure.x),
      inside(y.back(event.clientY - frame.top), figure.y),
    ];
  };
  if (figure.add) {
    area.addEventListener("pointerdown", event => { // a click would need the same drawing at its end
      if (!event.isPrimary || event.button !== 0) return;
      const [px, py] = place(event).map(value => Number(value.toFixed(2)));
      const kind = event.shiftKey ? 1 - figure.add.class : figure.add.class;
      set(state => ({ ...figure.add.also, [figure.add.to]: [...state[figure.add.to], [px, py, kind]] }));
    });
    return;
  }
  const move = event => {
    const [px, py] = place(event).map(value => Number(value.toFixed(2)));
    const values = {};
    if (figure.drag.x) values[figure.drag.x] = px;
    if (figure.drag.y) values[figure.drag.y] = py;
    set(values);
  };
  area.addEventListener("pointerdown", event => {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault();
    move(event);
    const end = () => {
      window.removeEventListener("pointermove", move);
      for (const kind of ["pointerup", "pointercancel"]) window.removeEventListener(kind, end);
    };
    window.addEventListener("pointermove", move); // the area is drawn anew at every move
    for (const kind of ["pointerup", "pointercancel"]) window.addEventListener(kind, end);
  });
}
