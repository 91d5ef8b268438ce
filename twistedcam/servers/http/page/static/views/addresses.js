// "Addresses for other programs" of one camera.
import { address, call } from "../lib/api.js";
import { programs } from "../lib/addresses.js";
import { $, capital } from "../lib/dom.js";
import { showQrCode } from "../lib/qr.js";
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

  async showCode(label, text) {
    const box = this.find(".address-code");
    const [image, note] = [$("img", box), $("p", box)];
    const token = this.token.value.trim();
    image.alt = t("QR code: {name}", { name: label });
    note.textContent = token && text.includes(encodeURIComponent(token)) ? t("This code contains the token. Whoever photographs it can use the token.") : t("This code has no token.");
    note.classList.toggle("address-warning", note.textContent !== t("This code has no token."));
    try { await showQrCode(image, text); } catch (error) { showMessage(capital(error.message), true); return; }
    box.hidden = false;
    box.scrollIntoView({ block: "nearest" });
  }

  draw() {
    if (this.server === null) return;
    const all = programs({ base: address(""), server: this.server, camera: this.name, token: this.token.value.trim() });
    const wanted = this.select.value || stored(PROGRAM);
    this.select.replaceChildren(...all.map(({ name }) => new Option(name)));
    const chosen = all.find(({ name }) => name === wanted) ?? all[0];
    this.select.value = chosen.name;
    this.find(".address-hint").textContent = chosen.hint;
    this.find(".address-lines").replaceChildren(...chosen.lines.map(([label, text]) => line(label, text, () => this.showCode(label, text))));
    this.find(".address-code").hidden = true; // only on request: it may have the token
    this.find(".address-warning").hidden = !this.token.value.trim();
  }
}

// A text with a button that copies it, and an address with one that shows its QR code; without a
// label, only a text.
function line(label, text, showCode) {
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
  if (/^[a-z]+:\/\/\S+$/.test(text)) {
    const code = document.createElement("button");
    code.type = "button";
    code.textContent = t("QR code");
    code.setAttribute("aria-label", t("QR code: {name}", { name: label }));
    code.addEventListener("click", showCode);
    head.append(code);
  }
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
