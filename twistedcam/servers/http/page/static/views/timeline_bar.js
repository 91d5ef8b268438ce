// The bar of the timeline: draws times, recordings and events, and takes wheel, drag, pinch and
// touch. Times are UNIX seconds.
import { clock } from "../lib/clock.js";
import { dateText, t } from "../lib/text.js";

const DAY = 86400;
const MIN_SPAN = 20; // seconds from end to end
const MAX_SPAN = 40 * DAY;
const NOW_SPAN = 6 * 3600; // shown at first
const CLICK = 5; // pixels that a click may move
const EDGE = 12; // pixels from an edge of the selection at which it is moved
// Seconds between two ticks.
const STEPS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY, 2 * DAY, 7 * DAY];
const LABEL = 74; // pixels for the label of a tick
const [MARGIN, GAP] = [4, 8]; // pixels beside a label: to the edge, and to the next one at least
const HEAD = 26; // pixels above the rows
const FOOT = 14; // pixels below a row, for its events
const ROW = 44; // pixels of a row, if there are several

export class TimelineBar {
  constructor(canvas) {
    this.canvas = canvas;
    this.rows = []; // one for each camera: { label, spans, events }
    this.cursor = null; // what is played, or null: live
    this.selection = null; // [start, end] or null
    this.isSelecting = false;
    this.pointers = new Map();
    this.onView = this.onPlay = this.onHover = this.onSelect = () => {};
    this.end = this.now;
    this.start = this.end - NOW_SPAN;
    new ResizeObserver(() => this.resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.onDown(event));
    canvas.addEventListener("pointermove", (event) => this.onMove(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => this.onUp(event));
    canvas.addEventListener("pointerleave", () => this.onHover(null, 0));
  }

  get now() { return clock.now() / 1000; }

  get middle() { return (this.start + this.end) / 2; }

  get perPixel() { return (this.end - this.start) / Math.max(1, this.canvas.clientWidth); }

  get showsNow() { return this.end >= this.now - 1 && this.start < this.now; }

  show(start, end) {
    const span = Math.min(MAX_SPAN, Math.max(MIN_SPAN, end - start));
    const middle = (start + end) / 2;
    // There is nothing to see in the future, but for a small part beside the current time.
    this.end = Math.min(middle + span / 2, Math.max(this.now + span * 0.05, this.now + 1));
    this.start = this.end - span;
    this.draw();
    this.onView();
  }

  showNow() { const span = this.end - this.start; this.show(this.now - span * 0.95, this.now + span * 0.05); }

  zoom(factor, time = this.cursor ?? this.middle) {
    const at = Math.min(Math.max(time, this.start), this.end);
    const span = Math.min(MAX_SPAN, Math.max(MIN_SPAN, (this.end - this.start) * factor));
    const share = (at - this.start) / (this.end - this.start);
    this.show(at - share * span, at + (1 - share) * span);
  }

  pan(share) { const by = (this.end - this.start) * share; this.show(this.start + by, this.end + by); }

  // Shows a row for each camera: [{ label, spans, events }, …].
  setRows(rows) {
    const changed = rows.length !== this.rows.length;
    this.rows = rows;
    if (changed) { // the size of a single row is that of the style sheet
      this.canvas.style.height = rows.length > 1 ? `${HEAD + rows.length * ROW}px` : "";
      this.resize();
    }
    this.draw();
  }

  // follows: true to keep the time in sight.
  setCursor(time, follows = false) {
    this.cursor = time;
    if (time !== null && follows && !this.pointers.size && (time > this.end || time < this.start)) this.show(time, time + (this.end - this.start));
    else this.draw();
  }

  setSelection(selection) {
    if (selection !== null) selection = [Math.min(...selection), Math.min(Math.max(...selection), this.now)];
    this.selection = selection !== null && selection[1] > selection[0] ? selection : null;
    this.draw();
    this.onSelect(this.selection);
  }

  // True if a row, or any, has a recording of a time.
  isRecorded(time, row = null) {
    const rows = row === null ? this.rows : this.rows.slice(row, row + 1);
    return rows.some(({ spans }) => spans.some((each) => each.start <= time && time < each.end));
  }

  // The number of the row at a place, in pixels from the top.
  rowAt(top) {
    const share = (top - HEAD) / Math.max(1, this.canvas.clientHeight - HEAD);
    return Math.min(this.rows.length - 1, Math.max(0, Math.floor(share * this.rows.length)));
  }

  timeAt(event) {
    return this.start + (event.clientX - this.canvas.getBoundingClientRect().left) * this.perPixel;
  }

  onWheel(event) {
    event.preventDefault();
    const scale = event.deltaMode === 1 ? 16 : 1; // lines or pixels
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const by = (event.deltaX || event.deltaY) * scale * this.perPixel;
      this.show(this.start + by, this.end + by);
    } else {
      this.zoom(Math.exp(event.deltaY * scale * 0.002), this.timeAt(event));
    }
  }

  onDown(event) {
    if (event.button) return;
    try { this.canvas.setPointerCapture(event.pointerId); } catch { /* the pointer has gone already */ }
    this.pointers.set(event.pointerId, event);
    this.moved = 0;
    this.grabbed = { start: this.start, end: this.end, x: event.clientX };
    this.edge = null;
    const time = this.timeAt(event);
    if (this.pointers.size === 1 && this.selection) {
      const near = this.selection.map((each) => Math.abs(each - time) / this.perPixel);
      if (Math.min(...near) < EDGE) this.edge = this.selection[near[0] < near[1] ? 1 : 0]; // the other one stays
    }
    if (this.edge === null && (event.shiftKey || (this.isSelecting && event.pointerType === "mouse"))) this.edge = time;
    this.onHover(null, 0);
  }

  onMove(event) {
    const rect = this.canvas.getBoundingClientRect();
    if (!this.pointers.has(event.pointerId)) {
      if (event.pointerType === "mouse") this.onHover(this.timeAt(event), event.clientX - rect.left, this.rowAt(event.clientY - rect.top));
      return;
    }
    if (this.pointers.size === 2) { this.pinch(event); return; }
    this.pointers.set(event.pointerId, event);
    this.moved = Math.max(this.moved, Math.abs(event.clientX - this.grabbed.x));
    if (this.moved < CLICK) return;
    if (this.edge !== null) { this.setSelection([this.edge, this.timeAt(event)]); return; }
    const by = (event.clientX - this.grabbed.x) * this.perPixel;
    this.show(this.grabbed.start - by, this.grabbed.end - by);
  }

  // Two fingers: the times under them stay there.
  pinch(event) {
    const xs = () => [...this.pointers.values()].map((each) => each.clientX);
    const [a, b] = xs();
    this.pointers.set(event.pointerId, event);
    const [c, d] = xs();
    this.moved = CLICK;
    const left = this.canvas.getBoundingClientRect().left;
    const middle = this.start + ((a + b) / 2 - left) * this.perPixel;
    const span = (this.end - this.start) * Math.max(20, Math.abs(a - b)) / Math.max(20, Math.abs(c - d));
    const share = ((c + d) / 2 - left) / this.canvas.clientWidth;
    this.show(middle - share * span, middle + (1 - share) * span);
    const [one] = this.pointers.values();
    this.grabbed = { start: this.start, end: this.end, x: one.clientX };
  }

  onUp(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (event.type === "pointerup" && this.moved < CLICK && !this.pointers.size && !event.shiftKey) {
      this.canvas.focus({ preventScroll: true });
      this.onPlay(this.timeAt(event));
    }
    const [other] = this.pointers.values();
    if (other) this.grabbed = { start: this.start, end: this.end, x: other.clientX };
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.round(clientWidth * devicePixelRatio);
    this.canvas.height = Math.round(clientHeight * devicePixelRatio);
    this.draw();
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => { this.frame = null; this.paint(); });
  }

  paint() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const context = this.canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, height);
    const x = (time) => (time - this.start) / this.perPixel;
    const box = (start, end, top, tall, fill) => {
      const [a, b] = [Math.max(-2, x(start)), Math.min(width + 2, x(end))];
      if (b < 0 || a > width) return;
      context.fillStyle = fill;
      context.fillRect(a, top, Math.max(1, b - a), tall);
    };
    const step = (height - HEAD) / Math.max(1, this.rows.length);
    const rows = this.rows.length ? this.rows : [{ spans: [], events: [] }];
    rows.forEach((row, index) => this.paintRow(row, box, HEAD + index * step, step - FOOT, colour));
    this.paintTicks(context, x, width, height, colour);
    if (rows.length > 1) this.paintLabels(context, rows, step, colour);
    if (this.selection) {
      const [start, end] = this.selection;
      context.globalAlpha = 0.35;
      box(start, end, 0, height, colour("ink"));
      context.globalAlpha = 1;
      for (const each of this.selection) box(each - this.perPixel, each + this.perPixel, 0, height, colour("ink"));
    }
    const at = x(this.cursor ?? this.now);
    context.fillStyle = colour(this.cursor === null ? "live" : "danger");
    context.fillRect(at - 1, 0, 2, height);
    this.describe();
  }

  paintRow({ spans, events }, box, top, tall, colour) {
    box(this.start, this.end, top, tall, colour("raised"));
    this.paintSpans(spans, box, top, tall, colour("accent"));
    for (const each of events) {
      const isBad = each.kind === "fault" || each.kind === "state";
      box(each.start, Math.max(each.end ?? each.start, each.start + 2 * this.perPixel), top + tall + 3, 6, colour(isBad ? "danger" : "motion"));
    }
    if (this.now < this.end) box(this.now, this.end, top, tall, colour("ground"));
  }

  paintLabels(context, rows, step, colour) {
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "left";
    rows.forEach(({ label }, index) => {
      const top = HEAD + index * step + 3;
      context.fillStyle = colour("surface");
      context.globalAlpha = 0.85;
      context.fillRect(4, top, context.measureText(label).width + 10, 18);
      context.globalAlpha = 1;
      context.fillStyle = colour("ink");
      context.fillText(label, 9, top + 13);
    });
  }

  // Spans that overlap, because a clock was set back, are drawn below each other.
  paintSpans(spans, box, top, tall, fill) {
    let until = -Infinity;
    for (const each of spans) {
      const overlaps = each.start < until - this.perPixel;
      box(each.start, each.end, overlaps ? top + tall / 2 + 1 : top, overlaps ? tall / 2 - 1 : tall, fill);
      until = Math.max(until, each.end);
    }
  }

  paintTicks(context, x, width, height, colour) {
    const step = STEPS.find((each) => each / this.perPixel >= LABEL) ?? STEPS.at(-1);
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    // Ticks are at round local times, also on the days of the clock change.
    const time = new Date(this.start * 1000);
    time.setHours(0, 0, 0, 0);
    const days = Math.max(1, step / DAY);
    for (let guard = 0; time / 1000 < this.end && guard < 2000; guard += 1) {
      const day = time / 1000;
      const next = new Date(time);
      next.setDate(next.getDate() + days);
      for (let at = day; at < Math.min(next / 1000, this.end); at += Math.min(step, DAY * days)) {
        if (at < this.start - step) { at += Math.floor((this.start - step - at) / step) * step; }
        const left = x(at);
        if (left < 0 || left > width) continue;
        context.fillStyle = colour("soft");
        context.fillRect(Math.round(left), 20, 1, 6);
        const isDay = at === day;
        const shown = new Date(at * 1000);
        const label = dateText(shown, isDay ? { day: "numeric", month: "short" } : { timeStyle: step < 60 ? "medium" : "short" });
        // At an edge it is moved until it is whole, or left out if the next label has that place.
        const half = context.measureText(label).width / 2;
        const middle = Math.min(Math.max(left, half + MARGIN), width - half - MARGIN);
        if (Math.abs(middle - left) <= step / this.perPixel - 2 * half - GAP) context.fillText(label, middle, 15);
      }
      time.setTime(next.getTime());
    }
  }

  // For screen readers.
  describe() {
    const time = this.cursor ?? this.now;
    const { canvas } = this;
    const date = dateText(time * 1000, { dateStyle: "short", timeStyle: "medium" });
    const text = this.cursor === null ? t("{date}, live", { date }) : this.isRecorded(time) ? date : t("{date}, not recorded", { date });
    const low = Math.floor(Math.min(this.start, time));
    if (canvas.getAttribute("aria-valuetext") === text && Number(canvas.getAttribute("aria-valuemin")) === low) return;
    canvas.setAttribute("aria-valuemin", low);
    canvas.setAttribute("aria-valuemax", Math.ceil(Math.max(this.end, time)));
    canvas.setAttribute("aria-valuenow", Math.round(time));
    canvas.setAttribute("aria-valuetext", text);
  }
}
