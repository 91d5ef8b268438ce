// The connection to the server: opened again when it is lost, and never a queue of old pictures.
import { request } from "../lib/api.js";
import { errorText } from "../lib/errors.js";
import { t } from "../lib/text.js";
import { ServerClock, now } from "./times.js";
import * as wire from "./wire.js";

const DELAY = 400; // milliseconds that the oldest unacknowledged picture may be old
const PING_EVERY = 2000;
const SILENCE = 10000; // milliseconds without a message of the server
const RETRIES = [500, 1000, 2000, 3000, 5000];
const FINAL = ["bad-message", "too-large", "version"]; // another attempt would end in the same way

export class Connection {
  // path: of docs/http.md. events: onOpen(), onState(state), onKeyframe(), onEnd(reason, seconds):
  // the connection is lost, for a reason or "", and tried again in so many seconds, or not at all (null).
  constructor(path, events) {
    this.path = path;
    this.events = events;
    this.clock = new ServerClock();
    // Shows the server that a new connection takes the place of one that was lost.
    this.session = Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join("");
    this.socket = null;
    this.attempts = 0;
    this.seq = 0;
    this.soundSeq = 0;
    this.sentBytes = 0;
    this.isWanted = false;
    this.unacknowledged = []; // [sequence number, time of sending]
  }

  get isOpen() { return this.socket?.readyState === WebSocket.OPEN && this.isReady; }

  // Milliseconds for which the oldest picture has waited for its acknowledgement.
  get delay() { return this.unacknowledged.length ? now() - this.unacknowledged[0][1] : 0; }

  // True if the server has received what was sent a moment ago: another picture can be made.
  get isFree() { return this.isOpen && this.delay < DELAY && this.socket.bufferedAmount < 64 * 1024; }

  open() {
    this.isWanted = true;
    if (this.socket === null) this.connect();
  }

  // Ends it; the server hears of it at once.
  close() {
    this.isWanted = false;
    clearTimeout(this.retry);
    if (this.isOpen) this.socket.send(wire.bye());
    this.socket?.close();
    this.drop();
  }

  connect() {
    clearTimeout(this.retry);
    const base = new URL(".", document.baseURI);
    const address = new URL(`${this.path.slice(1)}?session=${this.session}`, base);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    Object.assign(this, { socket, isReady: false, error: null, unacknowledged: [], heardAt: now() });
    this.clock = new ServerClock();
    socket.addEventListener("open", () => { if (socket === this.socket) this.measure(); });
    socket.addEventListener("message", ({ data }) => { if (socket === this.socket) this.received(data); });
    socket.addEventListener("close", () => { if (socket === this.socket) this.lost(); });
    this.timer = setInterval(() => {
      if (now() - this.heardAt > SILENCE) { socket.close(); this.lost(); } else if (socket.readyState === WebSocket.OPEN) this.measure();
    }, PING_EVERY);
  }

  measure() {
    this.clock.ask();
    this.socket.send(wire.ping());
  }

  received(data) {
    this.heardAt = now();
    const found = typeof data === "string" ? null : wire.read(data);
    if (found === null) return;
    if (found.kind === "ack") {
      while (this.unacknowledged.length && this.unacknowledged[0][0] <= found.number) this.unacknowledged.shift();
    } else if (found.kind === "ping") {
      this.socket.send(wire.pong(found.body));
      if (found.number > 0) {
        this.clock.answered(found.number / 1000);
        if (!this.isReady) { // only now the times of pictures are those of the server
          this.isReady = true;
          this.attempts = 0;
          this.events.onOpen();
        }
      }
    } else if (found.kind === "state") this.events.onState(found);
    else if (found.kind === "keyframe") this.events.onKeyframe();
    else if (found.kind === "error") this.error = found;
  }

  drop() {
    clearInterval(this.timer);
    this.socket = null;
    this.isReady = false;
    this.unacknowledged = [];
  }

  async lost() {
    const { error } = this;
    this.drop();
    if (!this.isWanted) return;
    const isFinal = FINAL.includes(error?.code);
    const seconds = isFinal ? null : RETRIES[Math.min(this.attempts, RETRIES.length - 1)] / 1000;
    this.attempts += 1;
    if (isFinal) this.isWanted = false;
    else this.retry = setTimeout(() => this.connect(), seconds * 1000);
    this.events.onEnd(error ? errorText(error) : "", seconds);
    if (!error) {
      const reason = await this.refusal(); // a browser does not tell its page why
      if (reason && this.isWanted && !this.isOpen) {
        clearTimeout(this.retry);
        this.drop();
        this.isWanted = false;
        this.events.onEnd(reason, null);
      }
    }
  }

  // Returns why the server refuses the connection; "" if it does not, or does not answer.
  async refusal() {
    try {
      const response = await request(this.path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(5000) });
      if (response.ok || response.status >= 500) return "";
      if (response.status === 401) return t("The login has ended. Load the page again, and log in.");
      return errorText(await response.json());
    } catch {
      return "";
    }
  }

  // Sends a picture. time: milliseconds of this machine's clock.
  sendPicture({ time, ...rest }) {
    this.seq += 1;
    this.unacknowledged.push([this.seq, now()]);
    this.send({ seq: this.seq, timeUs: (time + this.clock.offset) * 1000, ...rest });
  }

  // Sends sound; it is left out while the line is too slow.
  sendSound({ time, ...rest }) {
    if (!this.isFree) return;
    if (!rest.isConfiguration) this.soundSeq += 1;
    this.send({ seq: rest.isConfiguration ? 0 : this.soundSeq, timeUs: rest.isConfiguration ? 0 : (time + this.clock.offset) * 1000, codec: wire.CODECS.opus, ...rest });
  }

  send(fields) {
    const bytes = wire.frame(fields);
    this.sentBytes += bytes.byteLength;
    this.socket.send(bytes);
  }
}
