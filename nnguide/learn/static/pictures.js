// Pictures of pixels: grey levels, ink, or weights around zero; with numbers in the cells if asked.

import { colour, make, mix, printed, unpack } from "./make.js";

export function pictures(parent, figure, set) {
  const row = make("div", null, "", { class: `pictures ${figure.size}`, role: "group", "aria-label": figure.alt });
  for (const one of figure.pictures) {
    const frame = make("figure", row);
    const [height, width] = one.shape;
    const values = unpack(one.values);
    if (one.numbers) cells(frame, one, values);
    else paint(frame, one, values, width, height);
    if (one.choose) {
      const button = make("button", frame, one.caption, { type: "button", class: one.on ? "on" : "", "aria-pressed": Boolean(one.on) });
      button.addEventListener("click", () => set({ [one.choose[0]]: one.choose[1] }));
    } else {
      make("figcaption", frame, one.caption);
    }
  }
  parent.replaceChildren(row);
}

function tint(one, value, colours) {
  const share = Math.min(1, Math.abs(value) / one.high);
  if (one.scale === "signed") return mix(colours.none, value > 0 ? colours.for : colours.against, share);
  if (one.scale === "ink") return mix([255, 255, 255], [20, 24, 31], share);
  return mix([0, 0, 0], [255, 255, 255], value > 0 ? share : 0);
}

// As bright as a person sees a colour, 0 to 1 (WCAG 2): above 0.18 black stands out more than white.
function luminance(levels) {
  const [red, green, blue] = levels.map(level => {
    const share = level / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function palette() {
  return { none: colour("--card"), for: colour("--for"), against: colour("--against") };
}

function paint(frame, one, values, width, height) {
  const canvas = make("canvas", frame, "", { width, height, role: "img", "aria-label": one.caption, "data-name": one.name });
  const pixels = new ImageData(width, height);
  const colours = palette();
  values.forEach((value, i) => pixels.data.set([...tint(one, value, colours), 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

function cells(frame, one, values) {
  const [rows, columns] = one.shape;
  const grid = make("table", frame, "", { class: "cells" });
  const body = make("tbody", grid);
  const colours = palette();
  const [top, left, high, wide] = one.marked ?? [-1, -1, 0, 0];
  for (let r = 0; r < rows; r += 1) {
    const line = make("tr", body);
    for (let c = 0; c < columns; c += 1) {
      const value = values[r * columns + c];
      const back = tint(one, value, colours);
      const inside = r >= top && r < top + high && c >= left && c < left + wide;
      const cell = make("td", line, printed(value, 3), {
        class: inside ? "marked" : "", "data-name": one.name && `${one.name}[${r},${c}]`, "data-value": one.name && value,
      });
      cell.style.background = `rgb(${back.map(Math.round).join(" ")})`;
      cell.style.color = luminance(back) > 0.18 ? "#000000" : "#ffffff";
      if (one.pick) cell.dataset.pick = `${r},${c}`;
    }
  }
}
