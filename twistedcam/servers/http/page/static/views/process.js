// The load of the server's process over the last half hour.
import { call } from "../lib/api.js";
import { bytes, fixed } from "../lib/format.js";
import { number, t } from "../lib/text.js";
import { Tile } from "./chart.js";

const LOOK = { keep: 180, describe: (values) => t("{name}, last half hour: from {low} to {high}", values) };

// Shows the figures in an element, which has no tiles yet at the first call.
export class ProcessView {
  constructor(element, box) {
    this.box = box;
    const share = (value) => t("{value} %", { value: fixed(value, value < 10 ? 1 : 0) });
    this.tiles = {
      cpu: new Tile(t("Processor"), share, LOOK),
      memory: new Tile(t("Memory"), bytes, LOOK),
      threads: new Tile(t("Threads"), number, LOOK),
      files: new Tile(t("Files and connections"), number, LOOK),
    };
    for (const tile of Object.values(this.tiles)) element.append(tile.element);
  }

  async refresh() {
    let samples;
    try { ({ samples } = await call("GET", "/process")); } catch { this.box.hidden = true; return; }
    this.box.hidden = false;
    for (const [key, tile] of Object.entries(this.tiles)) {
      const values = samples.map((each) => each[key]);
      tile.setHistory(values.slice(0, -1));
      tile.add(values.at(-1));
    }
  }
}
