// Paper of 28 by 28 grey levels, drawn on by pointer, finger and keyboard.

import { make } from "./make.js";

const SIDE = 28;
const WIDE = 280; // pixels of the paper
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function pad(row, control, changed) {
  make("p", row, control.label, { class: "label" });
  const holder = make("div", row, "", { class: "paper" });
  const canvas = make("canvas", holder, "", {
    width: WIDE, height: WIDE, tabindex: 0, role: "application", id: `control-${control.name}`,
    "aria-label": `${control.label}: arrow keys move the pen, Space lowers and lifts it, Delete clears`,
  });
  const pen = make("div", holder, "", { class: "pen", "aria-hidden": "true" });
  const clear = make("button", row, "Clear", { type: "button" });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let [x, y, down, shown] = [WIDE / 2, WIDE / 2, false, null];

  const wipe = () => { context.fillStyle = "#000"; context.fillRect(0, 0, WIDE, WIDE); };
  const move = (nextX, nextY) => {
    if (down) {
      Object.assign(context, { lineWidth: 22, lineCap: "round", strokeStyle: "#fff" });
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(nextX, nextY);
      context.stroke();
    }
    [x, y] = [nextX, nextY];
    pen.style.left = `${100 * x / WIDE}%`;
    pen.style.top = `${100 * y / WIDE}%`;
    pen.classList.toggle("down", down);
    if (down) send();
  };

  // The paper in cells of 10 by 10 pixels, each with its mean grey level.
  function levels() {
    const pixels = context.getImageData(0, 0, WIDE, WIDE).data;
    const cell = WIDE / SIDE;
    const found = new Uint8Array(SIDE * SIDE);
    for (let r = 0; r < SIDE; r += 1) {
      for (let c = 0; c < SIDE; c += 1) {
        let sum = 0;
        for (let i = 0; i < cell; i += 1) {
          for (let j = 0; j < cell; j += 1) sum += pixels[4 * ((r * cell + i) * WIDE + c * cell + j)];
        }
        found[r * SIDE + c] = Math.round(sum / (cell * cell));
      }
    }
    return found;
  }

  function send() {
    const found = levels();
    shown = found.some(level => level) ? btoa(String.fromCharCode(...found)) : "";
    changed(shown);
  }

  const place = event => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * WIDE / box.width, (event.clientY - box.top) * WIDE / box.height];
  };
  canvas.addEventListener("pointerdown", event => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    down = false;
    move(...place(event));
    down = true;
    move(x, y);
  });
  canvas.addEventListener("pointermove", event => {
    if (!down || !canvas.hasPointerCapture(event.pointerId)) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) move(...place(one));
  });
  const lift = () => { down = false; pen.classList.remove("down"); };
  for (const end of ["pointerup", "pointercancel", "blur"]) canvas.addEventListener(end, lift);
  const empty = () => { lift(); wipe(); send(); };
  clear.addEventListener("click", empty);
  canvas.addEventListener("keydown", event => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in ARROWS) {
      const step = event.shiftKey ? 4 : 14;
      const inside = [x, y].map((value, axis) => Math.min(WIDE, Math.max(0, value + step * ARROWS[event.key][axis])));
      move(...inside);
    } else if (event.key === " ") {
      down = !down;
      move(x, y);
    } else if (event.key === "Escape") {
      lift();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      empty();
    } else {
      return;
    }
    event.preventDefault();
  });
  wipe();
  return current => {
    if (current === shown) return;
    shown = current;
    wipe();
    [...atob(current)].forEach((letter, i) => {
      const level = letter.charCodeAt(0);
      context.fillStyle = `rgb(${level} ${level} ${level})`;
      context.fillRect((i % SIDE) * 10, Math.floor(i / SIDE) * 10, 10, 10);
    });
  };
}
