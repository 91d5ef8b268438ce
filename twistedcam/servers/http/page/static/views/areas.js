// Zones, ignored areas and privacy masks of a camera: drawn over its picture, and changed by mouse,
// touch and keyboard; and boxes around what moves.
import { call, cameraPath, command } from "../lib/api.js";
import { announce, showMessage } from "../lib/messages.js";
import { between, moved, parsePolygons, polygonsText } from "../lib/polygons.js";
import { rights } from "../lib/rights.js";
import { store, stored } from "../lib/storage.js";
import { t } from "../lib/text.js";
import { AreaLayer } from "./area_layer.js";

const LABELS = {
  zones: ({ name, number: count }) => (name ? t("zone {name}", { name }) : t("zone {number}", { number: count })),
  ignore: (values) => t("ignored area {number}", values),
  privacy: (values) => t("privacy mask {number}", values),
};
const KINDS = Object.keys(LABELS);
const RIGHTS = { zones: "control", ignore: "control", privacy: "admin" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.01; // of the picture, for a key; with shift LARGE_STEP
const LARGE_STEP = 0.05;
const MAX_UNDO = 100;
const NEW = [[0.35, 0.35], [0.65, 0.35], [0.65, 0.65], [0.35, 0.65]];

export class Areas {
  // view: the CameraView; wantBoxes: called with true or false when the page needs boxes or not.
  constructor(view, wantBoxes) {
    this.view = view;
    this.path = cameraPath(view.name);
    this.wantBoxes = wantBoxes;
    this.details = view.find(".areas");
    this.list = view.find(".area-list");
    this.areas = []; // {kind, name, points, label}, as they are drawn
    this.usedText = ""; // of those that the server uses
    this.selected = null;
    this.history = []; // {areas, selected, tag} before each change
    this.boxes = [];
    this.layer = new AreaLayer(view.find(".stage"), this);
    this.showsBoxes = this.rememberSwitch(".show-boxes", "boxes", () => this.updateBoxes());
    this.showsAreas = this.rememberSwitch(".show-areas", "areas", () => { this.load(); this.draw(); });
    this.nameInput = view.find(".area-name input");
    this.nameInput.addEventListener("change", () => this.rename(this.nameInput.value));
    view.find(".area-kind").addEventListener("change", () => this.updateTools());
    this.press(".area-add", () => this.add(view.find(".area-kind").value));
    this.press(".area-undo", () => this.undo());
    this.press(".area-apply", () => this.apply());
    this.press(".area-discard", () => this.discard());
    this.press(".area-save", () => this.save());
    this.details.addEventListener("toggle", () => { this.select(-1); this.load(); });
    for (const part of [this.layer.element, this.details]) part.addEventListener("keydown", (event) => this.onKey(event));
  }

  remove() {
    this.layer.remove();
    this.wantBoxes(false);
  }

  press(selector, action) {
    this.view.find(selector).addEventListener("click", action);
  }

  // A switch whose state the browser remembers for each camera; returns a function with its state.
  rememberSwitch(selector, what, onChange) {
    const key = `twistedcam ${what} ${this.view.name}`;
    const box = this.view.find(selector);
    box.checked = stored(key) === "on";
    box.addEventListener("change", () => { store(key, box.checked ? "on" : "off"); onChange(); });
    return () => box.checked;
  }

  get isEditing() { return this.details.open && this.view.isAlone; }

  get isChanged() { return this.textOf(this.areas) !== this.usedText; }

  mayChange(kind) { return rights.may(RIGHTS[kind], this.view.name); }

  textOf(areas) { return JSON.stringify(KINDS.map((kind) => this.kindText(areas, kind))); }

  kindText(areas, kind) { return polygonsText(areas.filter((each) => each.kind === kind)); }

  // The camera is shown, hidden, or shown alone.
  show() {
    this.updateBoxes();
    this.load();
    this.draw();
  }

  updateBoxes() {
    this.boxes = [];
    this.wantBoxes(this.showsBoxes() && !this.view.element.hidden);
    this.draw();
  }

  setBoxes(boxes) {
    if (!this.showsBoxes()) return;
    this.boxes = boxes;
    this.draw();
  }

  // Loads what the server uses, unless nobody sees it or something was changed here.
  async load() {
    if (this.view.element.hidden || !(this.isEditing || this.showsAreas()) || !rights.may("view", this.view.name)) return;
    let found;
    try { found = await call("GET", `${this.path}/areas`); } catch { return; } // loaded again when the server is back
    const areas = KINDS.flatMap((kind) => parsePolygons(found[kind]).map((each) => ({ kind, ...each })));
    if (this.textOf(areas) === this.usedText) return; // an area that is selected stays so
    const isChanged = this.usedText && this.isChanged;
    this.used = areas;
    this.usedText = this.textOf(areas);
    if (!isChanged) this.discard();
  }

  discard() {
    this.areas = structuredClone(this.used ?? []);
    this.history = [];
    this.selected = null;
    this.changed();
  }

  // Shows the present areas, in the list and over the picture.
  changed() {
    const counts = {};
    for (const area of this.areas) {
      counts[area.kind] = (counts[area.kind] ?? 0) + 1;
      area.label = LABELS[area.kind]({ name: area.name, number: counts[area.kind] });
    }
    const rows = this.areas.map((area, index) => this.makeRow(area, index));
    const focused = [...this.list.querySelectorAll(".area-select")].indexOf(document.activeElement);
    this.list.replaceChildren(...rows);
    if (focused >= 0) this.focusRow(focused);
    this.updateTools();
    this.draw();
  }

  makeRow(area, index) {
    const row = document.createElement("li");
    const select = document.createElement("button");
    const swatch = document.createElement("i");
    const label = document.createElement("span");
    swatch.dataset.kind = area.kind;
    label.textContent = area.label.charAt(0).toUpperCase() + area.label.slice(1);
    label.dir = "auto";
    select.type = "button";
    select.className = "area-select";
    select.append(swatch, label);
    select.setAttribute("aria-pressed", area === this.selected);
    select.addEventListener("click", () => { this.select(index); if (this.selected) this.layer.focusCorner(0); });
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "ghost area-delete";
    remove.textContent = t("Delete");
    remove.setAttribute("aria-label", t("Delete {name}", { name: area.label }));
    remove.disabled = !this.mayChange(area.kind);
    remove.addEventListener("click", () => { this.deleteArea(index); });
    row.append(select, remove);
    return row;
  }

  updateTools() {
    const find = this.view.find;
    const isChanged = Boolean(this.usedText) && this.isChanged;
    for (const option of find(".area-kind").options) option.disabled = !this.mayChange(option.value);
    find(".area-add").disabled = !this.usedText || !this.mayChange(find(".area-kind").value);
    find(".area-undo").disabled = !this.history.length;
    find(".area-apply").disabled = !isChanged;
    find(".area-discard").disabled = !isChanged;
    find(".area-save").hidden = !rights.may("admin", this.view.name);
    find(".area-save").disabled = isChanged;
    find(".area-name").hidden = this.selected?.kind !== "zones";
    if (this.selected) this.nameInput.value = this.selected.name;
  }

  updateRights() { this.changed(); }

  draw() {
    const isShown = this.isEditing || this.showsAreas();
    this.layer.draw(isShown ? this.areas : [], this.isEditing ? this.selected : null, this.boxes, this.isEditing);
  }

  select(index) {
    const area = this.areas[index] ?? null;
    if (area && !this.mayChange(area.kind)) {
      showMessage(rights.why(RIGHTS[area.kind], this.view.name), true);
      return;
    }
    if (area === this.selected) return;
    this.selected = area;
    this.changed();
  }

  focusRow(index) { this.list.querySelectorAll(".area-select")[index]?.focus({ preventScroll: true }); }

  // Keeps the present areas for undo. Changes with the same tag, one after the other, are one.
  keep(tag = null, areas = this.areas) {
    if (tag !== null && this.history.at(-1)?.tag === tag) return;
    this.history.push({ areas: structuredClone(areas), selected: this.areas.indexOf(this.selected), tag });
    if (this.history.length > MAX_UNDO) this.history.shift();
  }

  undo() {
    const before = this.history.pop();
    if (!before) return;
    const focused = document.activeElement?.dataset?.corner;
    this.areas = before.areas;
    this.selected = this.areas[before.selected] ?? null;
    this.changed();
    if (focused !== undefined && !this.layer.element.contains(document.activeElement)) this.layer.focusCorner(0);
    announce("area", t("Undone"));
  }

  add(kind) {
    this.keep();
    const names = new Set(this.areas.map((each) => each.name));
    let count = 1;
    const newName = () => t("zone {number}", { number: String(count) });
    while (names.has(newName())) count += 1;
    const area = { kind, name: kind === "zones" ? newName() : "", points: structuredClone(NEW) };
    this.areas.push(area);
    this.selected = area;
    this.changed();
    this.layer.focusCorner(0);
  }

  deleteArea(index) {
    this.keep();
    const [gone] = this.areas.splice(index, 1);
    if (gone === this.selected) this.selected = null;
    this.changed();
    if (this.areas.length) this.focusRow(Math.min(index, this.areas.length - 1));
    else this.view.find(".area-add").focus({ preventScroll: true });
  }

  rename(text) {
    const name = text.replaceAll(/\s+/g, " ").trim().slice(0, 64);
    if (!this.selected || !name || name === this.selected.name) { this.updateTools(); return; }
    this.keep();
    this.selected.name = name;
    this.changed();
  }

  // Points while they are dragged.
  preview(points) {
    this.selected.points = points;
    this.draw();
  }

  // Points after they were dragged.
  change(points, before) {
    this.selected.points = before;
    this.keep();
    this.selected.points = points;
    this.changed();
  }

  // Adds a corner after another, in the middle of the side, while it is dragged; returns its index.
  insertCorner(index) {
    const { points } = this.selected;
    const middle = between(points[index], points[(index + 1) % points.length]);
    this.preview(points.toSpliced(index + 1, 0, middle));
    return index + 1;
  }

  onKey(event) {
    const { target, key } = event;
    if (target === this.nameInput && key !== "Escape") return;
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z") {
      event.preventDefault();
      this.undo();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === "Escape") {
      if (this.layer.cancel() || this.selected) event.stopPropagation(); // the camera stays open
      const index = this.areas.indexOf(this.selected);
      if (index >= 0) { this.select(-1); this.focusRow(index); }
      return;
    }
    const { corner } = target.dataset;
    if (corner !== undefined) this.onCornerKey(event, Number(corner));
    else if (target.classList.contains("area-select") && ARROWS[key]) {
      event.preventDefault();
      this.select([...this.list.children].indexOf(target.parentElement));
      if (this.selected) this.moveBy(event, (points, x, y) => moved(points, x, y), `area ${this.areas.indexOf(this.selected)}`);
    }
  }

  onCornerKey(event, corner) {
    const { points } = this.selected;
    if (ARROWS[event.key]) {
      event.preventDefault();
      const move = (all, x, y) => all.map((each, index) => (index === corner ? moved([each], x, y)[0] : each));
      this.moveBy(event, move, `corner ${corner} of ${this.areas.indexOf(this.selected)}`);
      const [x, y] = this.selected.points[corner].map((share) => Math.round(100 * share));
      announce("area", t("{left} %, {top} %", { left: x, top: y }));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      if (points.length <= 3) { showMessage(t("An area has three corners at least")); return; }
      this.change(points.toSpliced(corner, 1), points);
      this.layer.focusCorner(Math.min(corner, points.length - 2));
    } else if (event.key === "Enter" || event.key === "Insert" || event.key === "+") {
      event.preventDefault();
      const index = this.insertCorner(corner);
      this.change(this.selected.points, points);
      this.layer.focusCorner(index);
    }
  }

  moveBy(event, move, tag) {
    const step = event.shiftKey ? LARGE_STEP : STEP;
    const [x, y] = ARROWS[event.key];
    this.keep(tag);
    this.selected.points = move(this.selected.points, x * step, y * step);
    this.changed();
  }

  // Sends what has changed. What the server refuses stays here, to be corrected.
  async apply() {
    for (const kind of KINDS) {
      const text = this.kindText(this.areas, kind);
      if (text === this.kindText(this.used, kind)) continue;
      if (!await command("POST", `${this.path}/areas/${kind}`, { polygons: text })) return;
      this.used = [...this.used.filter((each) => each.kind !== kind), ...structuredClone(this.areas.filter((each) => each.kind === kind))];
      this.usedText = this.textOf(this.used);
    }
    this.history = [];
    this.changed();
    showMessage(t("The areas are in use"));
  }

  async save() {
    if (await command("POST", `${this.path}/save`, {})) showMessage(t("Saved for the next start"));
  }
}
