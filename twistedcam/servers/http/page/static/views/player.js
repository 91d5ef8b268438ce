// Live pictures on a canvas, each acknowledged when it is drawn: on a slow line there are fewer,
// but none is old. An <img> would show all of them, later and later (or, in Safari, freeze).
import { clock } from "../lib/clock.js";
import { refused, verdict } from "../lib/api.js";
import { address, ask } from "../lib/dom.js";

const HEADER = 16; // sequence number and time of capture in microseconds, big-endian, 64 bits each
const RETRY = 700;
// Questions under way at once, of all cameras: browsers allow six connections to a server, and
// events and commands need theirs too. (WebSockets do not count among them.)
const AT_ONCE = 4;
const me = Math.random().toString(36).slice(2); // who pulls, for the list of viewers
let socketsWork = new URLSearchParams(location.search).get("pictures") !== "pull";

// Whoever wants to ask waits here for a turn; first come, first served.
const turns = {
  free: AT_ONCE,
  waiting: [],
  async take() {
    if (this.free > 0) this.free -= 1;
    else await new Promise((done) => this.waiting.push(done));
  },
  give() {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  },
};

export class Pictures {
  // canvas: where to draw; isLinked: whether the server is there; name: the camera's; onRefused:
  // told why the server lets this page have no pictures. They are then not asked for again.
  constructor(name, canvas, isLinked, onRefused) {
    this.path = encodeURIComponent(name);
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.isLinked = isLinked;
    this.onRefused = onRefused;
    this.running = false;
    this.drawn = []; // when pictures were drawn, of the last seconds
    this.ages = []; // of the pictures drawn since they were last taken
    this.bytes = 0; // of the pictures drawn, all in all
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
    this.pulling?.abort();
  }

  // Pictures drawn a second.
  get fps() {
    const now = performance.now();
    this.drawn = this.drawn.filter((time) => now - time < 2000);
    if (this.drawn.length < 2) return 0;
    return (1000 * (this.drawn.length - 1)) / (this.drawn.at(-1) - this.drawn[0]);
  }

  // The median age, in milliseconds, of what was drawn since the last call; null: nothing was.
  takeAge() {
    if (!this.ages.length || !clock.isKnown) return null;
    const ages = this.ages.sort((a, b) => a - b);
    this.ages = [];
    return ages[ages.length >> 1];
  }

  async run() {
    while (this.running) {
      this.lastSeq = 0; // a server that was started anew counts anew
      if (socketsWork) {
        const opened = await this.socketLife();
        if (!opened && this.running && this.isLinked()) await this.whyNot();
      } else {
        await this.pull();
      }
      if (this.running) await new Promise((done) => setTimeout(done, RETRY));
    }
  }

  // One WebSocket from its opening to its end; whether it ever opened.
  socketLife() {
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

  // The server took no WebSocket. It is gone; or it lets this page have no pictures; or it has not
  // the library, or a proxy is between.
  async whyNot() {
    const said = await verdict(`/snapshot/${this.path}`);
    if (said) this.refuse(said);
    else if (said !== null) socketsWork = false;
  }

  refuse(reason) {
    this.stop();
    this.onRefused(reason);
  }

  // One picture after the other; each question acknowledges the picture before.
  async pull() {
    this.pulling = new AbortController();
    const { signal } = this.pulling;
    try {
      while (this.running) {
        await turns.take();
        try { if (!await this.question(signal)) return; } finally { turns.give(); }
      }
    } catch { /* the line was cut; run() tries again */ }
  }

  // One picture that is newer than the last; false if there is none to be had.
  async question(signal) {
    const answer = await ask(`/snapshot/${this.path}?after=${this.lastSeq}&viewer=${me}`, { signal });
    const reason = await refused(answer);
    if (reason) this.refuse(reason);
    if (answer.status === 204 || !answer.ok) return answer.ok;
    const seq = Number(answer.headers.get("X-Sequence"));
    await this.draw(await answer.blob(), seq, Number(answer.headers.get("X-Timestamp")) * 1000);
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
