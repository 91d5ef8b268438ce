// One camera: its picture, its state, its buttons, its figures.
import { cameraPath, command } from "../lib/api.js";
import { clock } from "../lib/clock.js";
import { Controls } from "./controls.js";
import { Meter, Tile } from "./chart.js";
import { $, address, age, bits, bytes, fromTemplate, icon, inText, span } from "../lib/dom.js";
import { keys } from "../keys.js";
import { say, tell } from "../lib/messages.js";
import { Pictures } from "./player.js";
import { rights } from "../lib/rights.js";

const STATES = { live: "Live", starting: "Starting", recovering: "No picture", stopped: "Stopped" };
const VEILS = { starting: "Starting", recovering: "No picture, trying again", stopped: "Stopped" };
const STEERS = ".toggle, .record, .last, .snap";
const LOST = { lost: "Server lost", refused: "Token refused" };
const RUNS = ["live", "starting", "recovering"];

export class CameraView {
  constructor(name, feed, open) {
    this.name = name;
    this.path = cameraPath(name);
    this.status = null;
    this.feed = feed;
    this.isAlone = false;
    this.noPictures = ""; // why the server lets this page have none
    this.barred = ""; // why it may not steer the camera
    this.element = fromTemplate("camera-template");
    this.find = (selector) => $(selector, this.element);
    this.element.dataset.camera = name;
    this.find(".name").textContent = name;
    this.find(".name").title = name;
    const id = `name-of-${encodeURIComponent(name)}`; // a space in it would begin another id
    this.find(".name").id = id;
    this.element.setAttribute("aria-labelledby", id);
    this.find(".picture").setAttribute("aria-label", `Live picture of ${name}`);
    this.find(".open").setAttribute("aria-label", `Show ${name} alone`);
    this.find(".open").title = `Show ${name} alone`;
    this.find(".tools").setAttribute("aria-label", `What to do with ${name}`);
    this.find(".open").addEventListener("click", open);
    this.pictures = new Pictures(name, this.find(".picture"), () => feed.link === "connected", (reason) => {
      this.noPictures = reason;
      this.veil();
    });
    this.tiles = {
      fps: new Tile("Frames", (value) => `${value.toFixed(value < 100 ? 1 : 0)}/s`),
      age: new Tile("Age", (value) => age(value, clock.error)),
      bps: new Tile("Bitrate", bits),
      viewers: new Tile("Viewers", String),
    };
    this.find(".tiles").append(...Object.values(this.tiles).map((tile) => tile.element));
    this.counted = new Meter();
    this.came = new Meter();
    this.controls = new Controls(name, this.find(".controls"));
    this.press(".toggle", () => (RUNS.includes(this.status?.state) ? this.stop() : this.start()));
    this.press(".record", () => (this.status?.recording ? this.endRecording() : this.record()));
    this.press(".last", () => this.saveLast());
    this.press(".snap", () => this.snapshot());
    this.press(".full", () => this.fullScreen());
    this.permit();
    this.find(".stage").addEventListener("dblclick", () => { if (this.isAlone) this.fullScreen(); });
    this.timer = setInterval(() => this.tick(), 1000);
  }

  // Show this title in place of the camera's name.
  call(title) {
    this.find(".name").textContent = title;
    this.find(".name").title = title;
    this.find(".open").setAttribute("aria-label", `Show ${title} alone`);
    this.find(".open").title = `Show ${title} alone`;
    this.find(".tools").setAttribute("aria-label", `What to do with ${title}`);
  }

  remove() {
    clearInterval(this.timer);
    this.pictures.stop();
    this.element.remove();
  }

  press(selector, action) {
    const button = this.find(selector);
    button.addEventListener("click", async (event) => {
      if (event.detail > 0) button.blur(); // so that the keys are the camera's again
      button.disabled = true;
      try { await action(); } finally { button.disabled = Boolean(this.barred); }
    });
  }

  // Offer what the page's token allows.
  permit() {
    this.barred = rights.why("control", this.name);
    for (const button of this.element.querySelectorAll(STEERS)) {
      button.disabled = Boolean(this.barred);
      button.title = this.barred;
    }
    this.noPictures = rights.why("view", this.name);
    this.controls.permit();
    this.veil();
    this.run();
  }

  // A key is pressed that does this.
  key(act) {
    if (this.barred && act !== "fullScreen") say(this.barred, true);
    else this[act]();
  }

  // The commands; buttons and keys share them.

  start() { return command("POST", `${this.path}/start`); }

  stop() { return command("POST", `${this.path}/stop`); }

  async record() {
    if (this.status?.recording) return;
    const told = await command("POST", `${this.path}/record/start`);
    if (told?.waiting) say(`${this.name} is recorded from its first picture on: ${told.waiting}`);
  }

  async endRecording() {
    if (!this.status?.recording) { say(`${this.name} is not being recorded`); return; }
    const told = await command("POST", `${this.path}/record/stop`);
    if (told?.note) say(told.note);
    if (told?.recording) say(`Recorded ${inText(told.recording)}, ${span(told.seconds)}`);
  }

  async saveLast() {
    const told = await command("POST", `${this.path}/record/save-last`, { seconds: `${Math.ceil(this.status.preroll_seconds)}s` });
    if (told?.recording) say(`Saved ${inText(told.recording)}, ${span(told.seconds)}`);
  }

  async snapshot() {
    const told = await command("POST", `${this.path}/snapshot`);
    if (!told) return;
    say(`Saved ${inText(told.snapshot)}`);
    if (!rights.may("view")) return; // nor have it here
    const link = document.createElement("a");
    link.href = address(`/recordings/${encodeURIComponent(told.snapshot)}?download`);
    link.download = told.snapshot;
    link.click();
  }

  async fullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.find(".stage").requestFullscreen?.();
  }

  // What is shown.

  show(visible, alone) {
    this.element.hidden = !visible;
    this.isAlone = alone;
    if (alone) this.controls.load();
    this.run();
  }

  focus() {
    scrollTo(0, 0);
    this.find(".name").focus({ preventScroll: true });
  }

  linked(link) {
    this.link = link;
    if (link === "connected") {
      this.controls.reload(); // what was set meanwhile
      this.permit();
    } else {
      for (const tile of Object.values(this.tiles)) tile.forget();
    }
    this.veil();
    this.run();
  }

  run() {
    if (!this.element.hidden && !this.noPictures && RUNS.includes(this.status?.state) && this.feed.link === "connected") this.pictures.start();
    else this.pictures.stop();
  }

  remember(rows) {
    this.tiles.fps.remember(rows.map((row) => row[0]));
    this.tiles.bps.remember(rows.map((row) => row[1]));
    this.tiles.viewers.remember(rows.map((row) => row[2]));
  }

  update(status) {
    const before = this.status;
    if (before?.title !== status.title) this.call(status.title || this.name);
    this.status = status;
    this.heard = performance.now();
    const { state } = status;
    const runs = RUNS.includes(state);
    const pill = this.find(".state");
    if (before?.state !== state) {
      pill.dataset.state = state;
      pill.querySelector("span").textContent = STATES[state] ?? state;
      const toggle = this.find(".toggle");
      toggle.dataset.on = runs;
      toggle.querySelector("span").textContent = runs ? "Stop" : "Start";
      icon(toggle.querySelector("use"), runs ? "stop" : "play");
      if (state === "live") this.controls.reload();
      else this.find(".figures").textContent = "";
    }
    this.announce(before);
    this.passing(before);
    const recording = Boolean(status.recording);
    const record = this.find(".record");
    record.dataset.on = recording;
    record.querySelector("span").textContent = recording ? "End recording" : "Record";
    this.buttons();
    this.find(".rec").hidden = !recording;
    this.find(".last").hidden = !(status.preroll_seconds > 1);
    if (status.preroll_seconds > 1) this.find(".last span").textContent = `Save last ${Math.ceil(status.preroll_seconds)}\u00a0s`;
    const detail = [status.size !== "0x0" && status.size.replace("x", " × "), status.device ?? status.source].filter(Boolean).join(" · ");
    this.find(".detail").textContent = detail;
    this.find(".detail").title = detail;
    this.recordingText();
    this.facts(status);
    this.veil();
    this.run();
  }

  // What the buttons say of themselves, and which keys do the same.
  buttons() {
    if (!this.status) return;
    const name = (selector, text, key) => {
      const button = this.find(selector);
      button.title = this.barred || (keys.on ? `${text} (${key.toLowerCase()})` : text);
      if (keys.on) button.setAttribute("aria-keyshortcuts", key);
      else button.removeAttribute("aria-keyshortcuts");
    };
    if (RUNS.includes(this.status.state)) name(".toggle", "Stop", "s");
    else name(".toggle", "Start", "Space");
    if (this.status.recording) name(".record", "End the recording", "e");
    else name(".record", "Record", "r");
  }

  // Tell a change of state, and that a recording begins or ends, to those who do not see it.
  announce(before) {
    if (!before) return;
    const { state, reason, recording, recording_waiting: waiting } = this.status;
    if (before.state !== state) tell(`${this.name} state`, `${this.status.title || this.name}: ${STATES[state] ?? state}${reason ? `, ${reason}` : ""}`);
    if (before.recording === recording && Boolean(before.recording_waiting) === Boolean(waiting)) return;
    tell(`${this.name} recording`, `${this.status.title || this.name}: ${!recording ? "recording ended" : waiting ? "recording waits for a picture" : "recording"}`);
  }

  // Whether the camera's own JPEGs are passed on now, or JPEGs are made here.
  passing(before) {
    const own = (status) => status.passed_through + status.turned;
    const { frames } = this.status;
    if (!before || frames < before.frames) this.controls.pass(frames > 0 && own(this.status) === frames);
    else if (frames > before.frames) this.controls.pass(own(this.status) > own(before));
  }

  // Once a second: what goes on between two tellings.
  tick() {
    const { status } = this;
    if (!status || this.feed.link !== "connected") return;
    const live = status.state === "live";
    const measured = live ? this.pictures.takeAge() : null;
    const rate = this.rate();
    this.tiles.fps.add(status.fps);
    this.tiles.age.add(measured);
    this.tiles.bps.add(rate);
    this.tiles.viewers.add(status.viewers);
    const shown = this.pictures.fps;
    this.find(".figures").textContent = live && shown ? `${shown.toFixed(1)} fps${measured === null ? "" : ` · ${age(measured, clock.error)} old`}` : "";
    this.recordingText();
  }

  // Bits a second, by what the camera has counted. It counts no picture that is made for one who
  // pulls: then by what came here.
  rate() {
    const [counted, came] = [this.counted.rate(this.status.bytes), this.came.rate(this.pictures.bytes)];
    return counted || came;
  }

  recordingText() {
    const { status } = this;
    if (!status?.recording) return;
    const waiting = status.recording_waiting;
    const pill = this.find(".rec");
    pill.dataset.waiting = Boolean(waiting);
    pill.title = waiting ? `${status.recording}: no picture yet, ${waiting}` : status.recording;
    if (waiting) { this.find(".rec span").textContent = "Waiting for a picture"; return; }
    const since = status.state === "live" ? Math.min(2, (performance.now() - this.heard) / 1000) : 0;
    const parts = [span((status.recording_seconds ?? 0) + since), bytes(status.recording_bytes)];
    this.find(".rec span").textContent = parts.filter(Boolean).join(" · ");
  }

  facts(status) {
    const rows = {
      Source: status.source,
      Format: status.format && `${status.format}${status.granted_fps ? ` at ${status.granted_fps} fps` : ""}`,
      Frames: status.frames.toLocaleString("en"),
      Dropped: status.drops || null,
      Corrupt: status.corrupt || null,
      Restarts: status.restarts || null,
      "Last fault": status.last_fault && `${status.last_fault} (${span(status.last_fault_age)} ago)`,
    };
    const list = this.find(".facts");
    list.replaceChildren(...Object.entries(rows).filter(([, value]) => value != null && value !== "").flatMap(([key, value]) => {
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = key;
      text.dir = "auto";
      text.textContent = value;
      return [term, text];
    }));
  }

  // What covers the picture while there is none, and why.
  veil() {
    const { link } = this.feed;
    const state = this.status?.state ?? "starting";
    const shown = LOST[link] ? "lost" : state === "live" && this.noPictures ? "barred" : state;
    const [title, reason] = {
      lost: [LOST[link], link === "refused" ? this.feed.refusal : "The page tries to reach it again and again."],
      barred: ["No pictures", this.noPictures],
    }[shown] ?? [VEILS[state] ?? state, this.status?.reason ?? (state === "stopped" ? "Start it with the button below." : "")];
    const veil = this.find(".veil");
    veil.hidden = shown === "live";
    const picture = { barred: "recovering" }[shown] ?? (VEILS[shown] && shown);
    if (picture) icon(veil.querySelector(".why use"), picture);
    this.find(".over").hidden = shown === "lost"; // what it says is no longer known
    veil.dataset.state = shown;
    veil.querySelector("strong").textContent = title;
    veil.querySelector(".veil-reason").textContent = reason;
    const told = { lost: title, barred: title }[shown] ?? STATES[state] ?? state;
    this.find(".picture").setAttribute("aria-label", `Live picture of ${this.status?.title || this.name}: ${told.toLowerCase()}`);
  }
}
