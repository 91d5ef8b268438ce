// One camera of the wall: its picture, name and state. It is a link to the camera.
import { $, capital, fromTemplate, setIcon } from "../lib/dom.js";
import { rights } from "../lib/rights.js";
import { stored } from "../lib/storage.js";
import { serverText, t } from "../lib/text.js";
import { unwatchVisibility, watchVisibility } from "../lib/visibility.js";
import { Player } from "./player.js";

const RUNNING = ["live", "starting", "recovering"];
const PATIENCE = 6000; // milliseconds until a decoder has failed: the pictures of all tiles begin at once
const REASONS = {
  starting: () => t("Starting"),
  recovering: () => t("No picture, trying again"),
  stopped: () => t("Stopped"),
  lost: () => t("Server lost"),
  refused: () => t("No pictures"),
};

export class WallTile {
  constructor(name, isConnected) {
    this.name = name;
    this.isConnected = isConnected;
    this.status = null;
    this.refusal = ""; // why the server sends no pictures
    this.isVisible = this.isOnPage = false;
    this.element = fromTemplate("wall-tile-template");
    this.find = (selector) => $(selector, this.element);
    this.link = this.find(".wall-tile");
    this.link.href = `#${encodeURIComponent(name)}`;
    this.element.dataset.camera = name;
    this.player = new Player(name, this.find(".wall-picture"), isConnected, (reason) => {
      this.refusal = reason;
      this.draw();
    });
    this.player.patience = PATIENCE;
    watchVisibility(this.element, (isVisible) => { this.isVisible = isVisible; this.updatePlayer(); });
  }

  remove() {
    unwatchVisibility(this.element);
    this.player.stop();
    this.element.remove();
  }

  // Shows the picture in so many pixels; many: true if the browser has many pictures to decode.
  fit(width, height, many) {
    if (many !== this.player.prefersVideo) this.player.want(this.player.wanted); // judges the line anew
    this.player.prefersVideo = many;
    this.player.fit(Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio));
  }

  // isOnPage: true while the wall is open, and has this tile on the page that is shown.
  show(isOnPage) {
    this.isOnPage = isOnPage;
    this.element.hidden = !isOnPage;
    if (isOnPage) {
      const chosen = stored(`twistedcam video ${this.name}`); // in the picture settings of the camera
      this.player.wanted = ["h264", "jpeg"].includes(chosen) ? chosen : "auto";
    }
    this.updatePlayer();
  }

  update(status) {
    this.status = status;
    this.player.update(status);
    this.draw();
    this.updatePlayer();
  }

  // The state in one word: that of the camera, or why the page has no picture of it.
  get state() {
    if (!this.isConnected()) return "lost";
    if (this.refusal || rights.why("view", this.name)) return "refused";
    return this.status?.state ?? "starting";
  }

  updatePlayer() {
    if (this.isOnPage && this.isVisible && this.isConnected() && !rights.why("view", this.name) && RUNNING.includes(this.status?.state)) this.player.start();
    else this.player.stop();
  }

  // Called once a second. If many cameras with their own video are slow, that is mostly the browser:
  // the server would need far more to make smaller video of all.
  judge() {
    if (!this.status || !this.player.running || !this.isConnected()) return;
    const age = this.player.takeAge();
    if (!this.player.prefersVideo || this.status.codec === "mjpeg") this.player.judgeLine(age);
  }

  draw() {
    const { status, state } = this;
    const name = this.find(".wall-name");
    const title = status?.title || this.name;
    if (name.textContent !== title) name.textContent = title;
    if (this.element.dataset.state !== state) {
      this.element.dataset.state = state;
      this.find(".wall-overlay").hidden = state === "live";
      if (state !== "live") setIcon(this.find(".wall-overlay use"), state === "refused" ? "recovering" : state);
      const waits = state === "recovering" && /^push:/.test(status?.source ?? "");
      this.find(".wall-overlay strong").textContent = waits ? t("Waiting for a picture") : REASONS[state]?.() ?? state;
      this.find(".wall-state").textContent = state === "live" ? t("Live") : "";
    }
    const reason = state === "refused" ? this.refusal || rights.why("view", this.name) : state === "lost" ? "" : status?.reason ?? "";
    this.find(".wall-reason").textContent = capital(serverText(reason));
    this.find(".wall-rec").hidden = !status?.recording || state === "lost";
    this.find(".wall-rec").dataset.waiting = Boolean(status?.recording_waiting);
    const moves = status?.motion === "moving" && state !== "lost";
    this.find(".wall-motion").hidden = !moves;
    this.element.dataset.moving = moves;
  }
}
