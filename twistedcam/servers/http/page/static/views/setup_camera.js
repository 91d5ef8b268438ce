// One camera that was found: its live picture, and what is chosen for it.
import { address, call, request } from "../lib/api.js";
import { $, capital, fromTemplate, visible } from "../lib/dom.js";
import { formatName, frameRate } from "../lib/format.js";
import { announce } from "../lib/messages.js";
import { t } from "../lib/text.js";

const PERIOD = 150; // milliseconds between two pictures of a preview
const PLACEHOLDER = "USER:PASSWORD";
export const PHONE = "push:"; // the source of a camera that a phone is

// found: as the server lists it; name, title: that are offered; isTaken: true if a camera of the configuration has it.
export class SetupCamera {
  constructor(found, { name, title, isChosen, isTaken, onChange }) {
    this.found = found;
    this.onChange = onChange;
    this.isTaken = isTaken;
    this.preview = null; // the id of the source that the server has open for this page
    this.generation = 0; // counts the previews: an old one ends when there is a new one
    this.element = fromTemplate("setup-camera-template");
    this.image = $("img", this.element);
    this.check = $(".setup-choose", this.element);
    this.mode = $(".setup-mode", this.element);
    this.sound = $(".setup-sound", this.element);
    this.login = $(".setup-login", this.element);
    $("h4", this.element).textContent = visible(found.name);
    $(".setup-source", this.element).textContent = visible(found.source);
    this.image.alt = t("Live picture of {name}", { name: title });
    this.field("name").value = name;
    this.field("title").value = title;
    this.check.checked = isChosen;
    this.check.setAttribute("aria-label", t("Add {name}", { name: title }));
    this.showModes(found.modes ?? []);
    this.showSounds(found.sounds ?? []);
    this.login.hidden = !found.source.includes(PLACEHOLDER);
    if (isTaken) {
      this.element.classList.add("taken");
      this.say(t("This is the camera “{name}” already.", { name: found.camera }));
    } else if (found.note && !found.camera) this.say(capital(found.note));
    this.check.addEventListener("change", () => this.changed());
    this.mode.addEventListener("change", () => { this.restart(); onChange(); });
    this.sound.addEventListener("change", onChange);
    for (const input of this.element.querySelectorAll(".setup-name, .setup-title")) input.addEventListener("input", onChange);
    for (const input of this.login.querySelectorAll("input")) input.addEventListener("change", () => this.changed());
    $(".setup-try", this.element).addEventListener("click", () => this.restart());
    this.element.classList.toggle("chosen", isChosen);
  }

  get isPhone() { return this.found.source === PHONE; }

  field(name) { return $(`.setup-${name}`, this.element); }

  changed() {
    this.element.classList.toggle("chosen", this.check.checked);
    if (this.check.checked && this.image.hidden) this.restart();
    this.onChange();
  }

  // The size, rate and format that were chosen.
  get settings() { return JSON.parse(this.mode.value || "{}"); }

  // The address with the login that was typed.
  get source() {
    const [user, password] = [...this.login.querySelectorAll("input")].map((each) => each.value);
    if (this.login.hidden || !user) return this.found.source;
    return this.found.source.replace(PLACEHOLDER, `${encodeURIComponent(user)}:${encodeURIComponent(password)}`);
  }

  // The camera for the configuration, or null if it was not chosen.
  get wanted() {
    if (!this.check.checked || this.isTaken) return null;
    const title = this.field("title").value.trim();
    return { name: this.field("name").value.trim(), source: this.source, settings: { ...(title ? { title } : {}), ...this.settings, ...(this.sound.value ? { audio: this.sound.value } : {}) } };
  }

  showModes(modes) {
    this.field("modes").hidden = modes.length === 0;
    this.mode.replaceChildren(new Option(t("Automatic"), "{}"), ...modes.map((each) => new Option(
      t("{size}, {rate}, {format}", { size: each.size.replace("x", " × "), rate: frameRate(each.fps, 0), format: formatName(each.format.toUpperCase()) }),
      JSON.stringify({ size: each.size, fps: String(Number(each.fps.toFixed(3))), format: each.format }),
    )));
  }

  // sounds: values of the setting "audio".
  showSounds(sounds) {
    const texts = { auto: t("Microphone of this webcam"), "alsa:default": t("Microphone of the server's computer") };
    this.field("sounds").hidden = sounds.length === 0;
    this.sound.replaceChildren(new Option(t("Off"), ""), ...sounds.map((each) => new Option(texts[each] ?? each, each)));
  }

  say(text, isBad = false) {
    const line = $(".setup-say", this.element);
    line.textContent = text;
    line.hidden = !text;
    line.classList.toggle("bad", isBad);
    if (isBad) announce(this.found.source, text);
  }

  // Shows live pictures until stop() is called.
  //
  // opened: the answer of the server that has opened the source already, or null.
  async restart(opened = null) {
    const own = this.stop();
    await this.closing; // the device can be opened once only
    if (own !== this.generation) return;
    if (this.found.camera) { // the server has the device open already
      this.image.src = address(`/stream/${encodeURIComponent(this.found.camera)}`);
      this.image.hidden = false;
      if (this.isTaken) return;
      if (this.mode.selectedIndex > 0) this.say(t("The new size is used when you save."));
      else await this.sayModeOfServer(own);
      return;
    }
    if (this.isPhone) {
      this.say(t("Its address and QR code are beside the camera after you save."));
      return;
    }
    if (!this.login.hidden && !this.login.querySelector("input").value) {
      this.say(t("Type the user name and the password of the camera, and try it."));
      return;
    }
    this.say(t("Opening it…"));
    try {
      const query = new URLSearchParams(this.settings).toString();
      const source = query ? `${this.source}${this.source.includes("?") ? "&" : "?"}${query}` : this.source;
      opened ??= await call("POST", "/setup/previews", { source });
      if (own !== this.generation) { close(opened.id); return; }
      this.preview = opened.id;
      this.sayMode(`${opened.width}x${opened.height}`, opened.fps, opened.format);
      await this.play(opened.id, own);
    } catch (error) {
      if (own === this.generation) this.say(capital(error.message), true);
    }
  }

  sayMode(size, fps, format) {
    this.say([size.replace("x", " × "), fps ? frameRate(fps, 0) : "", formatName(format)].filter(Boolean).join(" · "));
  }

  // Says the mode of a webcam that the server has open.
  async sayModeOfServer(own) {
    const found = await call("GET", `/cameras/${encodeURIComponent(this.found.camera)}`).catch(() => null);
    if (own === this.generation && found?.state === "live") this.sayMode(found.size, found.granted_fps, found.format);
  }

  async play(id, own) {
    while (own === this.generation) {
      if (!document.hidden) {
        const response = await request(`/api/v1/setup/previews/${id}`);
        if (own !== this.generation) return;
        if (!response.ok) throw new Error((await response.json().catch(() => ({}))).message ?? t("The server does not answer"));
        const url = URL.createObjectURL(await response.blob());
        await new Promise((resolve) => { this.image.onload = this.image.onerror = resolve; this.image.src = url; });
        URL.revokeObjectURL(url);
        this.image.hidden = false;
      }
      await new Promise((resolve) => setTimeout(resolve, PERIOD));
    }
  }

  // Ends the pictures; returns the number of the next preview.
  stop() {
    this.generation += 1;
    if (this.preview) this.closing = close(this.preview);
    this.preview = null;
    this.image.hidden = true;
    this.image.removeAttribute("src"); // ends a stream
    return this.generation;
  }
}

// Ends a preview. The server does it by itself some seconds later.
const close = (id) => call("DELETE", `/setup/previews/${id}`).catch(() => null);
