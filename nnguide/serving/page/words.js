// Paste a message: its probability, and the words that weigh most in it.

import { announcer, latest, make, offer, percent, request } from "./server.js";

const PARTS = 200; // of a message that are hidden one by one, at most
const SHOWN = 8; // words in the list
const NEAR = 6e-8; // float32 cannot tell 1 - p from 0 below it
const NOTHING = 1e-4; // of a change in the log-odds: rounding, seen from here

const $ = id => document.getElementById(id);

// Log-odds: a scale without ends, where a word still counts when the probability is near 1.
function logOdds(probability) {
  const p = Math.min(Math.max(probability, NEAR), 1 - NEAR);
  return Math.log(p / (1 - p));
}

// The parts of `text` that are hidden: its words, or runs of words if there are more than `most`.
export function parts(text, most) {
  const words = [...text.matchAll(/\S+/gu)];
  const together = Math.ceil(words.length / most) || 1;
  const found = [];
  for (let first = 0; first < words.length; first += together) {
    const last = words[Math.min(first + together, words.length) - 1];
    found.push({ start: words[first].index, end: last.index + last[0].length });
  }
  return { found, together };
}

// The answer to `text`, and the weight of each of its parts: what hiding it takes from the log-odds.
// Where the network is so sure that no one part changes them, the parts are shown alone instead,
// and the weight is what each adds to the log-odds of an empty message.
async function weigh(model, text, found) {
  const ask = async texts =>
    (await request(model, "predict", JSON.stringify({ instances: texts }))).predictions;
  const weights = (others, weight) => found
    .map((part, i) => ({
      ...part,
      probability: others[i].probability,
      weight: weight(logOdds(others[i].probability)),
    }))
    .filter(part => Math.abs(part.weight) > NOTHING);

  const without = found.map(({ start, end }) => text.slice(0, start) + text.slice(end));
  const [answer, ...others] = await ask([text, ...without]);
  const weighed = weights(others, other => logOdds(answer.probability) - other);
  if (weighed.length || !found.length) return { answer, weighed, alone: false };
  const single = found.map(({ start, end }) => text.slice(start, end));
  const [empty, ...each] = await ask(["", ...single]);
  const added = weights(each, one => one - logOdds(empty.probability));
  return { answer, weighed: added, alone: true };
}

// The message again, each part coloured by its weight.
function colour(element, text, weighed, most) {
  element.replaceChildren();
  let at = 0;
  for (const { start, end, weight } of weighed) {
    element.append(text.slice(at, start));
    const span = make("span", element, text.slice(start, end), weight > 0 ? "spam" : "ham");
    span.style.setProperty("--weight", `${Math.round(60 * Math.abs(weight) / most)}%`);
    at = end;
  }
  element.append(text.slice(at));
}

function list(element, text, weighed, most, how) {
  element.replaceChildren();
  const byWeight = [...weighed].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  for (const { start, end, weight, probability } of byWeight.slice(0, SHOWN)) {
    const row = make("li", element, "", weight > 0 ? "spam" : "ham");
    const word = make("span", row, text.slice(start, end), "word");
    word.title = text.slice(start, end);
    const track = make("div", row, "", "track");
    const fill = make("div", track, "", "fill");
    fill.style.width = `${100 * Math.abs(weight) / most}%`;
    make("span", row, `${weight > 0 ? "spam" : "ham"}; ${how} ${percent(probability, 4)}`, "says");
  }
}

// Start the tool for `models`; a request may have `rows` instances.
export function spam(models, rows) {
  const say = announcer($("spam-status"));
  let shown = null; // the message and model whose answer is on the page

  function show(text, model, { answer, weighed, alone }, together) {
    const { label, probability } = answer;
    const most = Math.max(...weighed.map(({ weight }) => Math.abs(weight)));
    const side = label === "spam" ? "above" : "not above";
    const words = `Probability of spam ${percent(probability, 4)}, ${side} the threshold of ` +
      `${percent(model.threshold)}.`;
    $("label").textContent = label;
    $("label-says").textContent = model.threshold === null
      ? `Probability of spam ${percent(probability, 4)}.` : words;
    $("spam-answer").classList.toggle("is-spam", label === "spam");
    $("gauge").style.width = `${100 * probability}%`;
    $("mark").hidden = model.threshold === null;
    $("mark").style.left = `calc(${100 * model.threshold}% - 1px)`;
    colour($("coloured"), text, weighed, most);
    list($("words"), text, weighed, most, alone ? "alone" : "without it");
    const kind = together > 1 ? `run of ${together} words` : "word";
    const looked = alone
      ? `So sure is the network that hiding one ${kind} changes nothing: each was shown alone.`
      : `Each ${kind} was hidden once and the network asked again.`;
    const meaning = " A bar is the change of the log-odds: toward spam (orange) or ham (blue).";
    $("words-hint").textContent = looked + (weighed.length ? meaning : " No bar: none changes it.");
    $("spam-answer").hidden = false;
    const top = $("words").querySelector(".word");
    say(`${label}. ${$("label-says").textContent}` + (top ? ` Weighs most: ${top.textContent}.` : ""));
  }

  async function look() {
    const text = $("message").value;
    const model = models.find(({ name }) => name === $("spam-model").value);
    const asked = JSON.stringify([text, model.name]);
    if (asked === shown) return;
    $("spam-alert").textContent = "";
    if (!text.trim()) {
      shown = null;
      $("spam-answer").hidden = true;
      say("");
      return;
    }
    try {
      const { found, together } = parts(text, Math.max(Math.min(PARTS, rows - 1), 1));
      const answered = await weigh(model.name, text, rows > 1 ? found : []);
      show(text, model, answered, together);
      shown = asked;
    } catch (error) {
      shown = null;
      $("spam-answer").hidden = true;
      say("");
      $("spam-alert").textContent = error.message;
    }
  }

  const soon = latest(look, 250);
  const put = text => {
    $("message").value = text;
    soon();
  };
  offer($("spam-model"), models.map(model => model.name), soon);
  $("message").addEventListener("input", soon);
  $("look").addEventListener("click", soon);
  $("empty").addEventListener("click", () => { put(""); $("message").focus(); });
  for (const button of document.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => put(button.dataset.example));
  }
}
