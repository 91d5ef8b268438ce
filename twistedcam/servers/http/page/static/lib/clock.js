// The server's clock, as seen from here: what the age of a picture is measured by.
//
// The server is asked for its time; it gave it somewhere between question and answer, so half of
// the time between them is the error at most. Of several answers the quickest is believed. A page
// that is being loaded is slow to answer itself: so it is asked again soon, and then now and then.
import { ask } from "./dom.js";

const ASKED = 5;
const SOON = [500, 1000, 2000, 4000, 8000]; // milliseconds from one turn of questions to the next
const AGAIN = 30000; // and then
const KEPT = 120000;
const DRIFT = 5e-5; // what two clocks may go apart: the quickest answer is worth less as it ages
const GRAIN = 0.1; // of a browser's clock, milliseconds

class ServerClock {
  constructor() {
    this.offset = 0; // milliseconds to add to this browser's clock
    this.error = Infinity; // by how many the sum may be wrong
    this.samples = [];
  }

  here() { return performance.timeOrigin + performance.now(); }

  now() { return this.here() + this.offset; }

  get isKnown() { return Number.isFinite(this.error); }

  // isLinked: whether the server is there, and lets this page in.
  async follow(isLinked) {
    for (let turn = 0; ; turn += 1) {
      try {
        for (let count = 0; count < ASKED && isLinked(); count += 1) await this.ask();
      } catch { /* lost; asked again below */ }
      await new Promise((done) => setTimeout(done, this.isKnown ? SOON[turn] ?? AGAIN : 1000));
    }
  }

  async ask() {
    const before = this.here();
    const answer = await ask("/api/v1/time");
    if (!answer.ok) throw new Error(answer.status);
    const { time } = await answer.json();
    this.heard(before, time * 1000, this.here());
  }

  // The server's clock was at ``time`` at some moment between two of this browser's.
  heard(before, time, after) {
    const error = (after - before) / 2 + GRAIN;
    const offset = time - (before + after) / 2;
    const wide = (sample) => sample.error + (after - sample.at) * DRIFT;
    // Older answers that this one gives the lie to are of before somebody has set a clock.
    this.samples = this.samples.filter((each) => after - each.at < KEPT && Math.abs(each.offset - offset) <= wide(each) + error);
    this.samples.push({ error, offset, at: after });
    const best = this.samples.reduce((one, other) => (wide(other) < wide(one) ? other : one));
    this.offset = best.offset;
    this.error = wide(best);
  }
}

export const clock = new ServerClock();
