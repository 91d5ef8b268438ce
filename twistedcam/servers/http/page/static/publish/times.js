// Clocks: the times of a device's pictures and sound, and the server's time.

const WINDOW = 10000; // milliseconds over which the fastest delivery counts
const STEP = 0.5; // milliseconds by which the difference changes with each packet
const JUMP = 200; // milliseconds of a difference that is not smoothed
const KEEP = 120000;

export const now = () => performance.timeOrigin + performance.now();

// Converts the timestamps of a device, which begin anywhere, to the time of this machine. The
// device delivers each picture a bit later than it was captured: the fastest of the last seconds
// tells the difference of the two clocks, and its changes follow the drift of the device's clock.
export class MediaClock {
  constructor() {
    this.recent = []; // the difference of the fastest delivery of each second: [second, difference]
    this.difference = null;
  }

  // A packet of a timestamp (milliseconds) has arrived.
  note(timestamp, arrived = now()) {
    const found = arrived - timestamp;
    const second = Math.floor(arrived / 1000);
    const last = this.recent.at(-1);
    if (last && last[0] === second) last[1] = Math.min(last[1], found);
    else this.recent.push([second, found]);
    while (this.recent[0][0] < second - WINDOW / 1000) this.recent.shift();
    const least = Math.min(...this.recent.map((each) => each[1]));
    if (this.difference === null || Math.abs(least - this.difference) > JUMP) {
      this.difference = least;
      if (Math.abs(found - least) > JUMP) this.recent = [[second, found]];
    } else {
      this.difference += Math.max(-STEP, Math.min(STEP, least - this.difference));
    }
  }

  toLocal(timestamp) { return timestamp + (this.difference ?? 0); }
}

// The difference between the server's clock and this machine's, from pairs of PING and PONG.
export class ServerClock {
  constructor() { this.samples = []; this.asked = null; this.offset = 0; this.roundTrip = null; }

  ask() { this.asked = now(); }

  // The server has read its clock (milliseconds) after the last ask().
  answered(serverTime) {
    if (this.asked === null) return;
    const at = now();
    const roundTrip = at - this.asked;
    this.samples.push({ at, roundTrip, offset: serverTime - (this.asked + at) / 2 });
    this.samples = this.samples.filter((each) => at - each.at < KEEP);
    this.asked = null;
    this.roundTrip = roundTrip;
    this.offset = this.samples.reduce((one, other) => (other.roundTrip < one.roundTrip ? other : one)).offset;
  }
}
