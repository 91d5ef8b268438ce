// Arranging the wall: tiles are dragged, moved with the arrow keys, or clicked one after the other.
import { announce } from "../lib/messages.js";
import { t } from "../lib/text.js";

const SLACK = 6; // pixels that a pointer may move before it drags

export class WallOrder {
  // grid: the list of tiles; columns: returns the tiles in a row; onMove: called with the name of a
  // camera and the index of its new place among the tiles that are shown.
  constructor(grid, columns, onMove) {
    this.grid = grid;
    this.columns = columns;
    this.onMove = onMove;
    this.isOn = false;
    this.picked = null; // the tile that was clicked first
    this.drag = null;
    grid.addEventListener("pointerdown", (event) => this.onDown(event));
    grid.addEventListener("pointermove", (event) => this.onPointerMove(event));
    grid.addEventListener("pointerup", (event) => this.onUp(event));
    grid.addEventListener("pointercancel", () => this.endDrag());
    grid.addEventListener("dragstart", (event) => { if (this.isOn) event.preventDefault(); });
    grid.addEventListener("click", (event) => this.onClick(event), true);
  }

  setOn(isOn) {
    this.isOn = isOn;
    this.grid.dataset.arranging = isOn;
    this.endDrag();
    this.pick(null);
  }

  get tiles() { return [...this.grid.children].filter((each) => !each.hidden); }

  tileAt(event) {
    const found = document.elementFromPoint(event.clientX, event.clientY)?.closest(".wall-item");
    return found && this.grid.contains(found) ? found : null;
  }

  // Moves the tile with the focus by an arrow key; returns true if it was one.
  onKey(key, tile) {
    const at = this.tiles.indexOf(tile);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(), ArrowDown: this.columns() }[key];
    if (!by || at < 0) return false;
    const sideways = document.dir === "rtl" && Math.abs(by) === 1 ? -by : by;
    const to = at + sideways;
    if (to >= 0 && to < this.tiles.length) this.move(tile, to);
    return true;
  }

  move(tile, to) {
    const { camera } = tile.dataset;
    this.onMove(camera, to);
    tile.querySelector(".wall-tile").focus();
    const name = tile.querySelector(".wall-name").textContent;
    announce("wall order", t("{name} is now at place {place} of {count}", { name, place: this.tiles.indexOf(tile) + 1, count: this.tiles.length }));
  }

  pick(tile) {
    this.picked?.classList.remove("picked");
    this.picked = tile;
    tile?.classList.add("picked");
  }

  onClick(event) {
    if (!this.isOn) return;
    event.preventDefault(); // the tiles are links
    event.stopPropagation();
    const tile = event.target.closest(".wall-item");
    if (!tile || this.wasDragged) { this.wasDragged = false; return; }
    if (!this.picked) {
      this.pick(tile);
      announce("wall order", t("Select the new place of {name}", { name: tile.querySelector(".wall-name").textContent }));
      return;
    }
    const from = this.picked;
    this.pick(null);
    if (from !== tile) this.move(from, this.tiles.indexOf(tile));
  }

  onDown(event) {
    const tile = this.isOn && event.button === 0 ? event.target.closest(".wall-item") : null;
    this.wasDragged = false;
    if (tile) this.drag = { tile, x: event.clientX, y: event.clientY, pointer: event.pointerId, isMoving: false };
  }

  onPointerMove(event) {
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointer) return;
    const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
    if (!drag.isMoving) {
      if (Math.hypot(x, y) < SLACK) return;
      drag.isMoving = true;
      this.grid.setPointerCapture(drag.pointer);
      drag.tile.classList.add("dragged");
    }
    drag.tile.style.transform = `translate(${x}px, ${y}px)`;
    const target = this.tileAt(event);
    for (const each of this.tiles) each.classList.toggle("target", each === target && each !== drag.tile);
  }

  onUp(event) {
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointer) return;
    this.wasDragged = drag.isMoving;
    const target = drag.isMoving ? this.tileAt(event) : null;
    this.endDrag();
    if (target && target !== drag.tile) this.move(drag.tile, this.tiles.indexOf(target));
  }

  endDrag() {
    if (!this.drag) return;
    const { tile } = this.drag;
    this.drag = null;
    tile.style.transform = "";
    tile.classList.remove("dragged");
    for (const each of this.grid.children) each.classList.remove("target");
  }
}
