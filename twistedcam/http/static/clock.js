// The server's clock, as seen from here: what the age of a picture is measured by.
//
// The server is asked for its time; it gave it somewhere between question and answer, so half of
// the time between them is the error at most. Of several answers the quickest is believed.
import { ask } from "./dom.js";

const ASKED = 5;
const AGAIN = 30000;

class ServerClock {
  constructor() {
    this.offset = 0; // milliseconds to add to this browser's clock
    this.error = Infinity;
  }

  here() { return performance.timeOrigin + performance.now(); }

  now() { return this.here() + this.offset; }

  get isKnown() { return Number.isFinite(this.error); }

  async follow() {
    for (;;) {
      try { await this.ask(); } catch { /* lost; asked again below */ }
      await new Promise((done) => setTimeout(done, this.isKnown ? AGAIN : 1000));
    }
  }

  async ask() {
    let best = null;
    for (let count = 0; count < ASKED; count += 1) {
      const before = this.here();
      const answer = await ask("/api/v1/time");
      if (!answer.ok) return;
      const { time } = await answer.json();
      const after = this.here();
      const error = (after - before) / 2;
      if (best === null || error < best.error) best = { error, offset: time * 1000 - (before + after) / 2 };
    }
    Object.assign(this, best);
  }
}

export const clock = new ServerClock();
clock.follow();
