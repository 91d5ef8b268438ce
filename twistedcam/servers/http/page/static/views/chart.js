// A tile with a current value and a chart of the last five minutes.
import { fromTemplate } from "../lib/dom.js";
import { t } from "../lib/text.js";

const KEEP = 300; // seconds
const [WIDTH, HEIGHT] = [300, 48]; // of the chart's own coordinates

const lastMinutes = (values) => t("{name}, last five minutes: from {low} to {high}", values);

export class Tile {
  // format: returns a value as text; keep: the number of values; describe: returns the chart in words.
  constructor(title, format, { keep = KEEP, describe = lastMinutes } = {}) {
    this.keep = keep;
    this.describe = describe;
    this.title = title;
    this.format = format;
    this.values = [];
    this.element = fromTemplate("tile-template");
    this.element.querySelector("figcaption").textContent = title;
    this.output = this.element.querySelector("output");
    this.chart = this.element.querySelector(".chart");
    this.line = this.element.querySelector(".line");
    this.area = this.element.querySelector(".area");
    this.output.textContent = "–";
    this.chart.setAttribute("aria-label", t("{name}: nothing is known yet", { name: title }));
  }

  // Sets the values of the past, oldest first.
  setHistory(values) {
    this.values = values.slice(-this.keep);
    this.draw();
  }

  add(value) {
    this.values.push(value);
    if (this.values.length > this.keep) this.values.shift();
    this.output.textContent = value == null ? "–" : this.format(value);
    this.draw();
  }

  clear() { this.output.textContent = "–"; }

  draw() {
    const known = this.values.filter((value) => value != null);
    const top = Math.max(...known, 1e-9) * 1.12;
    const start = this.keep - this.values.length;
    const points = this.values.map((value, index) => [(start + index + 1) * (WIDTH / this.keep), HEIGHT - 2 - ((value ?? 0) / top) * (HEIGHT - 6)]);
    const path = points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y.toFixed(1)}`).join("");
    this.line.setAttribute("d", path);
    this.area.setAttribute("d", points.length ? `${path}L${WIDTH} ${HEIGHT}L${points[0][0]} ${HEIGHT}Z` : "");
    if (known.length) {
      const [low, high] = [this.format(Math.min(...known)), this.format(Math.max(...known))];
      const text = this.describe({ name: this.title, low, high });
      this.chart.setAttribute("aria-label", text);
    }
  }
}

// Computes a bit rate from a growing count of bytes.
export class BitRate {
  // Returns bits per second; called about once a second.
  update(total) {
    const now = performance.now();
    const { before } = this;
    if (before?.total === total && now - before.now < 2500) return before.rate;
    const grown = before && total >= before.total ? total - before.total : 0;
    this.before = { total, now, rate: grown ? (8000 * grown) / (now - before.now) : 0 };
    return this.before.rate;
  }
}
