// The gallery of events: motion and what user code has found, by day, with their pictures.
import { address, call } from "../lib/api.js";
import { $, capital, fromTemplate, inText } from "../lib/dom.js";
import { dateTime, dayName, duration, timeOfDay } from "../lib/format.js";
import { showMessage } from "../lib/messages.js";
import { rights } from "../lib/rights.js";
import { term } from "../lib/terms.js";
import { t } from "../lib/text.js";

const PAGE = 12; // events that are loaded at once
const MIN_INTERVAL = 1000; // milliseconds between two requests
const LEAD = 2; // seconds of the recording that are played before the event
const SEEN = "motion,detection";
const ICONS = { state: "lost", fault: "recovering", recording: "record", hook: "starting" };

export class Events {
  // recordings: the list of recordings, which plays those that are complete. timeline: plays others.
  constructor(recordings, timeline) {
    this.recordings = recordings;
    this.timeline = timeline;
    this.list = $("#event-list");
    this.camera = $("#event-camera");
    this.kind = $("#event-kind");
    this.zone = $("#event-zone");
    this.day = $("#event-day");
    this.items = null; // null: not loaded yet
    this.fault = "";
    this.hasMore = false;
    this.wanted = PAGE;
    this.request = 0;
    this.rows = new Map();
    this.loading = fromTemplate("loading-template");
    this.failed = fromTemplate("events-fault-template");
    this.empty = fromTemplate("no-events-template");
    $(".retry", this.failed).addEventListener("click", () => this.load());
    $("#more-events").addEventListener("click", () => { this.wanted += PAGE; this.load(); });
    for (const each of [this.camera, this.kind, this.zone, this.day]) {
      each.addEventListener("change", () => { this.wanted = PAGE; this.items = null; this.load(); });
    }
  }

  // Offers the cameras of the server, and their kinds of events.
  update(cameras) {
    const names = cameras.map((each) => each.camera);
    const titles = new Map(cameras.map((each) => [each.camera, each.title || each.camera]));
    const isOff = cameras.every((each) => each.motion === "off");
    const text = JSON.stringify([...titles, isOff]);
    if (text === this.titlesText) return;
    this.isOff = isOff; // motion detection of all cameras
    this.titlesText = text;
    this.titles = titles;
    setOptions(this.camera, [["", t("All cameras")], ...names.map((name) => [name, titles.get(name)])]);
    this.camera.hidden = names.length < 2;
    if (this.items) this.draw();
  }

  load() {
    clearTimeout(this.timer);
    const wait = Math.max(0, (this.loadedAt ?? -Infinity) + MIN_INTERVAL - performance.now());
    this.timer = setTimeout(async () => {
      this.loadedAt = performance.now();
      const request = ++this.request;
      try {
        const { events } = await call("GET", `/events?${this.query()}`);
        if (request !== this.request) return;
        this.hasMore = events.length > this.wanted;
        this.items = events.slice(0, this.wanted);
        this.fault = "";
        this.addFilters(events);
      } catch (error) {
        if (request !== this.request) return;
        this.fault = error.message; // the old list stays
      }
      this.draw();
    }, this.items ? wait : 0);
  }

  query() {
    const query = new URLSearchParams({ limit: Math.min(1000, this.wanted + 1) });
    if (this.camera.value) query.set("camera", this.camera.value);
    if (this.kind.value) query.set("kind", this.kind.value);
    if (this.zone.value) query.set("zone", this.zone.value);
    if (this.day.value) { // local midnight to midnight
      const [year, month, day] = this.day.value.split("-").map(Number);
      query.set("since", new Date(year, month - 1, day).getTime() / 1000);
      query.set("until", new Date(year, month - 1, day + 1).getTime() / 1000);
    }
    return query;
  }

  // Offers the kinds of user code and the zones that were seen.
  addFilters(events) {
    const has = (select, value) => [...select.options].some((one) => one.value === value);
    for (const { kind, what, zone } of events) {
      if (what === "detection" && !has(this.kind, kind)) this.kind.add(new Option(capital(term(kind)), kind), this.kind.options[2]);
      if (zone && !has(this.zone, zone)) this.zone.add(new Option(zone, zone));
    }
    this.zone.hidden = this.zone.options.length < 2;
  }

  draw() {
    const rows = [];
    let day = "";
    for (const item of this.items ?? []) {
      const named = dayOf(item);
      if (named !== day) { rows.push(this.heading(named)); day = named; }
      rows.push(this.fillRow(this.rows.get(item.id) ?? this.makeRow(item), item));
    }
    if (this.fault) rows.unshift(this.failed);
    else if (!rows.length) rows.push(this.items ? this.empty : this.loading);
    const reason = this.fault && t("The events cannot be loaded: {reason}", { reason: this.fault });
    if ($(".reason", this.failed).textContent !== reason) $(".reason", this.failed).textContent = reason;
    const filtered = this.camera.value || this.zone.value || this.day.value || this.kind.value !== SEEN;
    $("span", this.empty).textContent = filtered ? t("No such events.")
      : this.isOff ? t("Nothing was found yet. Motion detection is off: the button “Motion” of a camera switches it on.")
      : t("Nothing has moved yet, and nothing was found.");
    for (const id of this.rows.keys()) if (!this.items?.some((item) => item.id === id)) this.rows.delete(id);
    const same = rows.length === this.list.children.length && rows.every((row, index) => row === this.list.children[index]);
    if (!same) {
      const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
      this.list.replaceChildren(...rows);
      if (focused) (this.list.contains(focused) ? focused : this.list).focus({ preventScroll: true });
    }
    $("#more-events").hidden = !this.hasMore || this.wanted >= 999;
  }

  heading(text) {
    const found = [...this.list.children].find((each) => each.matches(".day") && each.textContent === text);
    if (found) return found;
    const row = document.createElement("li");
    row.className = "day";
    row.append(document.createElement("h3"));
    row.firstChild.textContent = text;
    return row;
  }

  makeRow(item) {
    const row = fromTemplate("event-template");
    this.rows.set(item.id, row);
    $("img", row).addEventListener("error", (event) => event.target.classList.add("missing"));
    $("img", row).addEventListener("load", (event) => event.target.classList.remove("missing"));
    $(".thumb", row).addEventListener("click", () => this.open(row.item));
    return row;
  }

  fillRow(row, item) {
    const camera = this.titles?.get(item.camera) ?? item.camera;
    const what = nameOf(item);
    const lasts = item.end === null;
    row.item = item;
    row.dataset.lasts = lasts;
    $(".event-name", row).textContent = what;
    $(".at", row).textContent = [timeOf(item), camera && inText(camera), item.zone && inText(item.zone)].filter(Boolean).join(" · ");
    $(".reason", row).textContent = item.reason ?? "";
    $(".reason", row).title = item.reason ?? "";
    $(".length", row).textContent = lasts ? t("Now") : item.end - item.start >= 1 ? duration(item.end - item.start) : "";
    const button = $(".thumb", row);
    const mayPlay = item.recording && rights.may("view");
    const picture = rights.may("view", item.camera) ? item.snapshot : null;
    button.disabled = !picture && !mayPlay;
    const label = (values) => (mayPlay ? t("Play {what}", values) : t("Show {what}", values));
    $(".what", row).textContent = label({ what: [what, dateTime(new Date(item.start * 1000)), camera].filter(Boolean).join(", ") });
    $("use", button).setAttribute("href", `static/icons.svg#${mayPlay ? "play" : picture ? "full" : ICONS[item.kind] ?? "film"}`);
    // The picture changes while the event lasts.
    const version = picture && `${picture}?${lasts ? item.score ?? 0 : "end"}`;
    if (version && row.version !== version) {
      row.version = version;
      $("img", row).src = address(picture);
    }
    return row;
  }

  // Plays the recording at the time of the event, or shows the picture of the event.
  async open(item) {
    if (item.recording && await this.recordings.playAt(item.recording, item.start - LEAD)) return;
    if (item.recording && item.camera && this.timeline.playAt(item.camera, item.start - LEAD)) return;
    if (item.snapshot) this.recordings.player.showPicture(`${nameOf(item)}, ${dateTime(new Date(item.start * 1000))}`, item.snapshot);
    else showMessage(t("The recording {name} is not complete, or was deleted", { name: inText(item.recording) }));
  }
}

function nameOf(item) {
  const what = term(item.what ?? "");
  if (item.kind === "state") return capital(term(item.what === "recovering" ? "lost" : item.what));
  if (item.kind === "fault") return t("Fault: {what}", { what });
  if (item.kind === "hook") return t("Hook {what}", { what });
  if (item.kind === "recording") return t("Recording {what}", { what });
  return capital(term(item.kind));
}

function dayOf(item) {
  return dayName(new Date(item.start * 1000), { weekday: "long", month: "long", day: "numeric" });
}

function timeOf(item) {
  return timeOfDay(new Date(item.start * 1000));
}

function setOptions(select, options) {
  const { value } = select;
  select.replaceChildren(...options.map(([name, text]) => new Option(text, name)));
  select.value = options.some(([name]) => name === value) ? value : options[0][0];
}
