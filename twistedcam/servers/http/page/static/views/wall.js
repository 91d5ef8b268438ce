// The wall: all cameras, or a group of them, in one view that fits the window.
import { $ } from "../lib/dom.js";
import { announce } from "../lib/messages.js";
import { store, stored } from "../lib/storage.js";
import { t } from "../lib/text.js";
import { inOrder, moved, placePictures, readWall } from "../lib/wall_layout.js";
import { keys } from "../keys.js";
import { WallGroups } from "./wall_groups.js";
import { WallOrder } from "./wall_order.js";
import { WallTile } from "./wall_tile.js";

export const WALL = "/wall"; // the hash of its address: no camera can have this name
const STORAGE_KEY = "twistedcam wall";
const MANY = 4; // pictures, above which those of JPEG cameras are encoded as H.264
const BAR_TIME = 3000; // milliseconds until the bar disappears in full screen
const ARROWS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: "up", ArrowDown: "down" };

export class Wall {
  // isConnected: true while the server answers.
  constructor(isConnected) {
    this.isConnected = isConnected;
    this.isOpen = false;
    this.element = $("#wall");
    this.grid = $("#wall-grid");
    this.tiles = new Map();
    this.cameras = new Map(); // names to titles, in the order of the server
    this.statuses = [];
    this.aspect = 16 / 9;
    this.page = 0;
    this.place = { columns: 1, perPage: Infinity, span: 1, width: 1 };
    this.settings = readWall(stored(STORAGE_KEY));
    this.groups = new WallGroups(this);
    this.order = new WallOrder(this.grid, () => this.place.columns, (name, to) => this.move(name, to));
    $("#wall-layout").value = this.settings.layout;
    $("#wall-layout").addEventListener("change", (event) => this.change({ layout: event.target.value }));
    $("#wall-group").addEventListener("change", (event) => this.change({ group: event.target.value }));
    $("#wall-groups").addEventListener("click", () => this.groups.open());
    $("#wall-arrange").addEventListener("click", () => this.setArranging(!this.order.isOn));
    $("#wall-earlier").addEventListener("click", () => this.turn(-1));
    $("#wall-later").addEventListener("click", () => this.turn(1));
    $("#wall-full").hidden = !document.fullscreenEnabled;
    $("#wall-full").addEventListener("click", () => this.fullScreen());
    this.element.addEventListener("fullscreenchange", () => this.onFullScreen());
    for (const kind of ["pointermove", "pointerdown", "keydown"]) this.element.addEventListener(kind, () => this.showBar());
    addEventListener("keydown", (event) => this.onKey(event), true);
    new ResizeObserver(() => this.layOut()).observe(this.grid);
    setInterval(() => { if (this.isOpen) for (const tile of this.tiles.values()) tile.judge(); }, 1000);
    this.listGroups();
  }

  // The name of the camera whose tile has the focus, or null.
  get focused() { return document.activeElement?.closest?.(".wall-item")?.dataset.camera ?? null; }

  // The cameras of the group that is shown, in the user's order.
  get names() {
    const group = this.settings.groups.find(({ name }) => name === this.settings.group);
    const all = inOrder([...this.cameras.keys()], this.settings.order);
    return group ? all.filter((name) => group.cameras.includes(name)) : all;
  }

  show(isOpen) {
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    this.element.hidden = !isOpen;
    document.body.classList.toggle("on-wall", isOpen);
    if (isOpen) {
      this.setAspect(this.statuses);
      this.draw();
    } else {
      this.setArranging(false);
      if (document.fullscreenElement === this.element) document.exitFullscreen();
      for (const tile of this.tiles.values()) tile.show(false);
    }
  }

  // statuses: of all cameras, each time that the server sends them.
  update(statuses) {
    const before = [...this.cameras.keys()].join("/");
    this.cameras = new Map(statuses.map(({ camera, title }) => [camera, title || camera]));
    for (const [name, tile] of this.tiles) {
      if (!this.cameras.has(name)) { tile.remove(); this.tiles.delete(name); }
    }
    this.statuses = statuses;
    if (!this.isOpen) return;
    this.setAspect(statuses);
    if (before !== [...this.cameras.keys()].join("/")) this.draw();
    for (const status of statuses) this.tiles.get(status.camera)?.update(status);
  }

  setAspect(statuses) {
    const sizes = statuses.map((each) => each.size.split("x").map(Number)).filter(([width]) => width > 0);
    const wide = sizes.filter(([width, height]) => width / height > 1.5).length;
    const aspect = wide * 2 >= sizes.length ? 16 / 9 : 4 / 3;
    if (aspect === this.aspect) return;
    this.aspect = aspect;
    this.layOut();
  }

  // The connection or the rights have changed.
  updateLink() {
    for (const tile of this.tiles.values()) {
      tile.refusal = "";
      tile.draw();
      tile.updatePlayer();
    }
  }

  change(settings) {
    Object.assign(this.settings, settings);
    this.page = 0;
    this.save();
    this.draw();
  }

  save() { store(STORAGE_KEY, JSON.stringify(this.settings)); }

  saveGroups(groups, selected) {
    this.settings.groups = groups;
    this.settings.group = selected;
    this.listGroups();
    this.change({});
  }

  listGroups() {
    const { groups, group } = this.settings;
    const select = $("#wall-group");
    select.replaceChildren(new Option(t("All cameras"), ""), ...groups.map(({ name }) => new Option(name, name)));
    select.value = group;
  }

  move(name, to) {
    const all = inOrder([...this.cameras.keys()], this.settings.order);
    // Cameras that are away now keep their places for their return.
    const away = this.settings.order.filter((each) => !this.cameras.has(each));
    const start = Number.isFinite(this.place.perPage) ? this.page * this.place.perPage : 0;
    this.settings.order = [...moved(all, this.names, name, start + to), ...away];
    this.save();
    this.draw();
  }

  // Puts the tiles into the grid in their order, and shows those of the page.
  draw() {
    const { names } = this;
    for (const name of names) {
      if (!this.tiles.has(name)) this.tiles.set(name, new WallTile(name, this.isConnected));
    }
    names.forEach((name, at) => {
      const { element } = this.tiles.get(name);
      if (this.grid.children[at] !== element) this.grid.insertBefore(element, this.grid.children[at] ?? null);
    });
    for (const [name, tile] of this.tiles) {
      if (!names.includes(name)) { tile.remove(); this.tiles.delete(name); }
    }
    $("#wall-empty").hidden = names.length > 0;
    for (const status of this.statuses) this.tiles.get(status.camera)?.update(status);
    this.layOut();
  }

  layOut() {
    const { width, height } = this.grid.getBoundingClientRect();
    if (!this.isOpen || !width) return;
    const { names } = this;
    this.place = placePictures(this.settings.layout, names.length, width, height, this.aspect);
    const { columns, perPage, span } = this.place;
    const pages = Number.isFinite(perPage) ? Math.max(1, Math.ceil(names.length / perPage)) : 1;
    this.page = Math.min(this.page, pages - 1);
    const first = pages > 1 ? this.page * perPage : 0;
    this.grid.style.setProperty("--columns", columns);
    this.grid.style.setProperty("--cell", `${this.place.width}px`);
    this.grid.style.setProperty("--aspect", this.aspect);
    const shown = names.slice(first, first + perPage);
    names.forEach((name, at) => {
      const tile = this.tiles.get(name);
      if (!tile) return;
      const cells = at === first ? span : 1;
      tile.element.style.setProperty("--span", cells);
      tile.fit(this.place.width * cells, this.place.width * cells / this.aspect, shown.length > MANY);
      tile.show(shown.includes(name));
    });
    $("#wall-pages").hidden = pages < 2;
    $("#wall-page").textContent = t("{page} of {pages}", { page: this.page + 1, pages });
    $("#wall-earlier").disabled = this.page === 0;
    $("#wall-later").disabled = this.page === pages - 1;
  }

  // Shows another page of cameras; returns false if there is none.
  turn(by) {
    const { perPage } = this.place;
    const page = this.page + by;
    if (!Number.isFinite(perPage) || page < 0 || page * perPage >= this.names.length) return false;
    this.page = page;
    this.layOut();
    announce("wall page", $("#wall-page").textContent);
    return true;
  }

  setArranging(isOn) {
    if (isOn === this.order.isOn) return;
    this.order.setOn(isOn);
    $("#wall-arrange").setAttribute("aria-pressed", isOn);
    $("#wall-help").hidden = !isOn;
  }

  // Moves the focus to the tile of a camera, or to the whole wall.
  focusOn(name) { (this.tiles.get(name)?.link ?? this.element).focus({ preventScroll: true }); }

  async fullScreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.element.requestFullscreen?.();
  }

  onFullScreen() {
    const isFull = document.fullscreenElement === this.element;
    $("#wall-full").setAttribute("aria-pressed", isFull);
    this.showBar();
  }

  // In full screen the bar is hidden while the user does nothing.
  showBar() {
    clearTimeout(this.barTimer);
    this.element.dataset.idle = false;
    if (document.fullscreenElement !== this.element) return;
    this.barTimer = setTimeout(() => { this.element.dataset.idle = !$(".wall-bar").matches(":focus-within"); }, BAR_TIME);
  }

  // Keys of the wall, before those of the page.
  onKey(event) {
    if (!this.isOpen || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const tile = event.target.closest?.(".wall-item");
    if (event.key === "Escape" && this.order.isOn && !document.fullscreenElement) this.setArranging(false);
    else if (tile && event.key in ARROWS) this.onArrow(event.key, tile);
    else if (event.key === "PageDown" || event.key === "PageUp") { if (!this.turn(event.key === "PageDown" ? 1 : -1)) return; }
    else if (event.key.toLowerCase() === "f" && keys.on && !event.repeat && !event.target.closest?.("input, select, textarea")) this.fullScreen();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  onArrow(key, tile) {
    if (this.order.isOn) { this.order.onKey(key, tile); return; }
    const { tiles } = this.order;
    const by = { up: -this.place.columns, down: this.place.columns }[ARROWS[key]] ?? (document.dir === "rtl" ? -ARROWS[key] : ARROWS[key]);
    tiles[tiles.indexOf(tile) + by]?.querySelector(".wall-tile").focus();
  }
}
