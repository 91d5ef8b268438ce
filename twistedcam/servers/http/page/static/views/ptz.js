// The pad that moves a camera: pan, tilt, zoom and saved positions.
import { call, cameraPath, command } from "../lib/api.js";
import { fromTemplate } from "../lib/dom.js";
import { rights } from "../lib/rights.js";

const REPEAT = 700; // milliseconds between two commands while a button is held; the camera stops after 1.5 s without
const NUDGE = "0.4s"; // a button that is pressed without holding it: by a screen reader
const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", "+": "in", "-": "out" };

export class Ptz {
  constructor(name, details) {
    this.name = name;
    this.path = `${cameraPath(name)}/ptz`;
    this.details = details;
    this.axes = "";
    this.held = ""; // the direction of the button that is held
    this.moving = null; // the newest command, which stop() must not overtake
  }

  // Shows the pad if the camera can be moved.
  update(status) {
    const axes = status.ptz === "yes" ? status.ptz_axes : "";
    if (axes === this.axes) return;
    this.axes = axes;
    this.details.hidden = !axes;
    if (!axes) return;
    if (!this.pad) this.build();
    for (const button of this.directions) {
      const needs = { in: ["zoom"], out: ["zoom"], left: ["pan"], right: ["pan"], up: ["tilt"], down: ["tilt"] };
      button.hidden = !button.dataset.direction.split("-").every((word) => needs[word].every((axis) => axes.includes(axis)));
    }
    this.pad.hidden = !axes.includes("pan") && !axes.includes("tilt");
    this.updateRights();
    if (this.details.open) this.loadPresets();
  }

  build() {
    const body = fromTemplate("ptz-template");
    this.details.append(body);
    const find = (selector) => body.querySelector(selector);
    this.pad = find(".ptz-pad");
    this.directions = [...body.querySelectorAll("[data-direction]")];
    [this.speed, this.presets, this.newName] = [find(".ptz-speed"), find(".ptz-preset"), find(".ptz-name")];
    for (const button of this.directions) this.hold(button);
    body.addEventListener("keydown", (event) => this.onKey(event));
    body.addEventListener("keyup", () => this.release());
    addEventListener("blur", () => this.release());
    addEventListener("pagehide", () => this.release());
    find(".ptz-home").addEventListener("click", () => command("POST", `${this.path}/home`));
    find(".ptz-go").addEventListener("click", () => this.withPreset("preset"));
    find(".ptz-delete").addEventListener("click", () => this.withPreset("delete"));
    find(".ptz-save").addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    this.details.addEventListener("toggle", () => { if (this.details.open) this.loadPresets(); });
  }

  // Moves while a button is held, by mouse, pen or finger.
  hold(button) {
    const { direction } = button.dataset;
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      this.press(direction);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(end, () => this.release());
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
    button.addEventListener("click", (event) => { if (event.detail === 0) this.move(direction, NUDGE); });
  }

  onKey(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, form")) return;
    const isButton = (key === "Enter" || key === " ") && target.dataset.direction;
    const direction = isButton || ARROWS[key];
    if (!direction) return;
    event.preventDefault();
    if (!event.repeat) this.press(direction);
  }

  press(direction) {
    this.release();
    this.held = direction;
    this.move(direction);
    this.timer = setInterval(() => this.move(direction), REPEAT);
  }

  async release() {
    if (!this.held) return;
    this.held = "";
    clearInterval(this.timer);
    await this.moving;
    if (!this.held) command("POST", `${this.path}/stop`);
  }

  move(direction, seconds) {
    const body = { direction, speed: this.speed.value, ...(seconds && { seconds }) };
    this.moving = command("POST", `${this.path}/move`, body).then((answer) => {
      if (!answer && this.held === direction) { this.held = ""; clearInterval(this.timer); } // it was refused
    });
  }

  async loadPresets() {
    if (!this.axes) return;
    let found = [];
    try { found = (await call("GET", `${this.path}/presets`)).presets; } catch { /* a camera may have none */ }
    const chosen = this.presets.value;
    this.presets.replaceChildren(...found.map(({ preset }) => new Option(preset)));
    if (found.some(({ preset }) => preset === chosen)) this.presets.value = chosen;
    this.presets.closest(".ptz-row").hidden = !found.length;
  }

  async withPreset(action) {
    if (!this.presets.value) return;
    if (await command("POST", `${this.path}/${action}`, { name: this.presets.value }) && action === "delete") this.loadPresets();
  }

  async save() {
    const name = this.newName.value.trim();
    if (!name || !(await command("POST", `${this.path}/save`, { name }))) return;
    this.newName.value = "";
    await this.loadPresets();
    this.presets.value = name;
  }

  updateRights() {
    if (!this.pad) return;
    const reason = rights.why("control", this.name);
    for (const each of this.details.querySelectorAll("button, input")) { each.disabled = Boolean(reason); each.title = reason; }
  }

  remove() {
    this.release();
  }
}
