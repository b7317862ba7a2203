// Asks what is served, and shows a tool for each kind of model that there is.

import { digits } from "./draw.js";
import { models } from "./server.js";
import { spam } from "./words.js";

function title(model) {
  if (model.version === null) return `${model.name} (not ready)`;
  return `${model.name} (version ${model.version})`;
}

function open(section, has) {
  section.querySelector(".tool").hidden = !has;
  section.querySelector(".none").hidden = has;
}

try {
  const { models: found, rows, corrects } = await models();
  const served = document.getElementById("served");
  served.textContent = `Served here: ${found.map(title).join(", ") || "nothing"}.`;
  const pictures = found.filter(model => model.takes === "picture");
  const texts = found.filter(model => model.takes === "text");
  open(document.getElementById("digits"), pictures.length > 0);
  open(document.getElementById("spam"), texts.length > 0);
  document.getElementById("keeps").hidden = !corrects;
  if (pictures.length) digits(pictures, corrects);
  if (texts.length) spam(texts, rows);
} catch (error) {
  document.getElementById("served").textContent = "";
  document.getElementById("page-alert").textContent = error.message;
}
