// The way to the server, and what both tools of the page share.

let mostBytes = Infinity; // of a request's body

// What the server serves; an Error, as every one here, has a message for a person.
export async function models() {
  const answer = await ask("page/models");
  mostBytes = answer.bytes;
  return answer;
}

// A picture file (a Blob) as the network sees it, `image` of 28 rows of 28 grey levels, and the
// `label` that the model answers, if that is known; an Error where it would read several as one.
export function normalised(picture, model) {
  return ask(`page/picture?model=${encodeURIComponent(model)}`, picture);
}

// Let the server keep a picture with what it really shows.
export function correction(picture, label) {
  return ask(`page/correction?label=${encodeURIComponent(label)}`, picture);
}

// A request of TensorFlow Serving's interface: `verb` is predict or classify, `body` JSON.
export function request(model, verb, body) {
  const path = `v1/models/${encodeURIComponent(model)}:${verb}`;
  return ask(path, new Blob([body], { type: "application/json" }));
}

function headers() {
  const token = sessionStorage.getItem("token");
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function ask(path, body) {
  if (body && body.size > mostBytes) {
    throw new Error(`This server takes at most ${mostBytes.toLocaleString("en")} bytes; ` +
      `this would be ${body.size.toLocaleString("en")}.`);
  }
  const send = () => fetch(path, { method: body ? "POST" : "GET", body, headers: headers() })
    .catch(() => { throw new Error("The server does not answer. Is it still running?"); });
  let answer = await send();
  while (answer.status === 401) {
    const token = window.prompt("This server asks for its token:");
    if (!token) break;
    sessionStorage.setItem("token", token.trim()); // until the tab is closed
    answer = await send();
  }
  let content = {};
  try {
    content = await answer.json();
  } catch {
    throw new Error(`The server answered with status ${answer.status} and something unreadable.`);
  }
  if (!answer.ok) throw new Error(`${content.error || "The request failed"} (${answer.status})`);
  return content;
}

// A function that runs `work` soon: never twice at a time, and after the last call once more.
export function latest(work, milliseconds) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      await new Promise(resolve => setTimeout(resolve, milliseconds));
      again = false;
      await work();
    }
    running = false;
  };
}

// A function that says its text to a screen reader once nothing new has come for a second.
export function announcer(region) {
  let timer;
  return text => {
    clearTimeout(timer);
    timer = setTimeout(() => { region.textContent = text; }, 1000);
  };
}

// Text only ever enters the page as text.
export function make(kind, parent, text = "", style = "") {
  const element = document.createElement(kind);
  element.textContent = text;
  element.className = style;
  parent.append(element);
  return element;
}

// With one decimal, or as many as tell it from 0 and from 1, `most` of them.
export function percent(probability, most = 1) {
  const rest = 100 * Math.min(probability, 1 - probability);
  const decimals = Math.min(Math.max(Math.ceil(-Math.log10(rest) - 0.001), 1), most);
  const least = 10 ** -decimals;
  if (rest >= least / 2) return `${(100 * probability).toFixed(decimals)}\u00a0%`;
  return probability > 0.5 ? `>\u00a0${(100 - least).toFixed(decimals)}\u00a0%` : `<\u00a0${least.toFixed(decimals)}\u00a0%`;
}

// Offer the models of one tool; the choice is shown where there is one.
export function offer(select, names, changed) {
  for (const name of names) make("option", select, name);
  select.parentElement.hidden = names.length < 2;
  select.addEventListener("change", changed);
}
