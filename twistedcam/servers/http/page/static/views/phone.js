// "Use a phone as this camera": the address of the page that makes a device a camera, and its QR code.
import { address, call } from "../lib/api.js";
import { reachable } from "../lib/addresses.js";
import { $, capital } from "../lib/dom.js";
import { showMessage } from "../lib/messages.js";
import { showQrCode } from "../lib/qr.js";
import { rights } from "../lib/rights.js";
import { t } from "../lib/text.js";

const LOOPBACK = /^(localhost|.*\.localhost|127\..*|\[::1\])$/;

// The part of a camera's view for a camera whose source is push:.
export class PhonePart {
  // button: one in the picture that opens this part.
  constructor(name, element, button) {
    this.element = element;
    this.button = button;
    this.path = `/publish/${encodeURIComponent(name)}`;
    this.name = name;
    this.waits = false;
    element.addEventListener("toggle", () => { if (element.open) this.draw(); });
    button.addEventListener("click", () => {
      const hash = `#${encodeURIComponent(name)}`;
      if (location.hash === hash) { this.open(); return; }
      addEventListener("hashchange", () => this.open(), { once: true });
      location.hash = hash; // among other cameras there is no room for it
    });
  }

  open() {
    this.element.open = true;
    const title = $("summary", this.element);
    title.scrollIntoView({ block: "center" });
    title.focus();
  }

  update(status) {
    this.element.hidden = !/^push:/.test(status.source ?? "");
    this.waits = !this.element.hidden; // a camera that opens nothing
    this.button.hidden = !this.waits || !["starting", "recovering"].includes(status.state);
    if (this.element.hidden || this.isOffered || status.frames > 0) return;
    this.isOffered = true; // nothing was published yet: this is what the user looks for
    this.element.open = true;
  }

  async draw() {
    const [link, image, hint] = ["a", "img", ".phone-hint"].map((selector) => $(selector, this.element));
    const found = await phoneAddress(this.path);
    link.href = address(this.path);
    link.textContent = found ?? address(this.path);
    const hints = [];
    if (found === null) hints.push(t("Only the server's own computer can open its page. “Set up” at the foot of the page lets others connect."));
    if (!(found ?? location.href).startsWith("https:")) hints.push(t("The phone's browser allows the camera only over HTTPS: start the server with TLS (twistedcam tls-init)."));
    if (found !== null && rights.token !== "anyone") hints.push(t("The phone logs in with a token that can be this camera and nothing else: {command}", { command: `twistedcam token add my-phone --right publish --camera ${quoted(this.name)} --qr ${(found ?? "").slice(0, -this.path.length)}/` }));
    hint.textContent = hints.join("\n");
    image.hidden = true;
    if (found === null) return;
    try { await showQrCode(image, found); } catch (error) { showMessage(capital(error.message), true); }
  }
}

// Returns an address of the server as a phone can use it; null if only the server's own computer can.
async function phoneAddress(path) {
  if (!LOOPBACK.test(location.hostname)) return address(path);
  try {
    const { page } = await call("GET", "/server");
    const base = reachable(page, "");
    const { hostname } = new URL(base);
    return LOOPBACK.test(hostname) ? null : base.replace(/\/$/, "") + path;
  } catch { return null; }
}

const quoted = (word) => (/^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

// Adds a camera for a phone to the configuration, and shows it. One click: the change is saved, and
// can be taken back in the settings.
export async function addPhoneCamera() {
  const { text, version, read_only: reason } = await call("GET", "/configuration");
  if (reason) throw new Error(reason);
  const { cameras } = await call("GET", "/cameras");
  const taken = cameras.map((each) => each.camera);
  let name = "phone";
  for (let number = 2; taken.includes(name); number += 1) name = `phone-${number}`;
  const settings = { title: name === "phone" ? t("Phone") : t("Phone {number}", { number: name.slice(6) }) };
  const changed = await call("POST", "/configuration/edit", { text, action: "add", name, source: "push:", settings });
  await call("PUT", "/configuration", { text: changed.text, version });
  return name;
}
