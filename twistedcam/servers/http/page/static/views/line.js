// Judges the line to the server by what is shown, once a second, and says what it is good for.
//
// A slow line gets fewer pictures anyway. If that is not enough, H.264 takes the place of JPEG, then
// pictures of half the size, then of a quarter. A step that does not help is taken back.

// Slow and good: a share of the camera's pictures that is shown.
const SLOW_SHARE = 0.6, GOOD_SHARE = 0.9;
const MAX_FPS = 30; // of the camera's pictures a second, as many as a page has to show
const SLOW_AGE = 150; // milliseconds; of JPEG
const MAX_BUSY = 500; // milliseconds of a second for drawing, above which the browser is slow
const SLOW_SECONDS = 5;
const TRIAL_SECONDS = 10; // after which a step must have given more pictures
const TRIAL_PAUSE = 300; // seconds until a step that gave no more is tried again
const SMALLER_SECONDS = 6; // more than a line that is dead for three seconds takes to recover
// Seconds of a good line until the next larger size is tried. If that is soon too much, the next
// attempt waits for twice as long.
const LARGER_SECONDS = 30, SOON = 60, MAX_WAIT = 900;
const MAX_STEPS = 2;
const LEAST_SIDE = 120; // pixels
const ENLARGED = 0.8; // the least share of the shown pixels that a smaller picture has

export class Line {
  constructor() {
    this.isSlowForJpeg = false;
    this.halvings = 0; // of the picture's size
    this.slowSeconds = 0; // of JPEG; negative: until H.264 may be tried again
    this.trialSeconds = 0;
    this.jpegFps = 0;
    this.smallSlow = this.smallGood = 0; // seconds that H.264 was slow, and good
    this.trial = null; // of a smaller size: its seconds, and the pictures per second before it
    this.pause = 0; // seconds until a smaller size may be tried
    this.wait = LARGER_SECONDS;
    this.sinceLarger = Infinity;
  }

  // JPEG is shown: fps pictures per second of the camera's, and their age in milliseconds; busy:
  // milliseconds spent on drawing.
  judgeJpeg(fps, cameraFps, age, busy) {
    const isSlow = age > SLOW_AGE && share(fps, cameraFps) < SLOW_SHARE && busy < MAX_BUSY;
    this.slowSeconds = isSlow || this.slowSeconds < 0 ? this.slowSeconds + 1 : 0;
    if (this.slowSeconds >= SLOW_SECONDS) [this.isSlowForJpeg, this.trialSeconds, this.jpegFps] = [true, 0, fps];
  }

  // H.264 or H.265 is shown; size: of the camera's pictures, "1280x720".
  judgeVideo(fps, cameraFps, size) {
    if (this.isSlowForJpeg) {
      this.trialSeconds += 1;
      if (this.trialSeconds === TRIAL_SECONDS && fps <= this.jpegFps) [this.isSlowForJpeg, this.slowSeconds] = [false, -TRIAL_PAUSE];
    }
    this.pause = Math.max(0, this.pause - 1);
    this.sinceLarger += 1;
    if (this.trial) this.judgeTrial(fps);
    else this.judgeSize(fps, cameraFps, steps(size));
  }

  judgeTrial(fps) {
    this.trial.seconds += 1;
    if (this.trial.seconds < TRIAL_SECONDS) return;
    if (fps <= this.trial.fps) [this.halvings, this.pause] = [this.halvings - 1, TRIAL_PAUSE];
    this.trial = null;
  }

  judgeSize(fps, cameraFps, most) {
    const shown = share(fps, cameraFps);
    this.smallSlow = shown < SLOW_SHARE ? this.smallSlow + 1 : 0;
    this.smallGood = shown >= GOOD_SHARE ? this.smallGood + 1 : 0;
    if (this.smallSlow >= SMALLER_SECONDS && this.halvings < most && !this.pause) {
      this.wait = this.sinceLarger < SOON ? Math.min(2 * this.wait, MAX_WAIT) : LARGER_SECONDS;
      this.trial = { seconds: 0, fps };
      this.change(1);
    } else if (this.halvings && this.smallGood >= this.wait) {
      this.sinceLarger = 0;
      this.change(-1);
    }
  }

  change(by) {
    this.halvings += by;
    this.smallSlow = this.smallGood = 0;
  }

  // The size to ask for; null: that of the camera. All who need a smaller one ask for the same.
  // least: how often it is halved even on a good line.
  sizeOf(size, least = 0) {
    const halvings = Math.min(Math.max(this.halvings, least), steps(size));
    return halvings ? sides(size).map((side) => side >> halvings).join("x") : null;
  }
}

const share = (fps, cameraFps) => fps / Math.min(cameraFps, MAX_FPS);

const sides = (size) => (size ?? "0x0").split("x").map(Number);

// Returns how often pictures of a size can be halved.
function steps(size) {
  let found = 0;
  while (found < MAX_STEPS && Math.min(...sides(size)) >> (found + 1) >= LEAST_SIDE) found += 1;
  return found;
}

// Returns how often a size can be halved so that the picture fills a box without being enlarged much.
// size: of the camera's pictures, "1280x720"; box: width and height in pixels.
export function halvingsFor(size, [width, height]) {
  const [wide, high] = sides(size);
  if (!wide || !high) return 0;
  const shown = ENLARGED * Math.max(1, Math.min(width / wide, height / high) * wide);
  return Math.max(0, Math.min(steps(size), Math.floor(Math.log2(wide / shown))));
}
