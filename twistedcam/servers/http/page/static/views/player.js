// Plays live frames on a canvas and acknowledges each: a slow connection gets fewer frames, but none
// is old. An <img> would show all of them, later and later (or freeze, in Safari).
import { address, checkAccess, refusal, request } from "../lib/api.js";
import { clock } from "../lib/clock.js";

const HEADER = 16; // sequence number and capture time in microseconds, big-endian, 64 bits each
const RETRY = 700;
// Simultaneous requests for all cameras: browsers allow six connections to a server, and events and
// commands need some too. (WebSockets do not count.)
const MAX_REQUESTS = 4;
const viewer = Math.random().toString(36).slice(2); // this page, for the list of viewers
let socketsWork = new URLSearchParams(location.search).get("pictures") !== "pull";

// Limits simultaneous requests; the first to wait goes first.
const slots = {
  free: MAX_REQUESTS,
  waiting: [],
  async acquire() {
    if (this.free > 0) this.free -= 1;
    else await new Promise((done) => this.waiting.push(done));
  },
  release() {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  },
};

export class Player {
  // name: the camera; isConnected: true while the server answers; onRefused: called with the reason
  // if the server refuses frames; the player then stops.
  constructor(name, canvas, isConnected, onRefused) {
    this.path = encodeURIComponent(name);
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.isConnected = isConnected;
    this.onRefused = onRefused;
    this.running = false;
    this.drawn = []; // times of the frames of the last seconds
    this.ages = []; // of the frames since the last takeAge()
    this.bytes = 0; // of all drawn frames
    this.lastSeq = 0;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.run();
  }

  stop() {
    this.running = false;
    this.socket?.close();
    this.polling?.abort();
  }

  // Drawn frames per second.
  get fps() {
    const now = performance.now();
    this.drawn = this.drawn.filter((time) => now - time < 2000);
    if (this.drawn.length < 2) return 0;
    return (1000 * (this.drawn.length - 1)) / (this.drawn.at(-1) - this.drawn[0]);
  }

  // Returns the median age in milliseconds of the frames since the last call, or null.
  takeAge() {
    if (!this.ages.length || !clock.isKnown) return null;
    const ages = this.ages.sort((a, b) => a - b);
    this.ages = [];
    return ages[ages.length >> 1];
  }

  async run() {
    while (this.running) {
      this.lastSeq = 0; // a restarted server counts from the beginning
      if (socketsWork) {
        const opened = await this.useSocket();
        if (!opened && this.running && this.isConnected()) await this.findReason();
      } else {
        await this.poll();
      }
      if (this.running) await new Promise((done) => setTimeout(done, RETRY));
    }
  }

  // Uses one WebSocket until it closes; returns true if it was open.
  useSocket() {
    return new Promise((done) => {
      let opened = false;
      const url = new URL(address(`/live/${this.path}`));
      url.protocol = url.protocol.replace("http", "ws");
      const socket = new WebSocket(url);
      this.socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => { opened = true; };
      socket.onmessage = async ({ data }) => {
        const header = new DataView(data, 0, HEADER);
        const seq = Number(header.getBigUint64(0));
        const time = Number(header.getBigUint64(8)) / 1000;
        await this.draw(new Blob([new Uint8Array(data, HEADER)], { type: "image/jpeg" }), seq, time);
        if (socket.readyState === WebSocket.OPEN) socket.send(`{"ack": ${seq}}`);
      };
      socket.onclose = () => done(opened);
    });
  }

  // Finds out why a WebSocket did not open: the server is lost, or it refuses access, or WebSockets
  // do not work because of a missing library or a proxy.
  async findReason() {
    const reason = await checkAccess(`/snapshot/${this.path}`);
    if (reason) this.refuse(reason);
    else if (reason !== null) socketsWork = false;
  }

  refuse(reason) {
    this.stop();
    this.onRefused(reason);
  }

  // Requests one frame after the other; each request acknowledges the frame before.
  async poll() {
    this.polling = new AbortController();
    const { signal } = this.polling;
    try {
      while (this.running) {
        await slots.acquire();
        try { if (!await this.pollOnce(signal)) return; } finally { slots.release(); }
      }
    } catch { /* the connection was lost; run() tries again */ }
  }

  // Requests one frame newer than the last; returns false if there is none.
  async pollOnce(signal) {
    const response = await request(`/snapshot/${this.path}?after=${this.lastSeq}&viewer=${viewer}`, { signal });
    const reason = await refusal(response);
    if (reason) this.refuse(reason);
    if (response.status === 204 || !response.ok) return response.ok;
    const seq = Number(response.headers.get("X-Sequence"));
    await this.draw(await response.blob(), seq, Number(response.headers.get("X-Timestamp")) * 1000);
    this.lastSeq = seq;
    return true;
  }

  async draw(blob, seq, time) {
    let image;
    try { image = await createImageBitmap(blob); } catch { return; }
    if (seq > this.lastSeq || !socketsWork) {
      this.lastSeq = seq;
      const { canvas } = this;
      if (canvas.width !== image.width || canvas.height !== image.height) {
        canvas.width = image.width;
        canvas.height = image.height;
      }
      this.context.drawImage(image, 0, 0);
      this.drawn.push(performance.now());
      this.bytes += blob.size;
      this.ages.push(clock.now() - time);
      if (this.ages.length > 500) this.ages.splice(0, 250);
    }
    image.close();
  }
}
