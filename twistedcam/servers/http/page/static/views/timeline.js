// The timeline: what was recorded of a camera and when, to look at, to play and to select.
import { address, call, cameraPath, command } from "../lib/api.js";
import { $, inText, setIcon } from "../lib/dom.js";
import { duration, timeOfDay } from "../lib/format.js";
import { showMessage } from "../lib/messages.js";
import { rights } from "../lib/rights.js";
import { dateText, plural, t } from "../lib/text.js";
import { Calendar } from "./calendar.js";
import { StepPlayer } from "./step_player.js";
import { Timelapse } from "./timelapse.js";
import { TimelineBar } from "./timeline_bar.js";
import { TimePlayer } from "./time_player.js";

const DAY = 86400; // seconds
const REFRESH = 10000; // milliseconds between two requests while the newest time is shown
const DEBOUNCE = 120; // milliseconds
const HOVER = 90; // milliseconds until the picture under the pointer is requested
const MAX_EVENTS = 500;
const MAX_IN_STEP = 4; // cameras: a browser opens six connections to a server, and each video takes one

export class Timeline {
  constructor() {
    this.section = $("#timeline");
    this.select = $("#timeline-camera");
    this.camera = null;
    this.hasRecordings = new Map(); // by camera
    this.removed = []; // cameras that have recordings and are not in the configuration any more
    this.cameras = [];
    this.bar = new TimelineBar($("#timeline-bar"));
    this.single = new TimePlayer();
    this.inStep = new StepPlayer();
    this.others = []; // cameras that are played in step with this one
    this.calendar = new Calendar((day) => this.showDay(day));
    this.timelapse = new Timelapse();
    this.hover = $("#timeline-hover");
    this.request = 0;
    this.bar.onView = () => this.onView();
    this.bar.onPlay = (time) => this.play(time);
    this.bar.onHover = (time, left, row) => this.onHover(time, left, row);
    this.bar.onSelect = (selection) => this.onSelect(selection);
    for (const player of [this.single, this.inStep]) {
      player.onTime = (time) => { if (player === this.player) this.onTime(time); };
      player.onEnd = () => { if (player === this.player) this.stop(); };
      player.onState = () => this.drawPlayer();
    }
    this.select.addEventListener("change", () => this.open(this.select.value));
    $("#timeline-earlier").addEventListener("click", () => this.step(-1));
    $("#timeline-later").addEventListener("click", () => this.step(1));
    $("#timeline-now").addEventListener("click", () => this.showNow());
    $("#timeline-day").addEventListener("click", () => this.calendar.toggle(this.camera, this.bar.middle));
    $("#timeline-in").addEventListener("click", () => this.bar.zoom(0.5));
    $("#timeline-out").addEventListener("click", () => this.bar.zoom(2));
    $("#timeline-play").addEventListener("click", () => this.togglePlay());
    $("#timeline-speed").addEventListener("change", (event) => {
      for (const player of [this.single, this.inStep]) player.speed = Number(event.target.value);
    });
    $("#timeline-others").addEventListener("change", () => this.chooseOthers());
    addEventListener("click", (event) => { if (!$("#timeline-others").contains(event.target)) $("#timeline-others").open = false; });
    $("#timeline-select").addEventListener("click", () => this.toggleSelecting());
    $("#selection-export").addEventListener("click", () => this.export());
    $("#selection-timelapse").addEventListener("click", () => this.timelapse.ask(this.camera, this.bar.selection, $("#selection-text").textContent));
    $("#selection-protect").addEventListener("click", () => this.protect());
    $("#selection-close").addEventListener("click", () => this.bar.setSelection(null));
    this.bar.canvas.addEventListener("keydown", (event) => this.onKey(event));
    setInterval(() => { if (!document.hidden && this.camera && this.bar.showsNow) this.load(); }, REFRESH);
  }

  // Offers the cameras; opened: the one that is shown alone, or null.
  update(cameras, opened) {
    this.cameras = cameras;
    const shown = cameras.filter((each) => opened === null || each.camera === opened);
    const offered = shown.map((each) => [each.title || each.camera, each.camera]);
    offered.push(...this.removed.map((name) => [t("{camera} (removed)", { camera: name }), name]));
    const text = JSON.stringify(offered);
    if (text !== this.text) {
      this.text = text;
      this.select.replaceChildren(...offered.map(([label, name]) => new Option(label, name)));
      if (this.camera !== null) this.select.value = this.camera;
      this.offered = offered;
    }
    this.select.hidden = offered.length < 2;
    if (opened !== this.opened) {
      const isBack = this.opened !== undefined && opened === null;
      this.opened = opened;
      if (opened !== null) this.open(opened);
      else if (isBack) this.load(); // it is shown for several cameras, also when one has no recording
    }
    if (!offered.some(([, name]) => name === this.camera)) this.open(offered[0]?.[1] ?? null);
    if (text !== this.othersText) { this.othersText = text; this.offerOthers(); }
  }

  // The player of one camera, or of several.
  get player() { return this.others.length ? this.inStep : this.single; }

  get shown() { return [this.camera, ...this.others]; }

  labelOf(camera) { return this.offered.find(([, name]) => name === camera)?.[0] ?? camera; }

  // Offers the other cameras as boxes to tick.
  offerOthers() {
    const others = this.offered.filter(([, name]) => name !== this.camera);
    this.others = this.others.filter((name) => others.some(([, other]) => other === name));
    $("#timeline-others").hidden = !others.length;
    $("#timeline-others div").replaceChildren(...others.map(([label, name]) => {
      const box = document.createElement("label");
      const tick = Object.assign(document.createElement("input"), { type: "checkbox", value: name, checked: this.others.includes(name) });
      box.append(tick, label);
      return box;
    }));
    this.limitOthers();
  }

  limitOthers() {
    const isFull = this.others.length >= MAX_IN_STEP - 1;
    for (const each of $("#timeline-others").querySelectorAll("input")) each.disabled = isFull && !each.checked;
    $("#timeline-others summary").textContent = this.others.length ? plural(this.others.length + 1, "{count} camera", "{count} cameras") : t("Several cameras");
    for (const each of ["download", "timelapse"]) $(`#selection-${each}`).hidden = this.others.length > 0;
  }

  chooseOthers() {
    const time = this.player.isOpen ? this.bar.cursor : null;
    this.player.close();
    $("#playback").hidden = true;
    this.others = [...$("#timeline-others").querySelectorAll("input:checked")].map((each) => each.value);
    this.limitOthers();
    this.load();
    if (time !== null) this.play(time);
    else this.drawPlayer();
  }

  // Finds the cameras that were removed or renamed, of which there are recordings.
  async findRemoved() {
    if (!rights.may("view") && rights.cameras === null) return;
    const { cameras } = await call("GET", "/recorded").catch(() => ({ cameras: [] }));
    const removed = cameras.filter((each) => each.removed && rights.may("view", each.camera)).map((each) => each.camera);
    if (removed.join("\n") === this.removed.join("\n")) return;
    this.removed = removed;
    this.update(this.cameras, this.opened ?? null);
    this.load();
  }

  open(camera) {
    if (camera === this.camera) return;
    this.stop();
    this.camera = camera;
    this.others = [];
    if (camera !== null) this.select.value = camera;
    if (this.offered) this.offerOthers();
    this.bar.setSelection(null);
    this.bar.setRows([]);
    this.showNow();
  }

  updateRights() { this.findRemoved(); this.onSelect(this.bar.selection); if (this.camera) this.load(); }

  // A recording has changed, or an event has happened.
  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.load(); this.findRemoved(); }, 1000);
  }

  onView() {
    const middle = new Date(this.bar.middle * 1000);
    $("#timeline-day span").textContent = dateText(middle, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
    this.hover.hidden = true;
    clearTimeout(this.viewTimer);
    this.viewTimer = setTimeout(() => this.load(), DEBOUNCE);
  }

  async load() {
    const { camera } = this;
    if (camera === null || !rights.may("view", camera)) { this.section.hidden = true; return; }
    const request = ++this.request;
    const { start, end, perPixel } = this.bar;
    const span = end - start;
    const range = `start=${Math.max(0, start - span)}&end=${end + span}`;
    try {
      const rows = await Promise.all(this.shown.map(async (name) => {
        const [found, happened] = await Promise.all([
          call("GET", `${cameraPath(name)}/spans?${range}&gap=${Math.max(0.05, perPixel).toFixed(3)}`),
          call("GET", `/events?camera=${encodeURIComponent(name)}&since=${Math.max(0, start - span)}&until=${end + span}&limit=${MAX_EVENTS}`).catch(() => ({ events: [] })),
        ]);
        return { label: this.labelOf(name), spans: found.spans, events: happened.events.filter((each) => each.kind !== "recording") };
      }));
      if (request !== this.request) return;
      this.bar.setRows(rows);
      this.fault("");
      await this.find(camera, rows[0].spans);
    } catch (error) {
      if (request === this.request) this.fault(t("The times of recordings cannot be loaded: {reason}", { reason: error.message }));
    }
  }

  // Shows the timeline once the camera has a recording at any time.
  async find(camera, spans) {
    if (!spans.length && !this.hasRecordings.get(camera)) {
      const all = await call("GET", `${cameraPath(camera)}/spans?gap=${DAY}`);
      this.hasRecordings.set(camera, all.spans.length > 0);
    } else {
      this.hasRecordings.set(camera, true);
    }
    const isShown = this.select.options.length > 1 || this.hasRecordings.get(camera);
    if (this.section.hidden === isShown) { this.section.hidden = !isShown; this.bar.resize(); }
    $("#timeline-nothing").hidden = this.hasRecordings.get(camera);
  }

  fault(text) {
    if ($("#timeline-fault").textContent !== text) $("#timeline-fault").textContent = text;
  }

  showDay(day) {
    this.bar.show(day, day + DAY);
    this.bar.canvas.focus({ preventScroll: true });
  }

  step(days) {
    const day = new Date(this.bar.middle * 1000);
    day.setHours(0, 0, 0, 0);
    day.setDate(day.getDate() + days); // a day of the clock change has 23 or 25 hours
    const next = new Date(day);
    next.setDate(next.getDate() + 1);
    this.bar.show(day / 1000, next / 1000);
  }

  // Returns to the live picture and to the current time.
  showNow() {
    this.stop();
    this.bar.showNow();
  }

  play(time) {
    if (this.camera === null || !rights.may("view", this.camera)) return;
    this.bar.setCursor(time);
    const isNew = !this.player.isOpen;
    if (this.others.length) this.inStep.cameras = this.shown.map((name) => ({ name, label: this.labelOf(name) }));
    else $("#playback").hidden = false;
    if (isNew) $(".timeline-box").scrollIntoView({ block: "nearest" });
    this.player.open(this.camera, time).catch((error) => this.onPlayFailed(error, time));
    this.drawPlayer();
  }

  // Shows a time of a camera and plays it; returns false if that is not possible.
  playAt(camera, time) {
    if (this.section.hidden || !rights.may("view", camera) || ![...this.select.options].some((each) => each.value === camera)) return false;
    if (this.opened !== null && this.opened !== camera) return false;
    this.open(camera);
    this.bar.show(time - 300, time + 300);
    this.play(time);
    this.section.scrollIntoView({ block: "start" });
    this.bar.canvas.focus({ preventScroll: true });
    return true;
  }

  // Where nothing was recorded, playing begins at the nearest time.
  onPlayFailed(error, time) {
    const { nearest } = error;
    if (nearest && Math.abs(nearest.start - time) + Math.abs(nearest.end - time) > 0 && !this.hasJumped) {
      this.hasJumped = true;
      this.play(time < nearest.start ? nearest.start : Math.max(nearest.start, nearest.end - 5));
      this.hasJumped = false;
      return;
    }
    this.player.fail(error.message, error.recording);
  }

  togglePlay() {
    if (this.player.isOpen) this.player.toggle();
    else this.play(this.bar.cursor ?? this.bar.middle);
  }

  stop() {
    this.player.close();
    $("#playback").hidden = true;
    this.bar.setCursor(null);
    this.drawPlayer();
  }

  onTime(time) {
    this.bar.setCursor(time, this.player.isPlaying);
    const shown = dateText(time * 1000, { dateStyle: "short", timeStyle: "medium" });
    if ($("#timeline-time").textContent !== shown) $("#timeline-time").textContent = shown;
  }

  drawPlayer() {
    const { isPlaying, isOpen } = this.player;
    setIcon($("#timeline-play use"), isPlaying ? "pause" : "play");
    $("#timeline-play span").textContent = isPlaying ? t("Pause") : t("Play");
    if (!isOpen) $("#timeline-time").textContent = t("Live");
  }

  onHover(time, left, row = 0) {
    clearTimeout(this.hoverTimer);
    this.hover.hidden = time === null;
    if (time === null) return;
    const picture = $("img", this.hover);
    const recorded = this.bar.isRecorded(time, row);
    $("span", this.hover).textContent = timeOfDay(new Date(time * 1000));
    picture.hidden = !recorded;
    const room = this.bar.canvas.clientWidth;
    const half = this.hover.offsetWidth / 2;
    this.hover.style.left = `${Math.min(Math.max(left, half), room - half)}px`;
    if (!recorded) return;
    this.hoverTimer = setTimeout(() => {
      picture.src = address(`/playback/${encodeURIComponent(this.shown[row] ?? this.camera)}/picture?start=${Math.floor(time)}`);
    }, HOVER);
  }

  toggleSelecting() {
    this.bar.isSelecting = !this.bar.isSelecting;
    $("#timeline-select").setAttribute("aria-pressed", this.bar.isSelecting);
    if (this.bar.isSelecting && !this.bar.selection) {
      const at = this.bar.cursor ?? this.bar.middle;
      const half = (this.bar.end - this.bar.start) / 20;
      this.bar.setSelection([at - half, at + half]);
    }
  }

  onSelect(selection) {
    $("#timeline-selection").hidden = selection === null;
    if (selection === null) {
      this.bar.isSelecting = false;
      $("#timeline-select").setAttribute("aria-pressed", false);
      return;
    }
    const [start, end] = selection;
    const [from, to] = selection.map((time) => timeOfDay(new Date(time * 1000)));
    $("#selection-text").textContent = t("{from} – {to} ({duration})", { from, to, duration: duration(end - start) });
    $("#selection-download").href = address(`/playback/${encodeURIComponent(this.camera)}?start=${start.toFixed(3)}&duration=${Math.max(0.1, end - start).toFixed(3)}&download`);
    $("#selection-timelapse").hidden = this.others.length > 0 || !rights.may("control", this.camera);
    for (const each of ["#selection-export", "#selection-protect"]) $(each).hidden = !this.shown.every((camera) => rights.may("control", camera));
    if (rights.cameras !== null) $("#selection-protect").hidden = true; // it needs a token for all cameras
  }

  async export() {
    const [start, end] = this.bar.selection;
    const button = $("#selection-export");
    button.disabled = true;
    for (const camera of this.shown) {
      const made = await command("POST", `${cameraPath(camera)}/export`, { start: start.toFixed(3), duration: `${(end - start).toFixed(3)}s` });
      const name = made && inText(made.recording);
      if (made) showMessage(made.gaps ? plural(made.gaps, "Exported {name}; {count} gap was left out", "Exported {name}; {count} gaps were left out", { name }) : t("Exported {name}", { name }));
    }
    button.disabled = false;
  }

  async protect() {
    const [start, end] = this.bar.selection;
    const found = await Promise.all(this.shown.map((camera) => command("GET", `${cameraPath(camera)}/spans?start=${start}&end=${end}`)));
    if (found.includes(null)) return;
    const names = found.flatMap(({ spans }) => spans.flatMap((each) => each.recordings));
    for (const name of names) {
      if (!await command("POST", `/recordings/${encodeURIComponent(name)}/protect`)) return;
    }
    showMessage(!names.length ? t("Nothing was recorded in this time") : names.length === 1 ? t("Protected {name}", { name: inText(names[0]) })
      : plural(names.length, "Protected {count} recording", "Protected {count} recordings"));
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const seconds = event.shiftKey ? 60 : 10;
    const move = (by) => this.play((this.bar.cursor ?? this.bar.middle) + by);
    const actions = {
      ArrowLeft: () => move(-seconds),
      ArrowRight: () => move(seconds),
      PageUp: () => this.bar.pan(-0.5),
      PageDown: () => this.bar.pan(0.5),
      Home: () => this.step(0),
      End: () => this.showNow(),
      Enter: () => this.play(this.bar.cursor ?? this.bar.middle),
      " ": () => this.togglePlay(),
      "+": () => this.bar.zoom(0.5),
      "-": () => this.bar.zoom(2),
      Escape: () => this.bar.setSelection(null),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    event.stopPropagation(); // they are no keys for the camera
    actions[event.key]();
  }
}
