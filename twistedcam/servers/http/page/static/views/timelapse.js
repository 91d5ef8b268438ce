// Timelapses that the server renders from what is recorded: asked for, shown with their progress, and
// cancelled.
import { call, cameraPath, command } from "../lib/api.js";
import { $, inText } from "../lib/dom.js";
import { openForm } from "../lib/form_dialog.js";
import { showMessage } from "../lib/messages.js";
import { rights } from "../lib/rights.js";
import { number, t } from "../lib/text.js";

const PERIOD = 1000; // milliseconds between two requests for the progress

export class Timelapse {
  constructor() {
    this.job = null; // what is being rendered, as the server tells it
    this.own = new Set(); // names of the films that this page has asked for and not cancelled
    this.cancelled = new Set();
    this.box = $("#timelapse-progress");
    $("#timelapse-cancel").addEventListener("click", () => this.cancel());
  }

  // Asks for the length of a film. start, end: UNIX seconds; text: these times in words.
  ask(camera, [start, end], text) {
    const field = $("#timelapse-seconds");
    $("#timelapse-text").textContent = text;
    openForm($("#timelapse"), field, async () => {
      const { recording } = await call("POST", `${cameraPath(camera)}/timelapse`, { start: start.toFixed(3), end: end.toFixed(3), seconds: `${field.value}s` });
      this.own.add(recording);
      this.follow();
    });
  }

  // Shows the progress until nothing is rendered any more.
  async follow() {
    clearTimeout(this.timer);
    const { timelapses } = await call("GET", "/timelapse/status").catch(() => ({ timelapses: [] }));
    this.job = timelapses.find((each) => each.state === "rendering") ?? null;
    this.box.hidden = this.job === null;
    if (this.job === null) return;
    const { camera, percent, recording } = this.job;
    $("progress", this.box).value = percent;
    const text = t("Rendering {name}: {percent} %", { name: inText(recording), percent: number(Math.floor(percent)) });
    if ($("span", this.box).textContent !== text) $("span", this.box).textContent = text;
    $("#timelapse-cancel").hidden = !rights.may("control", camera);
    clearTimeout(this.timer); // of another call meanwhile
    this.timer = setTimeout(() => this.follow(), PERIOD);
  }

  async cancel() {
    if (this.job === null) return;
    const { camera, recording } = this.job;
    this.cancelled.add(recording);
    if (await command("POST", `${cameraPath(camera)}/timelapse/cancel`)) showMessage(t("Cancelled {name}", { name: inText(recording) }));
    this.follow();
  }

  // Returns true for the end of a film that was cancelled here, which is no failure.
  onEvent({ what, name }) {
    if (what === "rendering" || name === this.job?.recording) this.follow();
    if (what === "saved" && this.own.delete(name)) showMessage(t("Saved {name}", { name: inText(name) }));
    return what === "failed" && this.cancelled.delete(name);
  }
}
