// The view of one camera: picture, state, buttons and statistics.
import { address, cameraPath, command } from "../lib/api.js";
import { clock } from "../lib/clock.js";
import { $, capital, fromTemplate, inText, setIcon } from "../lib/dom.js";
import { age, bits, bytes, duration, fixed, formatName, frameRate } from "../lib/format.js";
import { announce, showMessage } from "../lib/messages.js";
import { rights } from "../lib/rights.js";
import { number, serverText, t } from "../lib/text.js";
import { keys } from "../keys.js";
import { Addresses } from "./addresses.js";
import { Areas } from "./areas.js";
import { BitRate, Tile } from "./chart.js";
import { Controls } from "./controls.js";
import { PictureZoom } from "./picture_zoom.js";
import { PhonePart } from "./phone.js";
import { Player } from "./player.js";
import { Ptz } from "./ptz.js";
import { SoundBar } from "./sound_bar.js";

const STATES = { live: t("Live"), starting: t("Starting"), recovering: t("No picture"), stopped: t("Stopped") };
const OVERLAYS = { starting: t("Starting"), recovering: t("No picture, trying again"), stopped: t("Stopped") };
const CONTROL_BUTTONS = ".toggle, .record, .last, .snap, .motion";
const LOST = { lost: t("Server lost"), refused: t("Logged out") };
const RUNNING = ["live", "starting", "recovering"];

export class CameraView {
  constructor(name, events, open) {
    this.name = name;
    this.path = cameraPath(name);
    this.status = null;
    this.events = events;
    this.isAlone = false;
    this.viewRefusal = ""; // why the page may not show pictures
    this.controlRefusal = ""; // why the page may not control the camera
    this.element = fromTemplate("camera-template");
    this.find = (selector) => $(selector, this.element);
    this.element.dataset.camera = name;
    const id = `name-of-${encodeURIComponent(name)}`; // an id must not contain spaces
    this.find(".name").id = id;
    this.element.setAttribute("aria-labelledby", id);
    this.find(".picture").setAttribute("aria-label", t("Live picture of {camera}", { camera: name }));
    this.setTitle(name);
    this.find(".open").addEventListener("click", open);
    this.player = new Player(name, this.find(".picture"), () => events.link === "connected", (reason) => {
      this.viewRefusal = reason;
      this.updateOverlay();
    });
    this.soundBar = new SoundBar(name, this.element, () => events.link === "connected", () => this.player.delay);
    this.player.soundDelay = () => this.soundBar.sound.heardDelay;
    this.tiles = {
      fps: new Tile(t("Frames"), (value) => t("{count}/s", { count: fixed(value, value < 100 ? 1 : 0) })),
      age: new Tile(t("Age"), (value) => age(value, clock.error)),
      bps: new Tile(t("Bitrate"), bits),
      viewers: new Tile(t("Viewers"), (value) => number(value)),
    };
    this.find(".tiles").append(...Object.values(this.tiles).map((tile) => tile.element));
    this.captured = new BitRate();
    this.received = new BitRate();
    this.controls = new Controls(name, this.find(".controls"));
    this.addresses = new Addresses(name, this.find(".addresses"));
    this.phone = new PhonePart(name, this.find(".phone"), this.find(".overlay-phone"));
    this.ptz = new Ptz(name, this.find(".ptz"));
    this.areas = new Areas(this, (isWanted) => events.wantBoxes(name, isWanted));
    this.zoom = new PictureZoom(this.find(".stage"), () => this.isAlone && this.find(".layer").hidden);
    this.controls.rememberVideo(this.player);
    this.onPress(".toggle", () => (RUNNING.includes(this.status?.state) ? this.stop() : this.start()));
    this.onPress(".record", () => (this.status?.recording ? this.endRecording() : this.record()));
    this.onPress(".last", () => this.saveLast());
    this.onPress(".snap", () => this.snapshot());
    this.onPress(".motion", () => this.switchMotion());
    this.onPress(".full", () => this.fullScreen());
    this.updateRights();
    this.find(".stage").addEventListener("dblclick", () => { if (this.isAlone) this.fullScreen(); });
    this.timer = setInterval(() => this.tick(), 1000);
  }

  setTitle(title) {
    this.find(".name").textContent = title;
    this.find(".name").title = title;
    const label = t("Show {camera} alone", { camera: title });
    this.find(".open").setAttribute("aria-label", label);
    this.find(".open").title = label;
    this.find(".tools").setAttribute("aria-label", t("Actions for {camera}", { camera: title }));
  }

  remove() {
    clearInterval(this.timer);
    this.player.stop();
    this.areas.remove();
    this.soundBar.remove();
    this.ptz.remove();
    this.element.remove();
  }

  onPress(selector, action) {
    const button = this.find(selector);
    button.addEventListener("click", async (event) => {
      if (event.detail > 0) button.blur(); // so that shortcuts go to the camera again
      button.disabled = true;
      try { await action(); } finally { button.disabled = Boolean(this.controlRefusal); }
    });
  }

  // Enables what the page's token allows.
  updateRights() {
    this.controlRefusal = rights.why("control", this.name);
    for (const button of this.element.querySelectorAll(CONTROL_BUTTONS)) {
      button.disabled = Boolean(this.controlRefusal);
      button.title = this.controlRefusal;
    }
    this.viewRefusal = rights.why("view", this.name);
    this.controls.updateRights();
    this.areas.updateRights();
    this.updateSound();
    this.ptz.updateRights();
    this.updateOverlay();
    this.updatePlayer();
  }

  // Runs the action of a keyboard shortcut: one of the methods below.
  runAction(action) {
    if (this.controlRefusal && !["fullScreen", "listen"].includes(action)) showMessage(this.controlRefusal, true);
    else this[action]();
  }

  start() { return command("POST", `${this.path}/start`); }

  stop() { return command("POST", `${this.path}/stop`); }

  async record() {
    if (this.status?.recording) return;
    const result = await command("POST", `${this.path}/record/start`);
    if (result?.waiting) showMessage(t("{camera} is recorded from its first picture on: {reason}", { camera: this.name, reason: result.waiting }));
  }

  async endRecording() {
    if (!this.status?.recording) { showMessage(t("{camera} is not being recorded", { camera: this.name })); return; }
    const result = await command("POST", `${this.path}/record/stop`);
    if (result?.note) showMessage(result.note);
    if (result?.recording) showMessage(t("Recorded {name}, {duration}", { name: inText(result.recording), duration: duration(result.seconds) }));
  }

  async switchMotion() {
    const result = await command("POST", `${this.path}/motion/${this.status?.motion === "off" ? "on" : "off"}`);
    if (result?.note) showMessage(result.note);
  }

  async saveLast() {
    const result = await command("POST", `${this.path}/record/save-last`, { seconds: `${Math.ceil(this.status.preroll_seconds)}s` });
    if (result?.recording) showMessage(t("Saved {name}, {duration}", { name: inText(result.recording), duration: duration(result.seconds) }));
  }

  async snapshot() {
    const result = await command("POST", `${this.path}/snapshot`);
    if (!result) return;
    showMessage(t("Saved {name}", { name: inText(result.snapshot) }));
    if (!rights.may("view")) return; // then it cannot be downloaded
    const link = document.createElement("a");
    link.href = address(`/recordings/${encodeURIComponent(result.snapshot)}?download`);
    link.download = result.snapshot;
    link.click();
  }

  async fullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.enterFullScreen();
  }

  async enterFullScreen() { await this.find(".stage").requestFullscreen?.(); }

  // Switches the sound on or off in this page.
  listen() {
    if (this.soundBar.canListen) this.soundBar.toggle();
    else showMessage(this.status?.audio ? rights.why("listen", this.name) || t("This browser plays no sound") : t("{camera} has no sound", { camera: this.status?.title || this.name }));
  }

  updateSound() {
    if (this.status) this.soundBar.update(this.status, !this.element.hidden && this.events.link === "connected");
  }

  show(visible, alone) {
    this.element.hidden = !visible;
    this.updateSound();
    if (alone !== this.isAlone) this.zoom.reset();
    this.isAlone = alone;
    if (alone) this.controls.load();
    if (alone && this.status) this.updateFacts(this.status);
    this.areas.show();
    this.updatePlayer();
  }

  focus() {
    scrollTo(0, 0);
    this.find(".name").focus({ preventScroll: true });
  }

  onLink(link) {
    if (link === "connected") {
      this.controls.reload(); // other clients may have changed settings
      this.areas.load();
      this.updateRights();
    } else {
      for (const tile of Object.values(this.tiles)) tile.clear();
    }
    this.updateOverlay();
    this.updatePlayer();
  }

  updatePlayer() {
    if (!this.element.hidden && !this.viewRefusal && RUNNING.includes(this.status?.state) && this.events.link === "connected") this.player.start();
    else this.player.stop();
  }

  setHistory(rows) {
    this.tiles.fps.setHistory(rows.map((row) => row[0]));
    this.tiles.bps.setHistory(rows.map((row) => row[1]));
    this.tiles.viewers.setHistory(rows.map((row) => row[2]));
  }

  update(status) {
    const before = this.status;
    if (before?.title !== status.title) this.setTitle(status.title || this.name);
    this.status = status;
    this.updatedAt = performance.now();
    const { state } = status;
    const runs = RUNNING.includes(state);
    const pill = this.find(".state");
    if (before?.state !== state) {
      pill.dataset.state = state;
      pill.querySelector("span").textContent = STATES[state] ?? state;
      const toggle = this.find(".toggle");
      toggle.dataset.on = runs;
      toggle.querySelector("span").textContent = runs ? t("Stop") : t("Start");
      setIcon(toggle.querySelector("use"), runs ? "stop" : "play");
      if (state === "live") this.controls.reload();
      else this.find(".figures").textContent = "";
    }
    this.announceChanges(before);
    this.updatePassthrough(before);
    const recording = Boolean(status.recording);
    const record = this.find(".record");
    record.dataset.on = recording;
    record.querySelector("span").textContent = recording ? t("End recording") : t("Record");
    this.updateMotion(before);
    this.ptz.update(status);
    this.phone.update(status);
    this.updateButtons();
    this.find(".rec").hidden = !recording;
    this.find(".last").hidden = !(status.preroll_seconds > 1);
    if (status.preroll_seconds > 1) this.find(".last span").textContent = t("Save last {seconds}\u00a0s", { seconds: Math.ceil(status.preroll_seconds) });
    const detail = [status.size !== "0x0" && status.size.replace("x", " × "), status.device ?? status.source].filter(Boolean).join(" · ");
    this.find(".detail").textContent = detail;
    this.find(".detail").title = detail;
    this.updateRecording();
    if (this.isAlone) this.updateFacts(status);
    this.updateOverlay();
    this.areas.layer.layout();
    this.player.update(status);
    this.updateSound();
    this.controls.setVideo(this.player.hasChoice);
    this.updatePlayer();
  }

  // Shows if motion is detected, and if something moves.
  updateMotion(before) {
    const { motion } = this.status;
    if (before?.motion === motion) return;
    const button = this.find(".motion");
    button.setAttribute("aria-pressed", motion !== "off");
    button.dataset.state = motion;
    button.querySelector("span").textContent = motion === "moving" ? t("Moving") : t("Motion");
    if (!this.controlRefusal) button.title = motion === "off" ? t("Detect motion") : t("Stop detecting motion");
  }

  // Sets the titles of the buttons, with their shortcuts.
  updateButtons() {
    if (!this.status) return;
    const label = (selector, text, key) => {
      const button = this.find(selector);
      button.title = this.controlRefusal || (keys.on ? t("{action} ({key})", { action: text, key: key === "Space" ? t("space") : key }) : text);
      if (keys.on) button.setAttribute("aria-keyshortcuts", key);
      else button.removeAttribute("aria-keyshortcuts");
    };
    if (RUNNING.includes(this.status.state)) label(".toggle", t("Stop"), "s");
    else label(".toggle", t("Start"), "Space");
    if (this.status.recording) label(".record", t("End the recording"), "e");
    else label(".record", t("Record"), "r");
  }

  // Announces changes of the state, and the start and end of recordings, to screen readers.
  announceChanges(before) {
    if (!before) return;
    const { state, reason, recording, recording_waiting: waiting, muted } = this.status;
    const camera = this.status.title || this.name;
    if (before.state !== state) {
      const known = { camera, state: STATES[state] ?? state, reason };
      announce(`${this.name} state`, reason ? t("{camera}: {state}, {reason}", known) : t("{camera}: {state}", known));
    }
    if (Boolean(before.muted) !== Boolean(muted)) announce(`${this.name} sound`, muted ? t("{camera}: muted", { camera }) : t("{camera}: not muted any more", { camera }));
    if (before.recording === recording && Boolean(before.recording_waiting) === Boolean(waiting)) return;
    const texts = [t("{camera}: recording ended", { camera }), t("{camera}: recording waits for a picture", { camera }), t("{camera}: recording", { camera })];
    announce(`${this.name} recording`, texts[!recording ? 0 : waiting ? 1 : 2]);
  }

  // Finds out if the JPEGs of the camera are passed through, or encoded by the server.
  updatePassthrough(before) {
    const passed = (status) => status.passed_through + status.turned;
    const { frames } = this.status;
    if (!before || frames < before.frames) this.controls.setPassthrough(frames > 0 && passed(this.status) === frames);
    else if (frames > before.frames) this.controls.setPassthrough(passed(this.status) > passed(before));
  }

  // Updates once a second what changes between two messages of the server.
  tick() {
    const { status } = this;
    if (!status || this.events.link !== "connected") return;
    const live = status.state === "live";
    const measured = live ? this.player.takeAge() : null;
    // The camera does not count frames that are made for polling viewers: then those received count.
    const [captured, received] = [this.captured.update(status.bytes), this.received.update(this.player.bytes)];
    this.tiles.fps.add(status.fps);
    this.tiles.age.add(measured);
    this.tiles.bps.add(captured || received);
    this.tiles.viewers.add(status.viewers);
    this.find(".figures").textContent = live ? this.describePicture(received, measured) : "";
    if (live) this.player.judgeLine(measured);
    this.updateRecording();
  }

  // What is shown: "H.264, 2.1 Mbit/s, 24 ms old".
  describePicture(bitRate, measured) {
    const { fps, shown } = this.player;
    if (!fps || !shown) return "";
    const amount = shown === "JPEG" ? frameRate(fps) : bits(bitRate);
    return [shown, amount, measured === null ? "" : t("{age} old", { age: age(measured, clock.error) })].filter(Boolean).join(", ");
  }

  updateRecording() {
    const { status } = this;
    if (!status?.recording) return;
    const waiting = status.recording_waiting;
    const pill = this.find(".rec");
    pill.dataset.waiting = Boolean(waiting);
    pill.title = waiting ? t("{name}: no picture yet, {reason}", { name: status.recording, reason: waiting }) : status.recording;
    if (waiting) { this.find(".rec span").textContent = t("Waiting for a picture"); return; }
    const since = status.state === "live" ? Math.min(2, (performance.now() - this.updatedAt) / 1000) : 0;
    const parts = [duration((status.recording_seconds ?? 0) + since), bytes(status.recording_bytes)];
    this.find(".rec span").textContent = parts.filter(Boolean).join(" · ");
  }

  updateFacts(status) {
    const { audio } = status;
    const format = formatName(status.format ?? status.codec);
    const count = (value) => (value ? number(value) : null);
    const rows = [
      [t("Source"), status.source],
      [t("Format"), format && (status.granted_fps ? t("{format} at {fps} fps", { format, fps: status.granted_fps }) : format)],
      [t("Sound"), audio && (status.muted ? t("{format}, muted", { format: audio }) : audio)],
      [t("Transcoding"), status.transcoding === "none" ? null : status.transcoding],
      [t("Frames"), number(status.frames, { useGrouping: true })],
      [t("Dropped"), count(status.drops)],
      [t("Corrupt"), count(status.corrupt)],
      [t("Restarts"), count(status.restarts)],
      [t("Last fault"), status.last_fault && t("{fault} ({duration} ago)", { fault: status.last_fault, duration: duration(status.last_fault_age) })],
    ];
    const list = this.find(".facts");
    list.replaceChildren(...rows.filter(([, value]) => value != null && value !== "").flatMap(([key, value]) => {
      const term = document.createElement("dt");
      const text = document.createElement("dd");
      term.textContent = key;
      text.dir = "auto";
      text.textContent = value;
      return [term, text];
    }));
  }

  // Shows or hides the overlay that says why there is no picture.
  updateOverlay() {
    const { link } = this.events;
    const state = this.status?.state ?? "starting";
    const shown = LOST[link] ? "lost" : state === "live" && this.viewRefusal ? "refused" : state;
    const [title, reason] = {
      lost: [LOST[link], link === "refused" ? this.events.refusal : t("The page keeps trying to connect.")],
      refused: [t("No pictures"), this.viewRefusal],
    }[shown] ?? [state === "recovering" && this.phone.waits ? t("Waiting for a picture") : OVERLAYS[state] ?? state, this.status?.reason ?? (state === "stopped" ? t("Start it with the button below.") : "")];
    const overlay = this.find(".overlay");
    overlay.hidden = shown === "live";
    const icon = { refused: "recovering" }[shown] ?? (OVERLAYS[shown] && shown);
    if (icon) setIcon(overlay.querySelector(".state-icon use"), icon);
    this.find(".badges").hidden = shown === "lost"; // they are out of date
    overlay.dataset.state = shown;
    overlay.querySelector("strong").textContent = title;
    overlay.querySelector(".overlay-reason").textContent = capital(serverText(reason));
    const label = { lost: title, refused: title }[shown] ?? STATES[state] ?? state;
    this.find(".picture").setAttribute("aria-label", t("Live picture of {camera}: {state}", { camera: this.status?.title || this.name, state: label.toLowerCase() }));
  }
}
