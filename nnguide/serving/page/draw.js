// Draw a digit: the paper, the pen, and the bars that move with it.

import { announcer, correction, latest, make, normalised, offer, percent, request } from "./server.js";

const SIDE = 280; // pixels of the paper
const STROKE = 20; // width of the pen's line
const STEP = 14; // of the pen by an arrow key; with Shift a quarter
const PAUSE = 60; // milliseconds between two looks at what is drawn
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const $ = id => document.getElementById(id);

// The paper as a picture, drawn on by pointer and keyboard; `changed` is called after each mark.
class Paper {
  constructor(canvas, pen, changed) {
    this.canvas = canvas;
    this.pen = pen;
    this.changed = changed;
    this.context = canvas.getContext("2d");
    this.blank = true;
    this.file = null; // what was opened, until it is drawn on
    this.down = false;
    this.clear();
    canvas.addEventListener("pointerdown", event => this.#press(event));
    canvas.addEventListener("pointermove", event => this.#drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, event => { if (event.isPrimary) this.#lower(false); });
    }
    canvas.addEventListener("keydown", event => this.#key(event));
    canvas.addEventListener("blur", () => this.#lower(false));
  }

  clear() {
    this.context.fillStyle = "#fff";
    this.context.fillRect(0, 0, SIDE, SIDE);
    this.blank = true;
    this.file = null;
    this.#lower(false);
    this.#moveTo(SIDE / 2, SIDE / 2);
    this.changed();
  }

  // Show the picture in `file`, which itself is what the server reads.
  async open(file) {
    this.clear();
    this.blank = false;
    this.file = file;
    try {
      const picture = await createImageBitmap(file);
      const scale = SIDE / Math.max(picture.width, picture.height);
      const [width, height] = [picture.width * scale, picture.height * scale];
      this.context.drawImage(picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    } catch {
      // A TIFF, say: the server may read what the browser cannot show.
    }
    this.changed();
  }

  // The picture file that shows what is on the paper.
  async content() {
    return this.file || new Promise(resolve => this.canvas.toBlob(resolve, "image/png"));
  }

  #press(event) {
    if (!event.isPrimary || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.#moveTo(...this.#place(event));
    this.#lower(true);
  }

  #drag(event) {
    if (!event.isPrimary || !this.canvas.hasPointerCapture(event.pointerId) || !this.down) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length ? passed : [event]) this.#lineTo(...this.#place(one));
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      (event.clientX - box.left) * SIDE / box.width,
      (event.clientY - box.top) * SIDE / box.height,
    ];
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in ARROWS) {
      const step = event.shiftKey ? STEP / 4 : STEP;
      const [x, y] = ARROWS[event.key].map((way, axis) => [this.x, this.y][axis] + way * step);
      const inside = [x, y].map(value => Math.min(Math.max(value, 0), SIDE));
      if (this.down) this.#lineTo(...inside);
      else this.#moveTo(...inside);
    } else if (event.key === " ") {
      if (!event.repeat) this.#lower(!this.down);
    } else if (event.key === "Escape") {
      this.#lower(false);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  #lower(down) {
    this.down = down;
    this.pen.classList.toggle("down", down);
    if (down) this.#lineTo(this.x, this.y); // a dot
  }

  #moveTo(x, y) {
    [this.x, this.y] = [x, y];
    this.pen.style.left = `${100 * x / SIDE}%`;
    this.pen.style.top = `${100 * y / SIDE}%`;
  }

  #lineTo(x, y) {
    Object.assign(this.context, { lineWidth: STROKE, lineCap: "round", strokeStyle: "#000" });
    this.context.beginPath();
    this.context.moveTo(this.x, this.y);
    this.context.lineTo(x, y);
    this.context.stroke();
    this.#moveTo(x, y);
    this.blank = false;
    this.file = null;
    this.changed();
  }
}

// Grey levels, 28 rows of 28, as pixels.
function paint(canvas, rows) {
  const pixels = new ImageData(28, 28);
  rows.flat().forEach((level, i) => pixels.data.set([level, level, level, 255], 4 * i));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

// `scores`: [label, probability] of each label, in label order.
function showBars(list, scores) {
  if (list.children.length !== scores.length) {
    list.replaceChildren();
    for (const [label] of scores) {
      const row = make("li", list);
      make("span", row, label);
      const track = make("div", row, "", "track");
      make("div", track, "", "fill");
      make("span", row);
    }
  }
  const most = Math.max(...scores.map(([, probability]) => probability));
  scores.forEach(([label, probability], i) => {
    const row = list.children[i];
    row.classList.toggle("best", probability === most && most > 0);
    row.children[0].textContent = label;
    row.querySelector(".fill").style.width = `${100 * probability}%`;
    row.children[2].textContent = most > 0 ? percent(probability) : "–";
  });
}

// Start the tool for `models`; `corrects`: whether the server keeps corrections.
export function digits(models, corrects) {
  const say = announcer($("digits-status"));
  const nothing = Array(28).fill(Array(28).fill(0));
  let labels = [];

  const classify = async rows => {
    // With a point, or TensorFlow Serving takes them for integers, which the model does not.
    const levels = rows.flat().map(level => level.toFixed(1)).join();
    const body = `{"signature_name": "classify", "examples": [{"image": [${levels}]}]}`;
    return (await request($("digits-model").value, "classify", body)).results[0];
  };

  // `answer`: the model's label, which is none of those of `scores` where it refuses the picture.
  function show(rows, scores, answer) {
    const [likely, probability] = scores.reduce((a, b) => (b[1] > a[1] ? b : a), ["–", 0]);
    const refused = Boolean(answer) && scores.every(([label]) => label !== answer);
    const label = refused ? answer : likely;
    $("digits-alert").textContent = "";
    $("digit").textContent = label;
    const asked = "Draw a digit from 0 to 9.";
    const words = refused
      ? `${label}: no digit is seen. The likeliest is ${likely}, with ${percent(probability)}.`
      : `${label}, with a probability of ${percent(probability)}.`;
    $("digit-says").textContent = probability ? words : asked;
    $("seen").setAttribute("aria-label", probability
      ? `The picture that the network saw and read as ${label}` : "Nothing seen yet");
    paint($("seen"), rows);
    showBars($("bars"), scores);
    $("wrong").hidden = !corrects || !probability;
    $("corrected").textContent = "";
    say(probability ? words : "The paper is blank.");
  }

  const showNothing = () => show(nothing, labels.map(label => [label, 0]));

  const read = latest(async () => {
    try {
      if (paper.blank) return showNothing();
      const { image, label } = await normalised(await paper.content(), $("digits-model").value);
      const scores = await classify(image);
      if (paper.blank) return showNothing(); // cleared meanwhile
      show(image, scores, label);
    } catch (error) {
      showNothing();
      say("");
      $("digits-alert").textContent = error.message;
    }
  }, PAUSE);

  const paper = new Paper($("paper"), $("pen"), () => read());
  const choose = async () => {
    try {
      labels = (await classify(nothing)).map(([label]) => label);
      $("right").replaceChildren();
      for (const label of labels) make("option", $("right"), label);
    } catch (error) {
      $("digits-alert").textContent = error.message;
      return;
    }
    read();
  };
  offer($("digits-model"), models.map(model => model.name), choose);
  $("clear").addEventListener("click", () => paper.clear());
  $("correct").addEventListener("click", async () => {
    try {
      const { label } = await correction(await paper.content(), $("right").value);
      $("corrected").textContent = `Saved as ${label}.`;
    } catch (error) {
      $("digits-alert").textContent = error.message;
    }
  });
  $("open").addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", event => {
    const [file] = event.target.files;
    if (file) paper.open(file);
    event.target.value = ""; // so that the same file can be opened again
  });
  choose();
}
