// What all scripts of the page share. Text only ever enters the page as text.

const SVG = "http://www.w3.org/2000/svg";
const MATH = "http://www.w3.org/1998/Math/MathML";

function put(element, parent, text, attributes) {
  if (text !== "") element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  parent?.append(element);
  return element;
}

export function make(kind, parent, text = "", attributes = {}) {
  return put(document.createElement(kind), parent, text, attributes);
}

export function svg(kind, parent, attributes = {}, text = "") {
  return put(document.createElementNS(SVG, kind), parent, text, attributes);
}

export function math(kind, parent, text = "", attributes = {}) {
  return put(document.createElementNS(MATH, kind), parent, text, attributes);
}

// Six digits of a number, as a person writes it; null is one that has left the numbers.
export function printed(value, digits = 6) {
  if (value === null || value === undefined) return "∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  let text = size >= 1e-4 && size < 1e7
    ? String(Number(value.toPrecision(digits)))
    : value.toExponential(digits - 3).replace(/\.?0+e/, "e").replace("e+", "e");
  text = text.replace(/e(.*)$/, (_, power) => `·10${raised(power)}`);
  return text.replace("-", "−");
}

// A whole number as an exponent.
export function raised(power) {
  return [...String(power)].map(letter => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(letter)]).join("");
}

// The named number as attributes: what a test reads, and what the pointer shows in full.
export function exact(number) {
  return { "data-name": number.name, "data-value": number.value === null ? "" : String(number.value), title: number.value === null ? "not finite" : String(number.value) };
}

// The float32 numbers of a base64 text.
export function unpack(text) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// A colour of the stylesheet, as [red, green, blue].
export function colour(name) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map(i => parseInt(text.slice(i, i + 2), 16));
}

export function mix(from, to, share) {
  return from.map((level, i) => level + (to[i] - level) * share);
}
