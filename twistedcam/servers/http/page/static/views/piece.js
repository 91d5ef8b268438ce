// A piece of the recordings: what the server plays as one MP4.
import { address, answered, request } from "../lib/api.js";
import { errorText } from "../lib/errors.js";

const PIECE = 3600; // seconds of a piece
const FAST = 4; // times the speed above which only key frames are played

export const isFast = (rate) => rate > FAST;

// One piece: where it is, and the time of each of its moments.
export class Piece {
  constructor(camera, headers, path) {
    const number = (name) => Number(headers.get(`X-Twistedcam-${name}`));
    this.camera = camera;
    this.url = address(path);
    this.start = number("Start");
    this.end = number("End");
    this.next = number("Next") || null; // where what follows begins
    const gaps = headers.get("X-Twistedcam-Gaps") ?? "";
    this.hasMoreGaps = gaps.includes("…");
    this.gaps = gaps.split(",").map((each) => each.split("+").map(Number)).filter(([at, missing]) => at > 0 && missing > 0);
  }

  // The UNIX time that is shown after so many seconds of the piece.
  timeAt(seconds) {
    const passed = this.gaps.filter(([at]) => at <= seconds).reduce((sum, [, missing]) => sum + missing, 0);
    return this.start + seconds + passed;
  }

  // The end of the gap that a time is in, or null if it is in none.
  gapEnd(time) {
    let passed = this.start;
    for (const [at, missing] of this.gaps) {
      const begin = passed + at;
      if (time >= begin && time < begin + missing) return begin + missing;
      passed += missing;
    }
    return null;
  }

  covers(time) { return time >= this.start - 0.05 && time < this.end; }

  secondsAt(time) {
    let seconds = time - this.start;
    for (const [at, missing] of this.gaps) if (seconds > at) seconds = Math.max(at, seconds - missing);
    return Math.max(0, seconds);
  }
}

// Finds the piece that begins at a time. Throws an error with the nearest time (nearest) where
// nothing was recorded, and with the name of a recording that can only be downloaded.
// rate: the speed at which it will be played; if that is high, it has key frames only.
export async function findPiece(camera, time, rate, duration = PIECE) {
  const path = `/playback/${encodeURIComponent(camera)}?start=${time.toFixed(3)}&duration=${duration}${isFast(rate) ? "&keyframes" : ""}`;
  const answer = await request(path, { method: "HEAD" });
  if (answer.ok) {
    const piece = Object.assign(new Piece(camera, answer.headers, path), { isFast: isFast(rate) });
    // The server tells the first gaps: a piece with more ends where they are not known any more.
    if (piece.hasMoreGaps) return findPiece(camera, time, rate, (piece.timeAt(piece.gaps.at(-1)[0] - 0.001) - time).toFixed(3));
    return piece;
  }
  const { code, message, nearest, recording } = await (await request(path)).json().catch(() => ({}));
  throw Object.assign(new Error(errorText({ code, message }, answered(answer))), { nearest, recording });
}
