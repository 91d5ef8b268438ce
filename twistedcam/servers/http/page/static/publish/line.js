// The speed of the line: how much of the best bit rate it can carry.

const DOWN = 0.7, UP = 1.25;
const LEAST = 0.06;
const LATE = 250; // milliseconds of delay that show a full line
const PAUSE = 2; // seconds between two steps down
const GOOD = 4; // seconds without a delay before a step up

// Judges the line once a second. Pictures are left out at once while the line is full; a lower bit
// rate makes that rare.
export class LineSpeed {
  constructor() {
    this.share = 1;
    this.good = 0;
    this.sinceDown = PAUSE;
    this.longest = 0;
    this.leftOut = 0;
    this.isUsed = false; // pictures of this share were sent
  }

  get isSlow() { return this.share < 0.9; }

  noteDelay(milliseconds) { this.longest = Math.max(this.longest, milliseconds); }

  noteLeftOut() { this.leftOut += 1; }

  noteSent() { this.isUsed = true; }

  // Returns the share of the best bit rate for the next second.
  judge() {
    const isFull = this.leftOut > 1 || this.longest >= LATE;
    this.longest = this.leftOut = 0;
    this.sinceDown += 1;
    this.good = isFull ? 0 : this.good + 1;
    // While nothing can be sent the connection is lost, and its speed is not known.
    if (isFull && this.isUsed && this.sinceDown >= PAUSE) {
      this.share = Math.max(LEAST, this.share * DOWN);
      this.sinceDown = 0;
      this.isUsed = false;
    } else if (this.good >= GOOD && this.share < 1) {
      this.share = Math.min(1, this.share * UP);
      this.good = GOOD - 2;
    }
    return this.share;
  }
}
