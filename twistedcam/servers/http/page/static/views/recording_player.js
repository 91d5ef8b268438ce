// A recording or a snapshot, shown large.
import { $, address, inText, visible } from "../lib/dom.js";

const FILMS = /\.(mp4|m4v|webm|mov)$/i; // what browsers may play

export class Player {
  constructor() {
    this.dialog = $("#player");
    this.video = $("#player-video");
    this.picture = $("#player-picture");
    this.video.addEventListener("error", () => { if (this.dialog.open) this.fail(); });
    this.video.addEventListener("loadedmetadata", () => { if (!this.video.videoWidth) this.fail(); });
    this.picture.addEventListener("error", () => { if (this.dialog.open) this.fail("picture", "shown"); });
    this.dialog.addEventListener("close", () => {
      this.video.pause();
      for (const each of [this.video, this.picture]) each.removeAttribute("src");
      this.video.load();
    });
  }

  open(item) {
    const path = `/recordings/${encodeURIComponent(item.name)}`;
    this.download = address(`${path}?download`);
    $("#player-title").textContent = visible(item.name);
    $("#player-download").href = this.download;
    $("#player-fault").replaceChildren();
    this.video.hidden = item.isPicture;
    this.picture.hidden = !item.isPicture;
    this.dialog.showModal();
    if (item.isPicture) {
      this.picture.alt = `Snapshot ${inText(item.name)}`;
      this.picture.src = address(path);
    } else if (FILMS.test(item.name) && item.codec !== "mjpeg") {
      this.video.src = address(path);
      this.video.play().catch(() => {}); // a browser may want a click first: the button is there
    } else {
      this.fail();
    }
  }

  fail(kind = "film", verb = "played") {
    const link = document.createElement("a");
    link.href = this.download;
    link.textContent = "Download it";
    this.video.hidden = this.picture.hidden = true;
    $("#player-fault").replaceChildren(`This ${kind} cannot be ${verb} here. `, link, ".");
  }
}
