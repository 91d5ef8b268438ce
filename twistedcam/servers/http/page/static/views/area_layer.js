// Draws areas and boxes over a camera's picture, and reports how corners are dragged.
import { between, moved } from "../lib/polygons.js";
import { t } from "../lib/text.js";

const SVG = "http://www.w3.org/2000/svg";
const percent = (share) => `${(100 * share).toFixed(2)}%`;
const clamp = (share) => Math.max(0, Math.min(1, share));

export class AreaLayer {
  // editor: is told of drags: select(index), change(points, tag), preview(points), insertCorner(index).
  constructor(stage, editor) {
    this.editor = editor;
    this.element = stage.querySelector(".layer");
    this.svg = this.element.querySelector("svg");
    this.corners = this.element.querySelector(".corners");
    this.picture = stage.querySelector(".picture");
    this.drag = null;
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(this.picture);
    this.element.addEventListener("pointerdown", (event) => this.begin(event));
    this.element.addEventListener("pointermove", (event) => this.move(event));
    this.element.addEventListener("pointerup", (event) => this.end(event));
    this.element.addEventListener("pointercancel", (event) => this.holds(event) && this.cancel());
    this.element.addEventListener("dblclick", (event) => event.stopPropagation()); // no full screen
  }

  remove() { this.observer.disconnect(); }

  // Covers what is shown of the picture, which may be smaller than its element.
  layout() {
    if (this.element.hidden) return; // reading sizes makes the browser lay out the whole page
    const { picture, element } = this;
    const scale = Math.min(picture.clientWidth / picture.width, picture.clientHeight / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    element.style.left = `${picture.offsetLeft + (picture.clientWidth - width) / 2}px`;
    element.style.top = `${picture.offsetTop + (picture.clientHeight - height) / 2}px`;
    element.style.width = `${width}px`;
    element.style.height = `${height}px`;
  }

  // areas: to draw; selected: the one whose corners can be moved, or null; boxes: of what moves.
  draw(areas, selected, boxes, isEditing) {
    this.element.hidden = !areas.length && !boxes.length;
    this.element.classList.toggle("editing", isEditing);
    this.selected = selected;
    const shapes = areas.map((area, index) => {
      const shape = document.createElementNS(SVG, "polygon");
      shape.setAttribute("points", area.points.map((point) => point.join()).join(" "));
      shape.dataset.kind = area.kind;
      shape.dataset.index = index;
      if (area === selected) shape.dataset.selected = "";
      return shape;
    });
    const frames = boxes.map(({ box }) => {
      const frame = document.createElementNS(SVG, "rect");
      ["x", "y", "width", "height"].forEach((name, index) => frame.setAttribute(name, box[index]));
      return frame;
    });
    this.svg.replaceChildren(...shapes, ...frames);
    this.drawCorners(selected);
    this.layout();
  }

  // Keeps the buttons of the corners, because one may have the focus.
  drawCorners(selected) {
    const points = selected?.points ?? [];
    const wanted = points.length * 2;
    while (this.corners.children.length > wanted) this.corners.lastChild.remove();
    while (this.corners.children.length < wanted) {
      const button = document.createElement("button");
      button.type = "button";
      this.corners.append(button);
    }
    points.forEach((point, index) => {
      const corner = this.corners.children[2 * index];
      const middle = this.corners.children[2 * index + 1];
      corner.className = "corner";
      corner.dataset.corner = index;
      corner.setAttribute("aria-label", t("Corner {number} of {count} of {area}: {left} % from the left, {top} % from the top", {
        number: index + 1, count: points.length, area: selected.label, left: Math.round(100 * point[0]), top: Math.round(100 * point[1]),
      }));
      place(corner, point);
      middle.className = "middle";
      middle.dataset.middle = index;
      middle.tabIndex = -1;
      middle.setAttribute("aria-hidden", "true");
      place(middle, between(point, points[(index + 1) % points.length]));
    });
  }

  focusCorner(index) { this.corners.querySelector(`[data-corner="${index}"]`)?.focus({ preventScroll: true }); }

  position(event) {
    const box = this.element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  begin(event) {
    if (event.button !== 0 || this.drag) return;
    const { corner, middle, index } = event.target.dataset;
    if (corner === undefined && middle === undefined && index === undefined) return;
    event.preventDefault();
    let at = corner === undefined ? null : Number(corner);
    if (index !== undefined) this.editor.select(Number(index));
    if (!this.selected || (index !== undefined && this.selected !== this.editor.areas[index])) return; // it may not be changed
    const before = this.selected.points;
    if (middle !== undefined) at = this.editor.insertCorner(Number(middle));
    if (at !== null) this.focusCorner(at);
    this.element.setPointerCapture(event.pointerId);
    this.drag = { pointer: event.pointerId, at, from: this.position(event), before, points: this.selected.points, now: this.selected.points };
  }

  // True if the finger or mouse of the event drags something; a second finger does nothing.
  holds(event) { return this.drag?.pointer === event.pointerId; }

  move(event) {
    const { drag } = this;
    if (!this.holds(event)) return;
    const [x, y] = this.position(event);
    const [dx, dy] = [x - drag.from[0], y - drag.from[1]];
    if (drag.at === null) drag.now = moved(drag.points, dx, dy);
    else drag.now = drag.points.map((point, index) => (index === drag.at ? [clamp(point[0] + dx), clamp(point[1] + dy)] : point));
    this.editor.preview(drag.now);
  }

  end(event) {
    const { drag } = this;
    if (!this.holds(event)) return;
    this.drag = null;
    if (drag.now !== drag.before) this.editor.change(drag.now, drag.before);
  }

  // Puts back what is dragged; returns true if something was.
  cancel() {
    const { drag } = this;
    this.drag = null;
    if (drag) this.editor.preview(drag.before);
    return drag !== null;
  }
}

function place(element, [x, y]) {
  element.style.left = percent(x);
  element.style.top = percent(y);
}
