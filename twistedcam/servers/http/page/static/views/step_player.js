// Plays several cameras in step: all show the same time, and gaps of one camera are waited for.
import { clock } from "../lib/clock.js";
import { $ } from "../lib/dom.js";
import { t } from "../lib/text.js";
import { findFollowing, findPiece, isFast, nextRecorded } from "./piece.js";

const TICK = 50; // milliseconds between two looks at the videos
const MAX_TICK = 150; // milliseconds that count at most, on a busy computer
const AHEAD = 15; // seconds before the end of a piece at which the next one is loaded
const GROWN = 5; // the same where a recording goes on: the later, the longer is what follows
const RETRY = 2000; // milliseconds until what follows is looked for again
const PATIENCE = 4000; // milliseconds for which all wait for one that is being loaded
const CLOSE = 0.02; // seconds by which a video may differ without being corrected
const EARLY = 0.04; // seconds by which a video that is ahead is stopped, and
const LATE = 0.06; // by which the play head waits for one that is behind
const FAR = 1; // seconds by which a video is not corrected by its speed, but set
const MAX_SPEED = 16;

// One camera: two videos take turns, so that a piece follows the other without a pause.
class StepVideo {
  constructor(camera, label, isMuted) {
    this.camera = camera;
    this.element = document.createElement("figure");
    this.videos = [0, 1].map(() => Object.assign(document.createElement("video"), { playsInline: true, muted: isMuted, preload: "auto", hidden: true }));
    this.caption = document.createElement("figcaption");
    this.caption.dir = "auto";
    this.caption.textContent = label;
    this.note = document.createElement("p");
    this.element.className = "in-step";
    this.element.dataset.camera = camera;
    this.element.append(...this.videos, this.note, this.caption);
    this.piece = null;
    this.ahead = null; // the piece that the other video has loaded
    this.next = null; // the time of the next recording, where nothing is recorded now
    this.isLoading = false;
    this.failedAt = -Infinity; // the time at which a video failed
    this.opening = 0;
  }

  get video() { return this.videos[0]; }

  say(text) {
    if (this.note.textContent !== text) this.note.textContent = text;
    this.element.dataset.empty = Boolean(text);
    this.videos[0].hidden = Boolean(text) || !this.piece;
    this.videos[1].hidden = true;
  }

  // Shows a time. Returns "ready", "late", "waiting" or "gap".
  follow(time, rate, isPlaying) {
    if (this.piece && this.piece.isFast !== isFast(rate)) this.piece = this.ahead = null;
    if (this.piece?.covers(time)) {
      if (this.piece.gapEnd(time) === null) return this.show(time, rate, isPlaying);
      return this.showGap();
    }
    if (this.ahead?.piece?.covers(time)) {
      this.video.pause();
      this.videos.reverse();
      this.piece = this.ahead.piece;
      this.ahead = null;
      return this.show(time, rate, isPlaying);
    }
    if (this.piece && time >= this.piece.end && this.piece.next !== null && time < this.piece.next) {
      this.loadAhead(time, rate);
      return this.showGap();
    }
    if (this.next !== null && time >= this.since && time < this.next) return this.showGap();
    this.video.pause();
    if (!this.isLoading) this.load(time, rate);
    return "waiting";
  }

  showGap() {
    this.video.pause();
    this.say(this.reason || t("Not recorded"));
    return "gap";
  }

  // The next time that was recorded, from a gap on; Infinity if there is none.
  after(time) {
    const { piece } = this;
    const times = piece ? [piece.start, piece.covers(time) ? piece.gapEnd(time) : null, piece.next, this.next] : [this.next];
    return Math.min(Infinity, ...times.filter((each) => each !== null && each > time));
  }

  show(time, rate, isPlaying) {
    const { video, piece } = this;
    if (video.error) return this.recover(time);
    this.say("");
    this.loadAhead(time, rate);
    if (video.readyState < HTMLMediaElement.HAVE_METADATA) return "waiting";
    const wanted = Math.min(piece.secondsAt(time), Math.max(0, video.duration - 0.01));
    const off = video.currentTime - wanted;
    const isFar = Math.abs(off) > (isPlaying ? FAR * Math.max(1, rate) : CLOSE);
    if (isFar && !video.seeking) video.currentTime = wanted;
    if (!isPlaying) { video.pause(); return video.seeking ? "waiting" : "ready"; }
    const isEarly = off > EARLY * Math.max(1, rate);
    if (isEarly) video.pause();
    else if (video.paused && !video.ended) video.play().catch(() => {});
    // In few steps: each change of the speed can be heard.
    const correction = Math.abs(off) < CLOSE * rate ? 0 : Math.max(-0.3, Math.min(0.3, Math.round(off / rate * 20) / 20 || Math.sign(off) * 0.05));
    setRate(video, Math.min(MAX_SPEED, rate * (1 - correction)));
    if (video.seeking || video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) return "waiting";
    return off < -LATE * Math.max(1, rate) ? "late" : "ready";
  }

  async load(time, rate) {
    const opening = ++this.opening;
    this.isLoading = true;
    this.since = time;
    try {
      const piece = await findPiece(this.camera, time, rate);
      if (opening !== this.opening) return;
      this.ahead = null;
      this.use(this.video, piece, time);
      this.piece = piece;
      this.next = piece.start > time ? piece.start : null;
      this.reason = "";
    } catch (error) {
      if (opening !== this.opening) return;
      this.piece = null;
      this.reason = error.recording ? error.message : "";
      // What cannot be played: it looks again behind it.
      this.next = error.recording ? time + 10 : await nextRecorded(this.camera, time);
    } finally {
      if (opening === this.opening) this.isLoading = false;
    }
  }

  // A file was deleted, or the connection was lost: loads it again, once for each place.
  recover(time) {
    this.piece = this.ahead = null;
    if (Math.abs(time - this.failedAt) > 1) {
      this.failedAt = time;
      return "waiting";
    }
    [this.since, this.next, this.reason] = [time, time + 10, t("This recording cannot be played here.")];
    return this.showGap();
  }

  async loadAhead(time, rate) {
    const { piece } = this;
    const left = (piece.next ?? piece.end) - time;
    if (this.ahead || left > (piece.next === null ? GROWN : AHEAD) * Math.max(1, rate)) return;
    this.ahead = { piece: null };
    const next = await findFollowing(piece, rate).catch(() => null);
    if (piece !== this.piece) return;
    if (next === null) {
      setTimeout(() => { if (piece === this.piece) this.ahead = null; }, RETRY);
      return;
    }
    this.use(this.videos[1], next, Math.max(piece.end, next.start));
    this.ahead = { piece: next };
  }

  use(video, piece, time) {
    video.src = piece.url;
    video.addEventListener("loadedmetadata", () => { video.currentTime = piece.secondsAt(time); }, { once: true });
  }

  // The time that is shown, or null if there is none.
  get time() {
    return this.piece && !this.video.hidden && this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? this.piece.timeAt(this.video.currentTime) : null;
  }

  remove() {
    this.opening += 1;
    for (const video of this.videos) { video.pause(); video.removeAttribute("src"); video.load(); }
    this.element.remove();
  }
}

function setRate(video, rate) {
  try { if (Math.abs(video.playbackRate - rate) > 0.001) video.playbackRate = rate; } catch { /* a browser may have other limits */ }
}

// The play head of several cameras. It has the same methods as TimePlayer.
export class StepPlayer {
  constructor() {
    this.box = $("#playback-steps");
    this.players = [];
    this.rate = 1;
    this.time = 0;
    this.isOpen = this.isPlaying = false;
    this.onTime = this.onEnd = this.onState = () => {};
  }

  // cameras: [{ name, label }, …].
  set cameras(cameras) {
    const kept = new Map(this.players.map((each) => [each.camera, each]));
    this.players = cameras.map(({ name, label }, index) => kept.get(name) ?? new StepVideo(name, label, index > 0));
    for (const each of kept.values()) if (!this.players.includes(each)) each.remove();
    this.box.replaceChildren(...this.players.map((each) => each.element));
    this.box.style.setProperty("--columns", this.players.length > 1 ? 2 : 1);
  }

  set speed(rate) { this.rate = Math.min(rate, MAX_SPEED); }

  async open(_camera, time) {
    this.time = time;
    this.isOpen = this.isPlaying = true;
    this.box.hidden = false;
    this.waited = 0;
    this.last = performance.now();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), TICK);
    this.onState();
  }

  tick() {
    const now = performance.now();
    const passed = Math.min(now - this.last, MAX_TICK) / 1000 * this.rate;
    this.last = now;
    if (document.hidden) { for (const each of this.players) each.video.pause(); return; }
    const states = this.players.map((each) => each.follow(this.time, this.rate, this.isPlaying && !this.isHeld));
    // All wait for one that is being loaded, but not for ever.
    const isWaiting = states.includes("waiting");
    const isLate = states.includes("late");
    this.waited = isWaiting || isLate ? this.waited + TICK : 0;
    const isPatient = this.waited < PATIENCE;
    this.isHeld = isWaiting && isPatient;
    if (this.isPlaying && !this.isHeld && !(isLate && isPatient)) this.advance(passed, states);
    this.onTime(this.time);
  }

  advance(passed, states) {
    this.time += passed;
    if (states.every((each) => each === "gap")) { // nothing of any camera: go on where there is something
      const next = Math.min(...this.players.map((each) => each.after(this.time)));
      if (next > this.time && Number.isFinite(next)) this.time = next;
    }
    if (this.time >= clock.now() / 1000) this.onEnd();
  }

  toggle() {
    this.isPlaying = !this.isPlaying;
    this.last = performance.now();
    this.onState();
  }

  fail() { /* each camera says why it shows nothing */ }

  close() {
    clearInterval(this.timer);
    this.isOpen = this.isPlaying = false;
    this.box.hidden = true;
    this.cameras = [];
  }
}
