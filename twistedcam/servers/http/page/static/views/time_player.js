// Plays what was recorded from a time on, over files and gaps.
import { address } from "../lib/api.js";
import { clock } from "../lib/clock.js";
import { $, capital, inText } from "../lib/dom.js";
import { t } from "../lib/text.js";
import { findPiece, isFast } from "./piece.js";

const AHEAD = 20; // seconds before the end of a piece at which the next one is loaded
const FRESH = 60; // seconds: what ended that recently may go on
const MAX_SPEED = 16;

// Two videos take turns, so that a piece follows the other without a pause.
export class TimePlayer {
  constructor() {
    this.videos = [$("#playback-one"), $("#playback-two")];
    this.current = 0;
    this.camera = null;
    this.piece = null;
    this.ahead = null; // the piece that follows, loaded by the other video
    this.rate = 1;
    this.opening = 0;
    this.onTime = this.onEnd = this.onState = () => {};
    for (const video of this.videos) {
      video.addEventListener("timeupdate", () => { if (video === this.video) this.onProgress(); });
      video.addEventListener("ended", () => { if (video === this.video) this.onEnded(); });
      for (const kind of ["play", "pause"]) video.addEventListener(kind, () => { if (video === this.video) this.onState(); });
      video.addEventListener("error", () => { if (video === this.video && this.piece && video.getAttribute("src")) this.onError(); });
    }
  }

  get video() { return this.videos[this.current]; }

  get isOpen() { return this.camera !== null; }

  get isPlaying() { return this.isOpen && !this.video.paused && !this.video.ended; }

  set speed(rate) {
    this.rate = Math.min(rate, MAX_SPEED);
    for (const video of this.videos) this.setRate(video);
    // The piece with key frames only is another one.
    if (this.piece && this.piece.isFast !== isFast(this.rate)) this.reopen();
  }

  async reopen() {
    const time = this.piece.timeAt(this.video.currentTime);
    const wasPaused = this.video.paused;
    const { camera } = this;
    this.piece = null;
    await this.open(camera, time).catch((error) => this.fail(error.message, error.recording));
    if (wasPaused) this.video.pause();
  }

  setRate(video) {
    try { video.defaultPlaybackRate = video.playbackRate = this.rate; } catch { /* a browser may have a lower limit */ }
  }

  // Throws an error with the nearest time (nearest) where nothing was recorded, and with the name of
  // a recording that can only be downloaded.
  async open(camera, time) {
    const opening = ++this.opening;
    this.camera = camera;
    this.fail("");
    if (this.piece && this.camera === this.pieceCamera && time >= this.piece.start && time < this.piece.end && this.isBuffered(time)) {
      this.video.currentTime = this.piece.secondsAt(time);
      this.video.play().catch(() => {});
      return;
    }
    const piece = await findPiece(camera, time, this.rate);
    if (opening !== this.opening) return;
    this.ahead = null;
    this.load(this.video, piece, time);
    this.use(piece);
  }

  isBuffered(time) {
    const at = this.piece.secondsAt(time);
    const { buffered } = this.video;
    return Array.from({ length: buffered.length }, (_, index) => index).some((index) => buffered.start(index) <= at && at < buffered.end(index));
  }

  load(video, piece, time) {
    video.src = piece.url;
    this.setRate(video);
    video.addEventListener("loadedmetadata", () => {
      const at = piece.secondsAt(time);
      if (at > 0.2) video.currentTime = at;
    }, { once: true });
  }

  use(piece) {
    this.piece = piece;
    this.pieceCamera = this.camera;
    for (const video of this.videos) video.hidden = video !== this.video;
    this.setRate(this.video);
    this.video.play().catch(() => {}); // a browser may require a click
    this.onState();
  }

  onProgress() {
    if (!this.piece) return;
    this.onTime(this.piece.timeAt(this.video.currentTime));
    const left = this.video.duration - this.video.currentTime;
    if (left < AHEAD * Math.max(1, this.rate) && !this.ahead) this.loadAhead();
  }

  // Loads what follows this piece, while it still plays.
  async loadAhead() {
    const { piece, camera } = this;
    this.ahead = { piece: null };
    if (piece.next === null) return;
    try {
      const next = await findPiece(camera, piece.next, this.rate);
      if (piece !== this.piece) return;
      this.ahead = { piece: next };
      this.load(this.videos[1 - this.current], next, piece.next);
    } catch { /* it was deleted */ }
  }

  async onEnded() {
    const next = this.ahead?.piece;
    this.ahead = null;
    if (next) {
      this.current = 1 - this.current;
      this.use(next);
      return;
    }
    const { piece, camera } = this;
    if (clock.now() / 1000 - piece.end < FRESH) try { // a recording that goes on has grown
      const more = await findPiece(camera, piece.end - 0.5, this.rate);
      if (piece !== this.piece) return;
      if (more.end > piece.end + 1) { this.load(this.video, more, piece.end); this.use(more); return; }
    } catch { /* nothing follows */ }
    if (piece === this.piece) this.onEnd();
  }

  // A file of the piece may have been deleted, or the connection was lost: goes on from here, or with
  // what follows, once for each place.
  async onError() {
    const { piece, camera } = this;
    const at = piece.timeAt(this.video.currentTime);
    const text = t("This recording cannot be played here.");
    if (this.failedAt !== undefined && Math.abs(at - this.failedAt) < 1) { this.fail(text); return; }
    this.failedAt = at;
    this.ahead = null;
    try {
      const more = await findPiece(camera, at, this.rate).catch((error) => {
        if (!error.nearest || error.nearest.start < at) throw error;
        return findPiece(camera, error.nearest.start, this.rate);
      });
      if (piece !== this.piece) return;
      this.load(this.video, more, Math.max(at, more.start));
      this.use(more);
    } catch (error) {
      if (piece === this.piece) this.fail(error.nearest ? text : error.message || text, error.recording);
    }
  }

  toggle() {
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  close() {
    this.opening += 1;
    this.camera = this.piece = this.ahead = null;
    this.fail("");
    for (const video of this.videos) {
      if (!video.getAttribute("src")) continue;
      video.pause();
      video.removeAttribute("src");
      video.load();
    }
  }

  // Shows why nothing is played; recording: a file to download instead.
  fail(text, recording) {
    const parts = [text && (recording ? text : capital(text))]; // a file's name keeps its case
    if (recording) {
      const link = document.createElement("a");
      link.href = address(`/recordings/${encodeURIComponent(recording)}?download`);
      link.textContent = t("Download {name}", { name: inText(recording) });
      parts.push(". ", link);
    }
    if ($("#playback-fault").textContent !== text) $("#playback-fault").replaceChildren(...parts.filter(Boolean));
    for (const video of this.videos) video.hidden = Boolean(text) || video !== this.video;
  }
}
