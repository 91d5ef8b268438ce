// The list of recordings and snapshots, and the dialog that plays them.
import { address, call, command } from "../lib/api.js";
import { askToDelete } from "../lib/ask_to_delete.js";
import { $, capital, fromTemplate, inText, setIcon, visible } from "../lib/dom.js";
import { openForm } from "../lib/form_dialog.js";
import { bytes, dateTime, dayName, duration, timeOfDay } from "../lib/format.js";
import { showMessage } from "../lib/messages.js";
import { rights } from "../lib/rights.js";
import { applyEvent, loadAll, loadNew } from "../lib/recording_list.js";
import { term } from "../lib/terms.js";
import { dateText, number, t } from "../lib/text.js";
import { RecordingChoice } from "./recording_choice.js";
import { VirtualGrid } from "./virtual_grid.js";

const MAX_ROWS = 300; // cards that are kept, in the document or not
const MIN_INTERVAL = 1000; // milliseconds between two requests for the list
const COPIED = /\.mkv$/i; // what the server copies into MP4
const NUMERIC = { year: "numeric", month: "numeric", day: "numeric" };
const PLAYABLE = /\.(mp4|m4v|webm|mov)$/i; // what browsers can play

export class Recordings {
  constructor() {
    this.list = $("#recording-list");
    this.items = null; // null: not loaded yet
    this.fault = ""; // why the list could not be loaded
    this.running = "";
    this.wantsWhole = true;
    this.isLoading = this.isLate = false; // late: something has changed while the list was loaded
    this.rows = new Map(); // by name: those that are in the document
    this.headings = new Map();
    this.titles = new Map(); // of cameras, by name
    this.grid = new VirtualGrid(this.list, (day) => this.fillHeading(day), (item) => this.fillRow(this.rows.get(item.name) ?? this.makeRow(item), item));
    this.choice = new RecordingChoice(this);
    this.search = $("#recordings-search");
    this.camera = $("#recordings-camera");
    this.search.addEventListener("input", () => this.draw());
    this.camera.addEventListener("change", () => this.draw());
    this.empty = fromTemplate("empty-template");
    this.none = fromTemplate("none-found-template");
    this.loading = fromTemplate("loading-template");
    this.failed = fromTemplate("fault-template");
    this.player = new RecordingPlayer();
    $(".again", this.failed).addEventListener("click", () => this.load());
    addEventListener("hashchange", () => this.openNamed());
  }

  // Updates recordings in progress from the status of the cameras.
  update(cameras) {
    const running = cameras.map((each) => each.recording ?? "").join("\n");
    if (running !== this.running) { this.running = running; this.load(false); }
    const titles = cameras.map((each) => [each.camera, each.title || each.camera]);
    if (JSON.stringify(titles) !== JSON.stringify([...this.titles])) { this.titles = new Map(titles); this.draw(); }
    for (const each of cameras) {
      const item = each.recording && this.items?.find((one) => one.name === each.recording);
      if (item) item.size = each.recording_bytes ?? item.size;
      const row = each.recording && this.findRow(each.recording);
      if (row) $(".facts-line", row).textContent = [duration(each.recording_seconds), bytes(each.recording_bytes), this.titleOf(item?.camera)].filter(Boolean).join(" · ");
    }
    this.updateSum();
  }

  // Shows how many recordings the server has read after its start. Returns true once all are read.
  setReading(reading) {
    const text = !reading?.count ? "" : t("Reading new recordings: {done} of {count}", reading);
    const progress = $("#recordings-reading");
    progress.hidden = !reading?.count;
    $("progress", progress).max = reading?.count ?? 1;
    $("progress", progress).value = reading?.done ?? 0;
    if ($("span", progress).textContent !== text) $("span", progress).textContent = text;
    const isRead = this.isReading && reading === null;
    this.isReading = reading !== null;
    return isRead;
  }

  updateSum() {
    const items = this.filtered();
    const size = items.reduce((sum, item) => sum + (item.size ?? 0), 0);
    $("#recordings-sum").textContent = items.length ? `${number(items.length)} · ${bytes(size)}` : "";
  }

  // isExpected: true for a failure that the user has caused.
  onEvent(event, isExpected = false) {
    // For a recording without a picture, the reason is the same sentence as that of the button.
    if (event.what === "failed" && !isExpected) showMessage(event.code === "camera-failed" ? capital(event.reason) : t("Recording {name} failed: {reason}", { name: inText(event.name), reason: event.reason }), true);
    this.load(!applyEvent(this.items, event));
  }

  // isWhole: false if only the newest ones can have changed.
  load(isWhole = true) {
    this.wantsWhole ||= isWhole;
    clearTimeout(this.timer);
    const wait = Math.max(0, (this.loadedAt ?? 0) + MIN_INTERVAL - performance.now());
    this.timer = setTimeout(() => this.loadNow(), Math.min(wait, MIN_INTERVAL));
  }

  async loadNow() {
    if (this.isLoading) { this.isLate = true; return; }
    const isWhole = this.wantsWhole;
    const isFirst = this.items === null;
    this.isLoading = true;
    this.wantsWhole = this.isLate = false;
    try {
      this.items = (isWhole ? null : await loadNew(this.items)) ?? await loadAll((part) => { if (isFirst) { this.items = part; this.draw(); } });
      this.fault = "";
      this.openNamed();
    } catch (error) {
      this.fault = error.message; // the old list stays
      this.wantsWhole = true;
    }
    this.isLoading = false;
    this.loadedAt = performance.now();
    this.draw();
    if (this.isLate) this.load(false);
  }

  // The title of a camera; of one that is not there any more, its name.
  titleOf(camera) { return this.titles.get(camera) ?? camera; }

  findRow(name) {
    const row = this.rows.get(name);
    return row?.isConnected ? row : undefined;
  }

  // The items that the search and the camera leave.
  filtered() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const camera = this.camera.value;
    return (this.items ?? []).filter((item) => {
      if (camera && item.camera !== camera) return false;
      if (!words.length) return true;
      item.text ??= [item.name, item.camera ?? "", item.codec ?? "", dateTime(new Date(item.start * 1000)), dateText(item.start * 1000, NUMERIC)].join(" ").toLowerCase();
      return words.every((word) => item.text.includes(word) || this.titleOf(item.camera ?? "").toLowerCase().includes(word));
    });
  }

  // Offers the cameras that have recordings.
  offerCameras() {
    const names = [...new Set((this.items ?? []).map((item) => item.camera).filter(Boolean))].sort();
    const text = JSON.stringify(names.map((name) => [name, this.titleOf(name)]));
    if (text !== this.camerasText) {
      this.camerasText = text;
      const chosen = this.camera.value;
      this.camera.replaceChildren(new Option(t("All cameras"), ""), ...names.map((name) => new Option(this.titleOf(name), name)));
      this.camera.value = names.includes(chosen) ? chosen : "";
    }
    this.camera.hidden = names.length < 2;
    $("#recordings-tools").hidden = !this.items?.length;
  }

  fillHeading({ key, items }) {
    const heading = this.headings.get(key) ?? document.createElement("li");
    this.headings.set(key, heading);
    if (!heading.firstChild) { heading.className = "day"; heading.append(document.createElement("h3"), document.createElement("span")); heading.lastChild.className = "muted"; }
    heading.firstChild.textContent = dayName(new Date(key));
    heading.lastChild.textContent = number(items.length);
    return heading;
  }

  draw() {
    this.offerCameras();
    const items = this.filtered();
    const others = [];
    if (this.fault) others.push(this.failed);
    else if (!this.items) others.push(this.loading);
    else if (!items.length) others.push(this.items.length ? this.none : this.empty);
    const reason = this.fault && t("The list cannot be loaded: {reason}", { reason: this.fault });
    if ($(".reason", this.failed).textContent !== reason) $(".reason", this.failed).textContent = reason;
    const names = new Set((this.items ?? []).map((item) => item.name));
    for (const [name, row] of this.rows) if (!names.has(name) || (this.rows.size > MAX_ROWS && !row.isConnected)) this.rows.delete(name);
    this.grid.show(byDay(items), others);
    this.choice.update(items, names);
    this.updateSum();
  }

  makeRow(item) {
    const row = fromTemplate("recording-template");
    this.rows.set(item.name, row);
    const { name } = item;
    const shown = inText(name);
    const url = `/recordings/${encodeURIComponent(name)}`;
    row.dataset.name = name;
    $(".title", row).title = visible(name);
    $(".what", row).textContent = `${item.isPicture ? t("Show {what}", { what: shown }) : t("Play {what}", { what: shown })},`;
    $("img", row).addEventListener("error", (event) => event.target.classList.add("missing"));
    $("img", row).addEventListener("load", (event) => event.target.classList.remove("missing"));
    $(".delete", row).setAttribute("aria-label", t("Delete {name}", { name: shown }));
    $(".rename", row).setAttribute("aria-label", t("Rename {name}", { name: shown }));
    $(".rename", row).addEventListener("click", () => this.askName(name));
    $(".download", row).setAttribute("aria-label", t("Download {name}", { name: shown }));
    $(".download", row).href = address(`${url}?download`);
    $(".thumb", row).addEventListener("click", () => { if (this.choice.isOn) this.choice.toggle(name); else this.player.open(row.item); });
    $(".choose", row).addEventListener("change", () => this.choice.toggle(name));
    $(".choose", row).setAttribute("aria-label", t("Select {name}", { name: shown }));
    $(".delete", row).addEventListener("click", () => this.confirmDeletion(row.item));
    return row;
  }

  fillRow(row, item) {
    row.item = item;
    const done = item.complete !== false;
    const at = timeOfDay(new Date(item.start ? item.start * 1000 : item.when)); // the heading has the day
    // Shows a name that was chosen; a name made of camera and time adds nothing to the time.
    const [, stem, suffix] = /^(.*)\.(\w+)$/.exec(item.name) ?? [null, item.name, ""];
    const chosen = !/_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d/.test(stem);
    const title = /[\p{L}\p{N}\p{P}\p{S}]/u.test(stem) ? visible(stem) : `“${visible(item.name)}”`; // only spaces
    $(".title", row).textContent = chosen ? title : at;
    $(".at", row).textContent = chosen ? at : "";
    // The size comes first, because a long title of a camera may be cut.
    $(".facts-line", row).textContent = [bytes(item.size), item.protected ? t("protected") : "", item.kind && item.kind !== "recording" ? term(item.kind) : "", this.titleOf(item.camera)].filter(Boolean).join(" · ");
    this.choice.mark(row, item);
    $(".kind", row).textContent = done ? suffix : t("Recording…");
    $(".kind", row).title = item.codec ? item.codec.toUpperCase() : "";
    $(".length", row).textContent = done ? duration(item.seconds) : "";
    row.dataset.written = !done;
    const [noPlay, noDelete] = [rights.why("view"), rights.why("control")];
    const picture = !done ? `/snapshot/${encodeURIComponent(item.camera ?? "")}` : `/recordings/${encodeURIComponent(item.name)}${item.isPicture ? "" : "/thumbnail"}`;
    if (row.picture !== picture && rights.may("view", done ? null : item.camera)) {
      row.picture = picture;
      $("img", row).src = address(picture);
    }
    $(".thumb", row).disabled = !done || Boolean(noPlay);
    $(".thumb", row).title = noPlay;
    row.dataset.refused = Boolean(noPlay);
    setIcon($(".thumb use", row), item.isPicture ? "full" : noPlay ? "film" : "play");
    $(".download", row).hidden = !done || Boolean(noPlay);
    $(".delete", row).disabled = $(".rename", row).disabled = !done;
    $(".delete", row).hidden = $(".rename", row).hidden = Boolean(noDelete);
    return row;
  }

  // Plays a recording from a time in UNIX seconds; returns false if it is not complete or is gone.
  async playAt(name, time) {
    const find = (items) => items?.find((each) => each.name === name && each.complete !== false);
    const item = find(this.items) ?? find(await loadAll().catch(() => null));
    if (!item) return false;
    this.player.open(item, Math.max(0, time - item.start));
    return true;
  }

  // Opens the recording or snapshot that the address names, as #recording=NAME, once.
  async openNamed() {
    const [, named] = /^#recording=(.+)/.exec(location.hash) ?? [];
    if (!named || !this.items) return;
    history.replaceState(history.state, "", location.pathname + location.search);
    let name = named;
    try { name = decodeURIComponent(named); } catch { /* it is no name then, and is not found */ }
    const find = (items) => items?.find((each) => each.name === name && each.complete !== false);
    const item = find(this.items) ?? find(await loadAll().catch(() => null));
    if (item) this.player.open(item);
    else showMessage(t("There is no recording {name}", { name: inText(name) }), true);
  }

  // Asks for a new name until the server accepts it; the ending stays.
  askName(name) {
    const input = $("#rename-name");
    const ending = /\.\w+$/.exec(name)?.[0] ?? "";
    input.value = name.slice(0, name.length - ending.length);
    openForm($("#rename"), input, async () => {
      const wanted = input.value.trim() + ending;
      if (wanted === name) return;
      const { recording } = await call("POST", `/recordings/${encodeURIComponent(name)}/rename`, { new: wanted });
      showMessage(t("Renamed to {name}", { name: inText(recording) }));
      this.load();
    });
  }

  confirmDeletion(item) {
    const { name } = item;
    askToDelete([item], () => visible(name), async () => {
      if (!await command("DELETE", `/recordings/${encodeURIComponent(name)}`)) return;
      showMessage(t("Deleted {name}", { name: inText(name) }));
      this.load();
    });
  }
}

// Groups items, which are in the order of their times, by local days: [{ key, items }, …].
function byDay(items) {
  const groups = [];
  for (const item of items) {
    const key = new Date(item.start * 1000).setHours(0, 0, 0, 0);
    if (groups.at(-1)?.key === key) groups.at(-1).items.push(item);
    else groups.push({ key, items: [item] });
  }
  return groups;
}

// The dialog that shows a recording or a snapshot.
class RecordingPlayer {
  constructor() {
    this.dialog = $("#player");
    this.video = $("#player-video");
    this.picture = $("#player-picture");
    this.video.addEventListener("error", () => { if (this.dialog.open) this.fail(); });
    this.video.addEventListener("loadedmetadata", () => { if (!this.video.videoWidth) this.fail(); });
    this.picture.addEventListener("error", () => { if (this.dialog.open) this.fail(t("This picture cannot be shown here.")); });
    this.dialog.addEventListener("close", () => {
      this.video.pause();
      for (const each of [this.video, this.picture]) each.removeAttribute("src");
      this.video.load();
    });
  }

  // Shows a recording or a snapshot; a recording is played from a number of seconds.
  open(item, seconds = 0) {
    const path = `/recordings/${encodeURIComponent(item.name)}`;
    this.download = address(`${path}?download`);
    $("#player-title").textContent = visible(item.name);
    $("#player-download").href = this.download;
    $("#player-fault").replaceChildren();
    this.video.hidden = item.isPicture;
    this.picture.hidden = !item.isPicture;
    this.dialog.showModal();
    if (item.isPicture) {
      this.picture.alt = t("Snapshot {name}", { name: inText(item.name) });
      this.picture.src = address(path);
    } else if (PLAYABLE.test(item.name) && item.codec !== "mjpeg") {
      this.video.src = address(path) + (seconds ? `#t=${seconds.toFixed(1)}` : "");
      this.video.play().catch(() => {}); // a browser may require a click on its play button
    } else if (COPIED.test(item.name) && ["h264", "hevc"].includes(item.codec) && item.camera) {
      const range = `start=${item.start}&duration=${item.seconds}`; // the server sends it as MP4
      this.video.src = address(`/playback/${encodeURIComponent(item.camera)}?${range}`) + (seconds ? `#t=${seconds.toFixed(1)}` : "");
      this.video.play().catch(() => {});
    } else {
      this.fail();
    }
  }

  // Shows a picture that is no file beside the recordings.
  showPicture(title, path) {
    this.download = address(path);
    $("#player-title").textContent = title;
    $("#player-download").href = this.download;
    $("#player-fault").replaceChildren();
    this.video.hidden = true;
    this.picture.hidden = false;
    this.picture.alt = title;
    this.picture.src = this.download;
    this.dialog.showModal();
  }

  fail(reason = t("This recording cannot be played here.")) {
    const link = document.createElement("a");
    link.href = this.download;
    link.textContent = t("Download it.");
    this.video.hidden = this.picture.hidden = true;
    $("#player-fault").replaceChildren(`${reason} `, link);
  }
}
