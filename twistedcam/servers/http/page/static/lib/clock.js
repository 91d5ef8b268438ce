// The server's clock, which the ages of frames are measured with.
//
// The server's answer was made at some moment between request and response, so half of the time
// between them is the largest error. Of several answers the fastest is used. While the page loads it
// is slow itself, so the server is asked again soon, and then from time to time.
import { request } from "./api.js";

const REQUESTS = 5; // in each round
const FIRST_PAUSES = [500, 1000, 2000, 4000, 8000]; // milliseconds between the first rounds
const PAUSE = 30000; // between later rounds
const KEEP = 120000;
const DRIFT = 5e-5; // of two clocks: an answer becomes less exact as it ages
const RESOLUTION = 0.1; // of a browser's clock, in milliseconds

class ServerClock {
  constructor() {
    this.offset = 0; // milliseconds to add to this browser's clock
    this.error = Infinity; // the largest error of the sum
    this.samples = [];
  }

  local() { return performance.timeOrigin + performance.now(); }

  now() { return this.local() + this.offset; }

  get isKnown() { return Number.isFinite(this.error); }

  // isConnected: true while the server can be asked.
  async synchronize(isConnected) {
    for (let round = 0; ; round += 1) {
      try {
        for (let count = 0; count < REQUESTS && isConnected(); count += 1) await this.measure();
      } catch { /* no answer: the next round asks again */ }
      await new Promise((done) => setTimeout(done, this.isKnown ? FIRST_PAUSES[round] ?? PAUSE : 1000));
    }
  }

  async measure() {
    const before = this.local();
    const response = await request("/api/v1/time");
    if (!response.ok) throw new Error(response.status);
    const { time } = await response.json();
    this.add(before, time * 1000, this.local());
  }

  // The server's time was `time` at some moment between two moments of the local clock.
  add(before, time, after) {
    const error = (after - before) / 2 + RESOLUTION;
    const offset = time - (before + after) / 2;
    const errorNow = (sample) => sample.error + (after - sample.at) * DRIFT;
    // Samples that contradict this one are older than a change of a clock.
    this.samples = this.samples.filter((each) => after - each.at < KEEP && Math.abs(each.offset - offset) <= errorNow(each) + error);
    this.samples.push({ error, offset, at: after });
    const best = this.samples.reduce((one, other) => (errorNow(other) < errorNow(one) ? other : one));
    this.offset = best.offset;
    this.error = errorNow(best);
  }
}

export const clock = new ServerClock();
