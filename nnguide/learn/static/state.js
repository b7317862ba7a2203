// A lesson's state in the address: every value, written so that it is read back bit for bit.

export function text(state) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) parts.set(name, written(value));
  return `#${parts}`;
}

// The values that an address has, of the types that the defaults have.
export function read(hash, defaults) {
  const found = {};
  for (const [name, value] of new URLSearchParams(hash.slice(1))) {
    if (name in defaults) found[name] = typed(value, defaults[name]);
  }
  return found;
}

function written(value) {
  if (!Array.isArray(value)) return String(value);
  return value.map(one => (Array.isArray(one) ? one.join(" ") : one)).join(",");
}

function typed(value, like) {
  if (typeof like === "number") return Number(value);
  if (typeof like === "boolean") return value === "true";
  if (!Array.isArray(like)) return value;
  if (!value) return [];
  return value.split(",").map(one => (one.includes(" ") ? one.split(" ").map(Number) : Number(one)));
}
