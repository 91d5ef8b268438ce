// A piece of the recordings: what the server plays as one MP4.
import { address, answered, call, cameraPath, request } from "../lib/api.js";
import { errorText } from "../lib/errors.js";
import { t } from "../lib/text.js";

const PIECE = 3600; // seconds of a piece
const LEAST = 0.1; // seconds that a piece has to go on
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
// nothing was recorded, with the name of a recording that can only be downloaded, or with isLost
// where the server does not answer.
// rate: the speed at which it will be played; if that is high, it has key frames only.
export async function findPiece(camera, time, rate, duration = PIECE) {
  const path = `/playback/${encodeURIComponent(camera)}?start=${time.toFixed(6)}&duration=${duration}${isFast(rate) ? "&keyframes" : ""}`;
  const answer = await request(path, { method: "HEAD" }).catch(() => {
    throw Object.assign(new Error(t("The server does not answer")), { isLost: true });
  });
  if (answer.ok) {
    const piece = Object.assign(new Piece(camera, answer.headers, path), { isFast: isFast(rate) });
    // The server tells the first gaps: a piece with more ends where they are not known any more.
    if (piece.hasMoreGaps) return findPiece(camera, time, rate, (piece.timeAt(piece.gaps.at(-1)[0] - 0.001) - time).toFixed(3));
    return piece;
  }
  const { code, message, nearest, recording } = await (await request(path)).json().catch(() => ({}));
  throw Object.assign(new Error(errorText({ code, message }, answered(answer))), { nearest, recording });
}

// The time after another one from which on a camera was recorded; Infinity if there is none.
export async function nextRecorded(camera, time) {
  const near = time + PIECE; // all short gaps of years would be too many
  for (const query of [`start=${time}&end=${near}&gap=0.05`, `start=${near}&gap=${PIECE}`]) {
    const { spans } = await call("GET", `${cameraPath(camera)}/spans?${query}`).catch(() => ({ spans: [] }));
    const found = spans.find((each) => each.start > time);
    if (found) return found.start;
  }
  return Infinity;
}

// Like findPiece(), but where nothing was recorded it is what follows.
export async function findPieceFrom(camera, time, rate) {
  return findPiece(camera, time, rate).catch(async (error) => {
    const next = error.nearest ? await nextRecorded(camera, time) : Infinity;
    if (next === Infinity) throw error;
    return findPiece(camera, next, rate);
  });
}

// Finds the piece that follows another, or null if nothing follows yet. Its first picture may be
// before the end of that one: both have the same key frame.
export async function findFollowing(piece, rate) {
  let time = piece.next;
  if (time === null) { // a recording that goes on has grown, or another one has begun
    const more = await findPiece(piece.camera, piece.end - 0.5, rate);
    if (more.end > piece.end + 1) return more;
    if (more.next === null) return null;
    time = more.next;
  }
  const found = await findPieceFrom(piece.camera, time, rate);
  return found.end > piece.end + LEAST ? found : null;
}
