// Plays what was recorded from a time on, over files and gaps.
import { address } from "../lib/api.js";
import { $, capital, inText } from "../lib/dom.js";
import { t } from "../lib/text.js";
import { findFollowing, findPiece, findPieceFrom, isFast } from "./piece.js";

const AHEAD = 20; // seconds before the end of a piece at which the next one is loaded
const GROWN = 5; // the same where a recording goes on: the later, the longer is what follows
const RETRY = 2000; // milliseconds until what follows is looked for again
const MAX_SPEED = 16;

// Two videos take turns, so that a piece follows the other without a pause.
export class TimePlayer {
  constructor() {
    this.videos = [$("#playback-one"), $("#playback-two")];
    this.current = 0;
    this.camera = null;
    this.piece = null;
    this.time = 0; // that was shown last
    this.ahead = null; // a promise of the piece that follows, which the other video loads
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
    [this.camera, this.time] = [camera, time];
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
    const { video } = this;
    const show = () => { if (video === this.video && this.isOpen) this.show(); };
    // What was shown before stays until there is a picture.
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) show();
    else video.addEventListener("loadeddata", show, { once: true });
    this.setRate(video);
    video.play().catch(() => {}); // a browser may require a click
    this.onState();
    if (video.error) this.onError(); // it failed while it was loaded ahead
  }

  show() { for (const video of this.videos) video.hidden = video !== this.video; }

  onProgress() {
    if (!this.piece || this.video.readyState < HTMLMediaElement.HAVE_METADATA) return; // it begins again at 0
    this.time = this.piece.timeAt(this.video.currentTime);
    this.onTime(this.time);
    const left = this.video.duration - this.video.currentTime;
    if (left < (this.piece.next === null ? GROWN : AHEAD) * Math.max(1, this.rate)) this.loadAhead();
  }

  // Loads what follows this piece, while it still plays. Returns a promise of that: a piece or null.
  loadAhead() {
    this.ahead ??= this.findAhead();
    return this.ahead;
  }

  async findAhead() {
    const { piece } = this;
    const next = await findFollowing(piece, this.rate).catch(() => null);
    if (piece !== this.piece) return null;
    if (next !== null) this.load(this.videos[1 - this.current], next, Math.max(piece.end, next.start));
    else setTimeout(() => { if (piece === this.piece) this.ahead = null; }, RETRY);
    return next;
  }

  async onEnded() {
    const { piece } = this;
    let next = await this.loadAhead();
    if (next === null && piece === this.piece) {
      this.ahead = null; // more may have been recorded since, or the server answers again
      next = await this.loadAhead();
    }
    if (piece !== this.piece) return;
    this.ahead = null;
    if (next === null) { this.onEnd(); return; }
    this.current = 1 - this.current;
    this.use(next);
  }

  // A file of the piece may have been deleted, or the connection was lost: goes on from here, or with
  // what follows, once for each place.
  onError() {
    const at = Math.max(this.time, this.piece.start); // a video that has failed may have lost its time
    if (this.failedAt !== undefined && Math.abs(at - this.failedAt) < 1) {
      this.fail(t("This recording cannot be played here."));
      return;
    }
    this.failedAt = at;
    this.ahead = null;
    this.recover(this.piece, at);
  }

  async recover(piece, at) {
    try {
      const more = await findPieceFrom(this.camera, at, this.rate);
      if (piece !== this.piece) return;
      this.fail("");
      this.load(this.video, more, Math.max(at, more.start));
      this.use(more);
    } catch (error) {
      if (piece !== this.piece) return;
      const text = t("This recording cannot be played here.");
      this.fail(error.nearest ? text : error.message || text, error.recording);
      if (error.isLost) setTimeout(() => { if (piece === this.piece) this.recover(piece, at); }, RETRY);
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
    if (text) for (const video of this.videos) video.hidden = true;
    else this.show();
  }
}
