// A figure of now, with its last five minutes as a curve, and what figures are made from.
import { fromTemplate } from "../lib/dom.js";

const KEEP = 300; // seconds
const HEIGHT = 48;

export class Tile {
  // show: a value as text.
  constructor(title, show) {
    this.title = title;
    this.show = show;
    this.values = [];
    this.element = fromTemplate("tile-template");
    this.element.querySelector("figcaption").textContent = title;
    this.output = this.element.querySelector("output");
    this.curve = this.element.querySelector(".curve");
    this.line = this.element.querySelector(".line");
    this.area = this.element.querySelector(".area");
    this.output.textContent = "–";
    this.curve.setAttribute("aria-label", `${title}: nothing is known yet`);
  }

  // Values of the past, oldest first; those seen here since come after them.
  remember(values) {
    this.values = values.slice(-KEEP);
    this.draw();
  }

  add(value) {
    this.values.push(value);
    if (this.values.length > KEEP) this.values.shift();
    this.output.textContent = value == null ? "–" : this.show(value);
    this.draw();
  }

  // What it was last is no longer so.
  forget() { this.output.textContent = "–"; }

  draw() {
    const known = this.values.filter((value) => value != null);
    const top = Math.max(...known, 1e-9) * 1.12;
    const start = KEEP - this.values.length;
    const points = this.values.map((value, index) => [start + index + 1, HEIGHT - 2 - ((value ?? 0) / top) * (HEIGHT - 6)]);
    const path = points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y.toFixed(1)}`).join("");
    this.line.setAttribute("d", path);
    this.area.setAttribute("d", points.length ? `${path}L${KEEP} ${HEIGHT}L${points[0][0]} ${HEIGHT}Z` : "");
    if (known.length) {
      const text = `${this.title}, last five minutes: from ${this.show(Math.min(...known))} to ${this.show(Math.max(...known))}`;
      this.curve.setAttribute("aria-label", text);
    }
  }
}

// A rate, from a count that only grows.
export class Meter {
  // Bits a second of a count of bytes, read about once a second.
  rate(total) {
    const now = performance.now();
    const { before } = this;
    if (before?.total === total && now - before.now < 2500) return before.rate;
    const grown = before && total >= before.total ? total - before.total : 0;
    this.before = { total, now, rate: grown ? (8000 * grown) / (now - before.now) : 0 };
    return this.before.rate;
  }
}
