// The recordings and snapshots: seen, played, taken away, deleted.
import { call, command } from "../lib/api.js";
import { rights } from "../lib/rights.js";
import { $, address, bytes, capital, fromTemplate, icon, inText, span, visible, when } from "../lib/dom.js";
import { say } from "../lib/messages.js";
import { Player } from "./recording_player.js";

const PAGE = 24; // shown at once
const AT_MOST_EVERY = 1000; // milliseconds between two readings of the list

export class Recordings {
  constructor() {
    this.shelf = $("#shelf");
    this.items = null; // null: not known yet
    this.fault = ""; // why the list cannot be had
    this.shown = PAGE;
    this.running = "";
    this.empty = fromTemplate("empty-template");
    this.loading = fromTemplate("loading-template");
    this.failed = fromTemplate("fault-template");
    this.player = new Player();
    $(".again", this.failed).addEventListener("click", () => this.load());
    $("#more").addEventListener("click", () => { this.shown += PAGE; this.draw(); });
  }

  // Figures came: a recording that is under way grows.
  follow(cameras) {
    const running = cameras.map((each) => each.recording ?? "").join("\n");
    if (running !== this.running) { this.running = running; this.load(); }
    for (const each of cameras) {
      const item = each.recording && this.items?.find((one) => one.name === each.recording);
      if (item) item.size = each.recording_bytes ?? item.size;
      const row = each.recording && this.row(each.recording);
      if (row) $(".facts-line", row).textContent = [span(each.recording_seconds), bytes(each.recording_bytes), item?.camera].filter(Boolean).join(" · ");
    }
    this.sum();
  }

  sum() {
    const items = this.items ?? [];
    const size = items.reduce((sum, item) => sum + (item.size ?? 0), 0);
    $("#recordings-sum").textContent = items.length ? `${items.length} · ${bytes(size)}` : "";
  }

  happened(event) {
    // One that got no picture is told in the words that the button's answer has, too.
    if (event.what === "failed") say(event.code === "camera-failed" ? capital(event.reason) : `Recording ${inText(event.name)} failed: ${event.reason}`, true);
    this.load();
  }

  load() {
    clearTimeout(this.timer);
    const wait = Math.max(0, (this.loaded ?? 0) + AT_MOST_EVERY - performance.now());
    this.timer = setTimeout(async () => {
      this.loaded = performance.now();
      try {
        this.items = await everything();
        this.fault = "";
      } catch (error) {
        this.fault = error.message; // the list stays as it was
      }
      this.draw();
    }, Math.min(wait, AT_MOST_EVERY));
  }

  row(name) {
    return [...this.shelf.children].find((row) => row.dataset.name === name);
  }

  draw() {
    const items = this.items?.slice(0, this.shown) ?? [];
    const rows = items.map((item) => this.fill(this.row(item.name) ?? this.make(item), item));
    if (this.fault) rows.unshift(this.failed);
    else if (!rows.length) rows.push(this.items ? this.empty : this.loading);
    const reason = this.fault && `The list cannot be had: ${this.fault}`;
    if ($(".reason", this.failed).textContent !== reason) $(".reason", this.failed).textContent = reason;
    const same = rows.length === this.shelf.children.length && rows.every((row, index) => row === this.shelf.children[index]);
    if (!same) this.put(rows);
    $("#more").hidden = !(this.items?.length > this.shown);
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
    const heirs = [held, next?.querySelector(".delete:enabled"), next?.querySelector(".thumb:enabled"), this.shelf];
    heirs.find((each) => each && this.shelf.contains(each)).focus();
  }

  make(item) {
    const row = fromTemplate("recording-template");
    const { name } = item;
    const shown = inText(name);
    const url = `/recordings/${encodeURIComponent(name)}`;
    row.dataset.name = name;
    $(".title", row).title = visible(name);
    $(".what", row).textContent = `${item.isPicture ? "Show" : "Play"} ${shown},`;
    $("img", row).addEventListener("error", (event) => event.target.classList.add("missing"));
    $("img", row).addEventListener("load", (event) => event.target.classList.remove("missing"));
    $(".delete", row).setAttribute("aria-label", `Delete ${shown}`);
    $(".download", row).setAttribute("aria-label", `Download ${shown}`);
    $(".download", row).href = address(`${url}?download`);
    $(".thumb", row).addEventListener("click", () => this.player.open(row.item));
    $(".delete", row).addEventListener("click", () => this.remove(name));
    return row;
  }

  fill(row, item) {
    row.item = item;
    const done = item.complete !== false;
    const at = when(new Date(item.start ? item.start * 1000 : item.when));
    // A name that was chosen is told; one that is made of camera and time says nothing more.
    const [, stem, suffix] = /^(.*?)\.([\w.]+)$/.exec(item.name) ?? [null, item.name, ""];
    const chosen = !/_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d/.test(stem);
    const seen = /[\p{L}\p{N}\p{P}\p{S}]/u.test(stem) ? visible(stem) : `“${visible(item.name)}”`; // one of blanks alone
    $(".title", row).textContent = chosen ? seen : at;
    $(".at", row).textContent = chosen ? at : "";
    // The size first: it is short, and a camera's name may be cut.
    $(".facts-line", row).textContent = [bytes(item.size), item.camera].filter(Boolean).join(" · ");
    $(".kind", row).textContent = done ? suffix : "Recording…";
    $(".kind", row).title = item.codec ? item.codec.toUpperCase() : "";
    $(".length", row).textContent = done ? span(item.seconds) : "";
    row.dataset.written = !done;
    const [noPlay, noDelete] = [rights.why("view"), rights.why("control")];
    const picture = !done ? `/snapshot/${encodeURIComponent(item.camera ?? "")}` : `/recordings/${encodeURIComponent(item.name)}${item.isPicture ? "" : "/thumbnail"}`;
    if (row.picture !== picture && rights.may("view", done ? null : item.camera)) {
      row.picture = picture;
      $("img", row).src = address(picture);
    }
    $(".thumb", row).disabled = !done || Boolean(noPlay);
    $(".thumb", row).title = noPlay;
    row.dataset.barred = Boolean(noPlay);
    icon($(".thumb use", row), item.isPicture ? "full" : noPlay ? "film" : "play");
    $(".download", row).hidden = !done || Boolean(noPlay);
    $(".delete", row).disabled = !done;
    $(".delete", row).hidden = Boolean(noDelete);
    return row;
  }

  remove(name) {
    const ask = $("#ask");
    $("#ask-text").textContent = visible(name);
    ask.returnValue = "no";
    ask.onclose = async () => {
      if (ask.returnValue !== "yes") return;
      if (await command("DELETE", `/recordings/${encodeURIComponent(name)}`)) {
        say(`Deleted ${inText(name)}`);
        this.load();
      }
    };
    ask.showModal();
  }
}

// All that is in the folder, newest first.
async function everything() {
  const [films, pictures] = await Promise.all([call("GET", "/recordings"), call("GET", "/snapshots")]);
  const items = films.recordings.map((each) => ({ ...each, name: each.recording, isPicture: false }));
  items.push(...pictures.snapshots.map((each) => ({ ...each, name: each.snapshot, isPicture: true })));
  return items.sort((one, other) => other.start - one.start);
}
