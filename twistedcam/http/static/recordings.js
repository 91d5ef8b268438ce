// The recordings: seen, played, taken away, deleted.
import { call, command } from "./api.js";
import { rights } from "./rights.js";
import { $, address, bytes, capital, fromTemplate, icon, say, span, when } from "./dom.js";

const PAGE = 24; // shown at once
const AT_MOST_EVERY = 1000; // milliseconds between two readings of the list

export class Recordings {
  constructor() {
    this.shelf = $("#shelf");
    this.items = [];
    this.shown = PAGE;
    this.running = "";
    this.empty = fromTemplate("empty-template");
    $("#more").addEventListener("click", () => { this.shown += PAGE; this.draw(); });
    $("#player").addEventListener("close", () => {
      const video = $("#player-video");
      video.pause();
      video.removeAttribute("src");
      video.load();
    });
  }

  // Figures came: a recording that is under way grows.
  follow(cameras) {
    const running = cameras.map((each) => each.recording ?? "").join("\n");
    if (running !== this.running) { this.running = running; this.load(); }
    for (const each of cameras) {
      const item = each.recording && this.items.find((one) => one.recording === each.recording);
      if (item) item.size = each.recording_bytes ?? item.size;
      const row = each.recording && this.row(each.recording);
      if (row) $(".facts-line", row).textContent = [span(each.recording_seconds), bytes(each.recording_bytes)].filter(Boolean).join(" · ");
    }
    this.sum();
  }

  sum() {
    const size = this.items.reduce((sum, item) => sum + (item.size ?? 0), 0);
    $("#recordings-sum").textContent = this.items.length ? `${this.items.length} · ${bytes(size)}` : "";
  }

  happened(event) {
    // One that got no picture is told in the words that the button's answer has, too.
    if (event.what === "failed") say(event.code === "camera-failed" ? capital(event.reason) : `Recording ${event.name} failed: ${event.reason}`, true);
    this.load();
  }

  load() {
    clearTimeout(this.timer);
    const wait = Math.max(0, (this.loaded ?? 0) + AT_MOST_EVERY - performance.now());
    this.timer = setTimeout(async () => {
      this.loaded = performance.now();
      try {
        this.items = (await call("GET", "/recordings")).recordings;
        this.draw();
      } catch { /* the server is lost: the list stays as it was */ }
    }, Math.min(wait, AT_MOST_EVERY));
  }

  row(name) {
    return [...this.shelf.children].find((row) => row.dataset.name === name);
  }

  draw() {
    const items = this.items.slice(0, this.shown);
    const rows = items.map((item) => this.fill(this.row(item.recording) ?? this.make(item), item));
    if (!rows.length) {
      rows.push(this.empty);
    }
    const same = rows.length === this.shelf.children.length && rows.every((row, index) => row === this.shelf.children[index]);
    if (!same) this.put(rows);
    $("#more").hidden = this.items.length <= this.shown;
    this.sum();
  }

  // Other cards, or in another order. What had the focus keeps it; what is gone gives it to the card
  // that is in its place now, and the last one to the shelf.
  put(rows) {
    const held = this.shelf.contains(document.activeElement) ? document.activeElement : null;
    const at = [...this.shelf.children].findIndex((row) => row.contains(held));
    this.shelf.replaceChildren(...rows);
    if (!held) return;
    const next = rows[Math.min(at, rows.length - 1)];
    const heirs = [held, next.querySelector(".delete:enabled"), next.querySelector(".thumb:enabled"), this.shelf];
    heirs.find((each) => each && this.shelf.contains(each)).focus();
  }

  make(item) {
    const row = fromTemplate("recording-template");
    const name = item.recording;
    const url = `/recordings/${encodeURIComponent(name)}`;
    row.dataset.name = name;
    $(".title", row).title = name;
    $("img", row).addEventListener("error", (event) => event.target.classList.add("missing"));
    $("img", row).addEventListener("load", (event) => event.target.classList.remove("missing"));
    $(".thumb", row).setAttribute("aria-label", `Play ${name}`);
    $(".delete", row).setAttribute("aria-label", `Delete ${name}`);
    $(".download", row).setAttribute("aria-label", `Download ${name}`);
    $(".download", row).href = address(`${url}?download`);
    $(".thumb", row).addEventListener("click", () => this.play(row.item));
    $(".delete", row).addEventListener("click", () => this.remove(name));
    return row;
  }

  fill(row, item) {
    row.item = item;
    const done = item.complete !== false;
    const at = when(new Date(item.start ? item.start * 1000 : item.when));
    // A name that was chosen is told; one that is made of camera and time says nothing more.
    const [, stem, suffix] = /^(.*?)\.([\w.]+)$/.exec(item.recording) ?? [null, item.recording, ""];
    const chosen = !/_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d/.test(stem);
    const seen = /[\p{L}\p{N}\p{P}\p{S}]/u.test(stem) ? stem : `“${item.recording}”`; // one of blanks alone
    $(".title", row).textContent = chosen ? seen : at;
    $(".at", row).textContent = chosen ? at : "";
    // The size first: it is short, and a camera's name may be cut.
    $(".facts-line", row).textContent = [bytes(item.size), item.camera].filter(Boolean).join(" · ");
    $(".kind", row).textContent = done ? suffix : "Being written";
    $(".kind", row).title = item.codec ? item.codec.toUpperCase() : "";
    $(".length", row).textContent = done ? span(item.seconds) : "";
    row.dataset.written = !done;
    const [noPlay, noDelete] = [rights.why("view"), rights.why("control")];
    const picture = !done ? `/snapshot/${encodeURIComponent(item.camera ?? "")}` : `/recordings/${encodeURIComponent(item.recording)}/thumbnail`;
    if (row.picture !== picture && rights.may("view", done ? null : item.camera)) {
      row.picture = picture;
      $("img", row).src = address(picture);
    }
    $(".thumb", row).disabled = !done || Boolean(noPlay);
    $(".thumb", row).title = noPlay;
    row.dataset.barred = Boolean(noPlay);
    icon($(".thumb use", row), noPlay ? "film" : "play");
    $(".download", row).hidden = !done || Boolean(noPlay);
    $(".delete", row).disabled = !done;
    $(".delete", row).hidden = Boolean(noDelete);
    return row;
  }

  play(item) {
    const video = $("#player-video");
    const url = `/recordings/${encodeURIComponent(item.recording)}`;
    const film = /\.(mp4|m4v|webm|mov)$/i.test(item.recording) && item.codec !== "mjpeg";
    if (!film) {
      say("Browsers do not play this format: download it for a player such as VLC");
      return;
    }
    $("#player-title").textContent = item.recording;
    $("#player-download").href = address(`${url}?download`);
    video.src = address(url);
    $("#player").showModal();
    video.play().catch(() => {}); // a browser may want a click first: the button is there
  }

  remove(name) {
    const ask = $("#ask");
    $("#ask-text").textContent = name;
    ask.returnValue = "no";
    ask.onclose = async () => {
      if (ask.returnValue !== "yes") return;
      if (await command("DELETE", `/recordings/${encodeURIComponent(name)}`)) {
        say(`Deleted ${name}`);
        this.load();
      }
    };
    ask.showModal();
  }
}
