// Zooms and moves the picture of a camera that is shown alone, by fingers, mouse wheel, buttons and
// keys; a swipe shows the camera beside it.
import { fromTemplate } from "../lib/dom.js";

const MAX_SCALE = 8;
const STEP = 1.5; // of the buttons
const MOVE = 0.1; // of the picture's size, by an arrow key
const SWIPE = 60; // pixels that a finger moves sideways, at least
const SWIPE_TIME = 700; // milliseconds, at most
const WHEEL = 0.01; // of the scale's logarithm, for a pixel of the wheel
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class PictureZoom {
  // isOn: returns true while gestures are for the picture, and not for what is drawn on it.
  constructor(stage, isOn) {
    this.stage = stage;
    this.isOn = isOn;
    this.moving = [stage.querySelector(".picture"), stage.querySelector(".layer")];
    this.pointers = new Map();
    this.buttons = fromTemplate("zoom-template");
    stage.append(this.buttons);
    this.buttons.querySelector(".zoom-in").addEventListener("click", () => this.zoom(STEP));
    this.buttons.querySelector(".zoom-out").addEventListener("click", () => this.zoom(1 / STEP));
    this.buttons.addEventListener("keydown", (event) => this.onKey(event));
    this.buttons.addEventListener("dblclick", (event) => event.stopPropagation()); // it is for full screen
    stage.addEventListener("pointerdown", (event) => this.onDown(event));
    stage.addEventListener("pointermove", (event) => this.onMove(event));
    for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, (event) => this.onUp(event, kind));
    stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.reset();
  }

  reset() {
    [this.scale, this.x, this.y] = [1, 0, 0];
    this.pointers.clear();
    this.apply();
  }

  // Multiplies the scale; the place of the picture that is at `center` stays there.
  zoom(factor, center = this.middle) {
    const scale = Math.min(MAX_SCALE, Math.max(1, this.scale * factor));
    const [x, y] = center.map((each, at) => each - this.middle[at]);
    const change = scale / this.scale;
    [this.x, this.y, this.scale] = [x - (x - this.x) * change, y - (y - this.y) * change, scale];
    this.apply();
  }

  get middle() {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  }

  apply() {
    const { width, height } = this.stage.getBoundingClientRect();
    const most = [width, height].map((side) => (side * (this.scale - 1)) / 2);
    [this.x, this.y] = [this.x, this.y].map((each, at) => Math.min(most[at], Math.max(-most[at], each)));
    const isZoomed = this.scale > 1;
    for (const element of this.moving) element.style.transform = isZoomed ? `translate(${this.x}px, ${this.y}px) scale(${this.scale})` : "";
    this.stage.classList.toggle("zoomed", isZoomed);
    this.buttons.querySelector(".zoom-out").disabled = !isZoomed;
    this.buttons.querySelector(".zoom-in").disabled = this.scale >= MAX_SCALE;
  }

  onKey(event) {
    const by = ARROWS[event.key];
    if (!by || this.scale === 1) return;
    const { width, height } = this.stage.getBoundingClientRect();
    [this.x, this.y] = [this.x + by[0] * width * MOVE, this.y + by[1] * height * MOVE];
    this.apply();
    event.preventDefault();
  }

  onWheel(event) {
    // A pinch on a touchpad is a wheel with Ctrl; without it the wheel scrolls the page.
    if (!event.ctrlKey || !this.isOn()) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY * WHEEL), [event.clientX, event.clientY]);
  }

  onDown(event) {
    if (!this.isOn() || event.button !== 0 || event.target.closest("button, input")) return;
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (this.pointers.size === 1) this.first = { x: event.clientX, y: event.clientY, at: event.timeStamp, isTouch: event.pointerType !== "mouse" };
    else this.first = null; // two fingers do not swipe
  }

  onMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (other) {
      const center = [0, 1].map((at) => (now[at] + other[at]) / 2);
      const distance = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
      this.shift((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
      this.zoom(distance(now) / distance(before), center);
    } else if (this.scale > 1) {
      if (!this.stage.hasPointerCapture(event.pointerId)) this.stage.setPointerCapture(event.pointerId);
      this.shift(now[0] - before[0], now[1] - before[1]);
    }
  }

  shift(x, y) {
    [this.x, this.y] = [this.x + x, this.y + y];
    this.apply();
  }

  onUp(event, kind) {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
    const { first } = this;
    this.first = null;
    if (kind !== "pointerup" || !first?.isTouch || this.scale > 1 || event.timeStamp - first.at > SWIPE_TIME) return;
    const [x, y] = [event.clientX - first.x, event.clientY - first.y];
    if (Math.abs(x) < SWIPE || Math.abs(x) < 2 * Math.abs(y)) return;
    const by = (x < 0 ? 1 : -1) * (document.dir === "rtl" ? -1 : 1);
    this.stage.dispatchEvent(new CustomEvent("swipe", { bubbles: true, detail: by }));
  }
}
