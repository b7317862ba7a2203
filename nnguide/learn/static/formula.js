// Mathematics as MathML: a chain of equal expressions a line, numbers in their places.
//
// Text is read letter by letter: spaces separate words, a/b is a fraction of two words, x^y a power,
// [1] after a letter the number of a layer, and a number comes as an object.

import { exact, make, math, printed } from "./make.js";

export function formula(parent, figure) {
  const holder = make("div", null, "", { class: "lines", role: "group", "aria-label": figure.alt });
  for (const row of figure.rows) {
    const line = make("p", holder);
    row.forEach((parts, i) => {
      const whole = math("math", line, "", { displaystyle: "true" });
      const inner = math("mrow", whole);
      if (i) math("mo", inner, "=");
      expression(inner, parts.flatMap(part => (typeof part === "string" ? [...part] : [part])));
      line.append(" ");
    });
  }
  parent.replaceChildren(holder);
  if (holder.scrollWidth > holder.clientWidth) holder.tabIndex = 0; // so that the keyboard scrolls it
}

// The words of an expression, split at the spaces that stand in no parentheses.
function expression(parent, items) {
  let before = "";
  for (const [i, word] of split(items, " ").entries()) {
    if (i && (typeof word[0] === "object" || /[\p{L}\d(]/u.test(word[0])) && /[\p{L}\d₀-₉\])]/u.test(before)) math("mspace", parent, "", { width: "0.28em" });
    before = word.at(-1) ?? " ";
    const [above, below] = split(word, "/");
    if (below) {
      const fraction = math("mfrac", parent);
      product(math("mrow", fraction), bare(above));
      product(math("mrow", fraction), bare(below));
    } else if (word.length) {
      product(parent, word);
    }
  }
}

function split(items, at) {
  const found = [[]];
  let depth = 0;
  for (const item of items) {
    if (item === "(") depth += 1;
    if (item === ")") depth -= 1;
    if (item === at && depth === 0) found.push([]);
    else found.at(-1).push(item);
  }
  return found;
}

// Without parentheses that go around all of it.
function bare(items) {
  if (items[0] !== "(" || closing(items, 0) !== items.length - 1) return items;
  return items.slice(1, -1);
}

function closing(items, from) {
  let depth = 0;
  for (let i = from; i < items.length; i += 1) {
    if (items[i] === "(") depth += 1;
    if (items[i] === ")") depth -= 1;
    if (depth === 0) return i;
  }
  return items.length - 1;
}

function product(parent, items) {
  for (let i = 0; i < items.length;) {
    const [end, add] = atom(items, i);
    if (items[end] === "^") {
      const power = math("msup", parent);
      add(math("mrow", power));
      const [after] = atom(items, end + 1);
      expression(math("mrow", power), bare(items.slice(end + 1, after)));
      i = after;
    } else {
      add(parent);
      i = end;
    }
  }
}

// Where the atom at `i` ends, and how to add it to a parent.
function atom(items, i) {
  const item = items[i];
  if (typeof item === "object") return [i + 1, parent => number(parent, item)];
  if (item === "(") {
    const end = closing(items, i);
    return [end + 1, parent => {
      math("mo", parent, "(", { stretchy: "false" });
      expression(parent, items.slice(i + 1, end));
      math("mo", parent, ")", { stretchy: "false" });
    }];
  }
  if (/[\d.]/.test(item)) return run(items, i, /[\d.]/, "mn");
  if (/\p{L}/u.test(item)) return identifier(items, i);
  return [i + 1, parent => math("mo", parent, item)];
}

function run(items, i, kind, element) {
  let end = i;
  while (typeof items[end] === "string" && kind.test(items[end])) end += 1;
  return [end, parent => math(element, parent, items.slice(i, end).join(""))];
}

// A letter or a word, with its subscripts; [l] becomes an index above.
function identifier(items, i) {
  let end = i;
  while (typeof items[end] === "string" && /[\p{L}\p{M}₀-₉′]/u.test(items[end])) end += 1;
  const name = items.slice(i, end).join("");
  const word = /\p{L}{2}/u.test(name) && "word"; // log, tanh, and plain words stand upright
  if (items[end] !== "[") return [end, parent => math("mi", parent, name, { mathvariant: "normal", class: word })];
  const close = items.indexOf("]", end);
  let after = close + 1;
  while (typeof items[after] === "string" && /[₀-₉]/.test(items[after])) after += 1;
  return [after, parent => {
    const indexed = math("msup", parent);
    math("mi", indexed, name + items.slice(close + 1, after).join(""), { mathvariant: "normal" });
    math("mtext", indexed, items.slice(end, close + 1).join(""));
  }];
}

// A number; one below zero stands in parentheses where something but "=" stands before it.
function number(parent, item) {
  const before = parent.lastElementChild?.textContent ?? (parent.localName === "mrow" && parent.parentNode.localName === "msup" ? "" : "=");
  const wrap = item.value !== null && item.value < 0 && !["=", "(", ""].includes(before);
  const text = printed(item.value);
  math("mn", parent, wrap ? `(${text})` : text, exact(item));
}
