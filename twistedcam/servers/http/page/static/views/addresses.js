// "Addresses for other programs" of one camera.
import { address, call } from "../lib/api.js";
import { programs } from "../lib/addresses.js";
import { $, capital } from "../lib/dom.js";
import { showMessage } from "../lib/messages.js";
import { rights } from "../lib/rights.js";
import { store, stored } from "../lib/storage.js";
import { t } from "../lib/text.js";

const PROGRAM = "twistedcam addresses"; // the program that was chosen last

export class Addresses {
  constructor(name, element) {
    this.name = name;
    this.find = (selector) => $(selector, element);
    this.element = element;
    this.server = null;
    this.select = this.find("select");
    this.token = this.find(".address-token input");
    element.addEventListener("toggle", () => {
      if (element.open) this.load();
      else { this.token.value = ""; this.draw(); } // a token is not left on the screen
    });
    this.select.addEventListener("change", () => { store(PROGRAM, this.select.value); this.draw(); });
    this.token.addEventListener("input", () => this.draw());
  }

  async load() {
    try { this.server = await call("GET", "/server"); } catch (error) { showMessage(capital(error.message), true); return; }
    this.find(".address-token").hidden = rights.token === "anyone";
    this.draw();
  }

  draw() {
    if (this.server === null) return;
    const all = programs({ base: address(""), server: this.server, camera: this.name, token: this.token.value.trim() });
    const wanted = this.select.value || stored(PROGRAM);
    this.select.replaceChildren(...all.map(({ name }) => new Option(name)));
    const chosen = all.find(({ name }) => name === wanted) ?? all[0];
    this.select.value = chosen.name;
    this.find(".address-hint").textContent = chosen.hint;
    this.find(".address-lines").replaceChildren(...chosen.lines.map(([label, text]) => line(label, text)));
    this.find(".address-warning").hidden = !this.token.value.trim();
  }
}

// A text with a button that copies it; without a label, only a text.
function line(label, text) {
  const box = document.createElement("div");
  if (!label) {
    box.textContent = text;
    box.className = "muted";
    return box;
  }
  const head = document.createElement("div");
  head.className = "address-head";
  const title = document.createElement("span");
  title.textContent = label;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = t("Copy");
  button.setAttribute("aria-label", t("Copy: {name}", { name: label }));
  const shown = document.createElement("pre");
  shown.textContent = text;
  shown.tabIndex = 0;
  shown.setAttribute("role", "region");
  shown.setAttribute("aria-label", label);
  button.addEventListener("click", async () => showMessage(await copy(text, shown) ? t("Copied: {name}", { name: label }) : t("Press Ctrl+C to copy it")));
  head.append(title, button);
  box.append(head, shown);
  return box;
}

// Copies a text; returns false if the browser does not allow it, and selects the text.
async function copy(text, shown) {
  try {
    await navigator.clipboard.writeText(text); // not there without TLS
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(shown);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  }
}
