// Encoders of pictures: H.264 where the browser has it, else JPEG.
import { now } from "./times.js";
import { CODECS } from "./wire.js";

const GROUP = 2000; // milliseconds from one key frame to the next
const BITS = 0.1; // of each pixel, on a good line
const QUEUE = 2; // pictures that the encoder may have before others are left out
const HELD = 8; // pictures that the encoder may hold, because it is slow or encodes several at once
const PROBE = 3000; // milliseconds in which a good encoder gives its first picture
const LOST = 2000; // milliseconds after which the encoder is taken to have dropped a picture
// The highest rate of luma samples of each level (ITU-T H.264, table A-1, in macroblocks).
const LEVELS = [[0x1e, 1620, 40500], [0x1f, 3600, 108000], [0x28, 8192, 245760], [0x33, 36864, 983040]];
const PROFILES = ["6400", "4d00", "42e0"]; // high, main, constrained baseline

const even = (side) => Math.max(2, side - (side % 2));

// Returns a configuration that the browser's encoder supports, or null.
async function findConfiguration(width, height, rate, bitrate) {
  if (typeof VideoEncoder !== "function") return null;
  const blocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const [level] = LEVELS.find(([, size, speed]) => blocks <= size && blocks * rate <= speed) ?? LEVELS.at(-1);
  for (const profile of PROFILES) {
    const wanted = {
      codec: `avc1.${profile}${level.toString(16)}`, width, height, framerate: rate, bitrate,
      latencyMode: "realtime", avc: { format: "annexb" },
    };
    try {
      const { supported } = await VideoEncoder.isConfigSupported(wanted);
      if (supported) return wanted;
    } catch { /* the browser does not know one of the fields */ }
  }
  return null;
}

// True if an encoder gives pictures while it gets them. Firefox's on Linux (libx264, of FFmpeg) holds
// 42 back, which is 4 s at 10 pictures a second.
async function isPrompt(configuration) {
  const { width, height } = configuration;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").fillRect(0, 0, width, height);
  let encoder = null;
  const first = new Promise((done) => {
    encoder = new VideoEncoder({ output: () => done(true), error: () => done(false) });
    encoder.configure(configuration);
    for (let each = 0; each < HELD; each += 1) {
      const picture = new VideoFrame(canvas, { timestamp: each * 33000 });
      encoder.encode(picture, { keyFrame: each === 0 });
      picture.close();
    }
    setTimeout(done, PROBE, false);
  });
  const found = await first.catch(() => false);
  if (encoder && encoder.state !== "closed") encoder.close();
  return found;
}

let probe = null; // of isPrompt

export async function hasH264() {
  const [large, small] = [await findConfiguration(1280, 720, 30, 2e6), await findConfiguration(640, 360, 30, 1e6)];
  if (!large || !small) return false;
  return probe ??= isPrompt(small);
}

// Encodes H.264. send({codec, data, isKeyframe, time}) gets each packet, onFailed the end.
export class H264Encoder {
  constructor(rate, send, onFailed) {
    Object.assign(this, { rate, send, onFailed, encoder: null, configuration: null, share: 1 });
    Object.assign(this, { isBusy: false, wantsKeyframe: true, keyframeAt: -Infinity, last: -1, waiting: [] });
  }

  get name() { return "H.264"; }

  // Bits a second on a good line.
  get best() { return this.configuration ? this.bitrateOf(this.configuration.width, this.configuration.height) : 0; }

  get bitrate() { return this.configuration?.bitrate ?? 0; }

  bitrateOf(width, height) { return Math.round(width * height * Math.min(this.rate, 30) * BITS); }

  // Uses a share of the best bit rate from now on: 0.05 to 1.
  slow(share) {
    this.share = share;
    if (!this.configuration) return;
    this.configuration = { ...this.configuration, bitrate: Math.round(this.best * share) };
    if (this.encoder?.state === "configured") this.encoder.configure(this.configuration);
  }

  // Encodes a picture; returns false if it is left out, because the encoder is not ready.
  encode(source, width, height, time) {
    [width, height] = [even(width), even(height)];
    if (this.isBusy) return false;
    if (this.configuration?.width !== width || this.configuration.height !== height) {
      this.begin(width, height);
      return false;
    }
    if (this.encoder.state !== "configured" || this.encoder.encodeQueueSize >= QUEUE || this.isLate) return false;
    const timestamp = Math.max(this.last + 1, Math.round(time * 1000));
    const isKeyframe = this.wantsKeyframe || time - this.keyframeAt >= GROUP;
    const picture = new VideoFrame(source, { timestamp, alpha: "discard" });
    try {
      this.encoder.encode(picture, { keyFrame: isKeyframe });
    } finally {
      picture.close();
    }
    this.last = timestamp;
    this.waiting.push([timestamp, now()]);
    if (isKeyframe) { this.wantsKeyframe = false; this.keyframeAt = time; }
    return true;
  }

  // True if the encoder is slower than the camera: what it got now would come out too late. Its own
  // queue does not show that in all browsers.
  get isLate() {
    while (this.waiting.length && now() - this.waiting[0][1] > LOST) this.waiting.shift();
    return this.waiting.length >= HELD;
  }

  // Begins a stream of another size: the next packet is a key frame with other parameter sets.
  async begin(width, height) {
    this.isBusy = true;
    try {
      const found = await findConfiguration(width, height, this.rate, Math.round(this.bitrateOf(width, height) * this.share));
      if (!found) throw new Error(`${width}x${height}`);
      this.close();
      this.waiting = [];
      this.encoder = new VideoEncoder({ output: (chunk) => this.output(chunk), error: (error) => this.fail(error) });
      this.encoder.configure(found);
      this.configuration = found;
      this.wantsKeyframe = true;
    } catch (error) {
      this.fail(error);
    } finally {
      this.isBusy = false;
    }
  }

  output(chunk) {
    while (this.waiting.length && this.waiting[0][0] <= chunk.timestamp) this.waiting.shift();
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    this.send({ codec: CODECS.h264, data, isKeyframe: chunk.type === "key", time: chunk.timestamp / 1000 });
  }

  requestKeyframe() { this.wantsKeyframe = true; }

  fail(error) {
    this.close();
    this.configuration = null;
    this.onFailed(error);
  }

  close() {
    if (this.encoder && this.encoder.state !== "closed") this.encoder.close();
    this.encoder = null;
  }
}

// Encodes JPEGs with a canvas, one at a time.
export class JpegEncoder {
  constructor(rate, send) {
    Object.assign(this, { rate, send, isBusy: false, share: 1, isClosed: false, size: 0, interval: 0 });
    this.canvas = document.createElement("canvas");
  }

  get name() { return "JPEG"; }

  get best() { return this.bitrate; }

  get bitrate() { return this.size * 8 * this.rate; }

  slow(share) { this.share = share; }

  encode(source, width, height, time) {
    if (this.isBusy) return false;
    const scale = this.share < 0.3 ? 0.5 : 1; // a slow line gets smaller pictures
    [this.canvas.width, this.canvas.height] = [even(Math.round(width * scale)), even(Math.round(height * scale))];
    const context = this.canvas.getContext("2d", { alpha: false });
    context.drawImage(source, 0, 0, this.canvas.width, this.canvas.height);
    this.isBusy = true;
    const size = { width: this.canvas.width, height: this.canvas.height };
    this.canvas.toBlob(async (blob) => {
      const data = blob ? new Uint8Array(await blob.arrayBuffer()) : null;
      this.isBusy = false;
      if (!data || this.isClosed) return;
      this.size = data.byteLength;
      this.send({ codec: CODECS.jpeg, data, time, ...size });
    }, "image/jpeg", 0.5 + 0.3 * this.share);
    return true;
  }

  requestKeyframe() { /* every picture can be decoded alone */ }

  close() { this.isClosed = true; }
}
