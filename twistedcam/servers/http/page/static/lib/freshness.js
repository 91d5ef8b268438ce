// Tells which pictures are too old to be shown.
//
// The two clocks need not agree: a picture is old if it has taken longer than the fastest of the
// last pictures.
import { clock } from "./clock.js";

const MAX_DELAY = 300; // milliseconds more than the fastest picture
const PERIOD = 10000; // milliseconds for which the fastest counts
const MAX_GAP = 2000; // milliseconds without a picture, after which the line has become slower

export class Freshness {
  constructor(now = () => clock.local()) {
    this.now = now;
    this.least = this.before = Infinity; // of this period and of the one before
    this.end = -Infinity;
    this.oldSince = null; // when the first of the old pictures came after one that was shown
  }

  // time: of capture, in milliseconds by the server's clock.
  arrived(time) {
    const now = this.now();
    if (now >= this.end) [this.before, this.least, this.end] = [this.least, Infinity, now + PERIOD];
    this.least = Math.min(this.least, now - time);
  }

  isFresh(time) {
    const now = this.now();
    const fastest = Math.min(this.least, this.before);
    if (now - time > fastest + MAX_DELAY) {
      this.oldSince ??= now;
      if (now - this.oldSince < MAX_GAP) return false;
      this.least = this.before = now - time;
    }
    this.oldSince = null;
    return true;
  }
}
