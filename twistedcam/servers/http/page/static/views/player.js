// Plays live video on a canvas and acknowledges each packet: a slow connection gets fewer pictures,
// but none is old. An <img> or a <video> would show all of them, later and later.
import { address, checkAccess, refusal, request, slots } from "../lib/api.js";
import { clock } from "../lib/clock.js";
import { dataSaver } from "../lib/data_saver.js";
import { Freshness } from "../lib/freshness.js";
import { HeldPictures } from "./held_pictures.js";
import { JpegDecoder } from "./jpeg.js";
import { Line, halvingsFor } from "./line.js";
import { MseDecoder } from "./mse.js";
import { WebCodecsDecoder } from "./webcodecs.js";

const HEADER = 16; // sequence number and capture time in microseconds, big-endian, 64 bits each
const KEYFRAME = 1; // flags of the byte after that, if the codec is not JPEG
const INITIALIZATION = 2;
const RETRY = 700;
const DECODERS = [WebCodecsDecoder, MseDecoder]; // the best first
// Codecs for browsers, to find out what this one can decode; the server names the real one.
const EXAMPLES = { h264: "avc1.42C01F", hevc: "hvc1.1.6.L93.B0" };
const NAMES = { avc1: "H.264", avc3: "H.264", hvc1: "H.265", hev1: "H.265" };
// A decoder that gets packets and gives no picture for so long has failed (milliseconds, packets).
const PATIENCE = 1500;
const PATIENT_PACKETS = 8;
const CHECK_PERIOD = 250;
const FAILURE_PAUSE = 60000; // until a decoder that has failed is tried again; then twice as long
const SAVED_WIDTH = 480; // pixels of pictures with the data saver, about
const SAVED_FPS = 5;
const MAX_HOLD = 500; // milliseconds for which a picture waits for its sound at most
const viewer = Math.random().toString(36).slice(2); // this page, for the list of viewers
let socketsWork = new URLSearchParams(location.search).get("pictures") !== "pull";

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
    this.wanted = "auto"; // or "h264" or "jpeg", whichever the user has chosen
    this.status = null; // of the camera
    this.Decoder = JpegDecoder;
    this.codec = null; // that the server is asked for; null: JPEG
    this.size = null; // that the server is asked for; null: the camera's
    this.takesSubstream = false; // true to ask for the camera's smaller stream
    this.mostFps = null; // that the server is asked for; null: all
    this.box = null; // width and height in device pixels that the picture is shown in; null: any
    this.prefersVideo = false; // true to ask for H.264 where it has to be encoded
    this.patience = PATIENCE;
    this.soundDelay = () => null; // returns the milliseconds from capture until sound is heard
    this.held = new HeldPictures();
    this.freshness = new Freshness(); // it stays when the connection is lost and made again
    this.failures = new Map(); // of decoders and the substream: their number, and when to try again
    this.line = new Line();
    this.drawn = []; // times of the frames of the last seconds
    this.ages = []; // of the frames since the last takeAge()
    this.lateness = 0; // of the last pictures, by this browser's clock
    this.bytes = 0; // of all received frames
    this.busy = 0; // milliseconds spent on drawing JPEGs since the last second
    this.lastSeq = 0;
  }

  start() {
    if (this.running) return;
    this.running = true;
    if (this.isLooping) this.isSwitching = true; // the connection before is being closed: not a fault
    else this.run();
  }

  stop() {
    this.running = false;
    this.held.clear();
    this.closeSocket();
    this.polling?.abort();
  }

  // Browsers complain about a WebSocket that is closed while it opens: that closes when it is open.
  closeSocket() {
    this.isLeaving = true;
    if (this.socket?.readyState !== WebSocket.CONNECTING) this.socket?.close();
  }

  // Drawn frames per second.
  get fps() {
    const now = performance.now();
    this.drawn = this.drawn.filter((time) => now - time < 2000);
    if (this.drawn.length < 2) return 0;
    return (1000 * (this.drawn.length - 1)) / (this.drawn.at(-1) - this.drawn[0]);
  }

  // The codec that is shown, in words, and the size if it is a smaller one; "" while it is not known.
  get shown() {
    const { format } = this;
    if (this.Decoder === JpegDecoder) return "JPEG";
    const name = NAMES[format?.codec.split(".")[0]] ?? "";
    return name && (this.size || this.takesSubstream) ? `${name} ${format.width} × ${format.height}` : name;
  }

  // True if the user has a choice.
  get hasChoice() {
    return socketsWork && DECODERS.some((each) => each.isSupported());
  }

  // The milliseconds from the capture of a picture until it can be shown, by this browser's clock,
  // which the server's need not agree with; null while no pictures are shown.
  get delay() {
    return performance.now() - (this.drawn.at(-1) ?? -Infinity) < 1000 ? this.lateness : null;
  }

  // Returns the median age in milliseconds of the frames since the last call, or null.
  takeAge() {
    if (!this.ages.length || !clock.isKnown) return null;
    const ages = this.ages.sort((a, b) => a - b);
    this.ages = [];
    return ages[ages.length >> 1];
  }

  // Uses the codec that the user wants: "auto", "h264" or "jpeg".
  want(choice) {
    this.wanted = choice;
    this.failures.clear();
    this.line = new Line();
    this.choose();
  }

  // Shows the picture in so many device pixels: the server is asked for no more than that needs.
  fit(width, height) {
    this.box = [width, height];
    this.choose();
  }

  // status: of the camera, each time that the server sends it.
  update(status) {
    if (status.state === "live" && this.status?.state !== "live") this.liveSince = performance.now();
    this.status = status;
    if (this.takesSubstream && status.substream === "recovering") this.noteFailure("substream");
    this.choose();
  }

  // Called once a second; age: the median of that second, or null.
  judgeLine(age) {
    const { fps, size } = this.status;
    if (this.running && socketsWork && !document.hidden && !this.takesSubstream) {
      if (this.Decoder === JpegDecoder) this.line.judgeJpeg(this.fps, fps, age, this.busy);
      else this.line.judgeVideo(this.fps, fps, size);
    }
    this.busy = 0;
  }

  // The codecs to ask for, the best first; none: JPEG. The camera's own costs the server nothing.
  // To encode the frames of a JPEG camera costs it much, which only a slow line is worth.
  get wantedCodecs() {
    if (!this.status || !this.hasChoice || this.wanted === "jpeg") return [];
    if (this.wantsSubstream) return ["h264"];
    const own = this.status.codec in EXAMPLES ? [this.status.codec] : [];
    const isWorth = this.prefersVideo || dataSaver.isOn || this.line.isSlowForJpeg || this.leastHalvings > 0;
    const encoded = this.wanted === "h264" || (!own.length && isWorth) ? ["h264"] : [];
    const codecs = [...own, ...encoded];
    return codecs.length && this.wantedSize ? ["h264"] : codecs; // smaller pictures are encoded so
  }

  // True for small pictures of a camera that has a smaller stream: the server passes that on.
  get wantsSubstream() {
    const { substream, size } = this.status;
    if (!substream || this.line.halvings || !this.isUsable("substream")) return false;
    const { width, height } = this.canvas.getBoundingClientRect();
    const shown = [width * devicePixelRatio, height * devicePixelRatio];
    return dataSaver.isOn || (width > 0 && halvingsFor(size, shown) > 0);
  }

  get wantedSize() { return this.line.sizeOf(this.status?.size, this.leastHalvings); }

  // How often the picture's size is halved in any case. The camera's own video is not: to decode
  // and encode it would cost the server more than its pictures cost the browser.
  get leastHalvings() {
    const saved = dataSaver.isOn ? halvingsFor(this.status?.size, [SAVED_WIDTH, Infinity]) : 0;
    return this.box === null || this.status?.codec in EXAMPLES ? saved : Math.max(saved, halvingsFor(this.status?.size, this.box));
  }

  // Finds the first wanted codec that a decoder takes; null: JPEG.
  async findCodec() {
    for (const codec of this.wantedCodecs) {
      for (const each of DECODERS) {
        if (each.isSupported() && this.isUsable(each) && await each.supports(EXAMPLES[codec])) return [each, codec];
      }
    }
    return [JpegDecoder, null];
  }

  // Chooses codec and decoder. If they are others than before, connects again.
  async choose() {
    const wanted = this.wantedCodecs.join();
    const [found, codec] = await this.findCodec();
    const takesSubstream = codec !== null && this.wantsSubstream;
    const size = codec === null || takesSubstream ? null : this.wantedSize;
    const mostFps = dataSaver.isOn && codec === null ? SAVED_FPS : null;
    if (wanted !== this.wantedCodecs.join()) return;
    const choice = [found, codec, size, mostFps, takesSubstream];
    const before = [this.Decoder, this.codec, this.size, this.mostFps, this.takesSubstream];
    if (choice.every((each, at) => each === before[at])) return;
    [this.Decoder, this.codec, this.size, this.mostFps, this.takesSubstream] = choice;
    this.isSwitching = true;
    this.closeSocket();
  }

  // A decoder cannot go on: the next best is used.
  fail(decoder, reason) {
    if (decoder !== this.decoder || decoder instanceof JpegDecoder) return;
    console.info(`${this.Decoder.name} failed with ${this.codec}: ${reason}`);
    this.noteFailure(this.takesSubstream ? "substream" : this.Decoder);
    this.choose();
  }

  // what: a decoder, or "substream".
  noteFailure(what) {
    const count = (this.failures.get(what)?.count ?? 0) + 1;
    this.failures.set(what, { count, until: performance.now() + FAILURE_PAUSE * 2 ** (count - 1) });
  }

  isUsable(what) { return performance.now() >= (this.failures.get(what)?.until ?? 0); }

  async run() {
    this.isLooping = true;
    try { await this.connect(); } finally { this.isLooping = false; }
  }

  async connect() {
    while (this.running) {
      this.lastSeq = 0; // a restarted server counts from the beginning
      await this.choose();
      if (!this.running) return;
      this.isSwitching = false;
      if (socketsWork) {
        const opened = await this.useSocket();
        if (!opened && !this.isSwitching && this.running && this.isConnected()) await this.findReason();
      } else {
        await this.poll();
      }
      if (this.running && !this.isSwitching) await new Promise((done) => setTimeout(done, RETRY));
    }
  }

  // Uses one WebSocket until it closes; returns true if it was open.
  useSocket() {
    return new Promise((done) => {
      let opened = false;
      const { Decoder, codec, size, mostFps, takesSubstream } = this;
      const parts = codec === null ? [] : [`codec=${codec}${Decoder.query}`];
      if (size !== null) parts.push(`size=${size}`);
      if (mostFps !== null) parts.push(`fps=${mostFps}`);
      if (takesSubstream) parts.push("substream=1");
      const query = parts.length ? `?${parts.join("&")}` : "";
      const url = new URL(address(`/live/${this.path}${query}`));
      url.protocol = url.protocol.replace("http", "ws");
      const socket = new WebSocket(url);
      this.isLeaving = false;
      const decoder = new Decoder(this);
      [this.socket, this.decoder, this.format] = [socket, decoder, null];
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        [opened, this.openedAt, this.arrived, this.waiting, this.lastShown] = [true, performance.now(), 0, 0, 0];
        if (this.isLeaving) socket.close();
      };
      socket.onmessage = ({ data }) => {
        if (socket !== this.socket || socket.readyState !== WebSocket.OPEN) return;
        if (typeof data === "string") this.configure(decoder, JSON.parse(data));
        else this.receive(decoder, data);
      };
      const checks = setInterval(() => { if (opened) this.checkProgress(decoder); }, CHECK_PERIOD);
      socket.onclose = () => { clearInterval(checks); decoder.close(); done(opened); };
    });
  }

  // The server describes the video, at first and when it changes.
  configure(decoder, format) {
    this.format = format;
    try { decoder.configure(format); } catch (error) { this.fail(decoder, error.message); }
  }

  receive(decoder, message) {
    const view = new DataView(message);
    const timestamp = Number(view.getBigUint64(8));
    const packet = { seq: Number(view.getBigUint64(0)), timestamp, time: timestamp / 1000 };
    if (decoder.constructor.hasFlags) {
      const flags = view.getUint8(HEADER);
      packet.isKeyframe = Boolean(flags & KEYFRAME);
      packet.isHeader = Boolean(flags & INITIALIZATION);
    }
    this.bytes += message.byteLength;
    if (!packet.isHeader) {
      this.freshness.arrived(packet.time);
      this.arrived += 1;
      if (!this.waiting) this.waitingSince = performance.now();
      this.waiting += 1;
    }
    try { decoder.add(packet, new Uint8Array(message, HEADER + decoder.constructor.hasFlags)); } catch (error) { this.fail(decoder, error.message); }
  }

  acknowledge(decoder, seq) {
    if (decoder === this.decoder && this.socket.readyState === WebSocket.OPEN) this.socket.send(`{"ack": ${seq}}`);
  }

  // Notices a decoder that silently does nothing, and a server that sends nothing.
  checkProgress(decoder) {
    if (decoder instanceof JpegDecoder || this.status?.state !== "live") return;
    if (this.takesSubstream && this.status.substream !== "live") return; // it is being opened
    const now = performance.now();
    if (document.hidden) this.waiting = 0; // browsers do not show video that nobody sees
    if (this.waiting > PATIENT_PACKETS && now - this.waitingSince > this.patience) this.fail(decoder, "it shows nothing");
    if (!this.arrived && now - Math.max(this.openedAt, this.liveSince) > this.patience) this.fail(decoder, "the server sends nothing");
  }

  // Finds out why a WebSocket did not open: the server is lost, or it refuses access, or it cannot
  // send this codec, or WebSockets do not work because of a missing library or a proxy.
  async findReason() {
    const reason = await checkAccess(`/snapshot/${this.path}`);
    if (reason) this.refuse(reason);
    else if (reason === null) return;
    else if (this.decoder instanceof JpegDecoder) socketsWork = false;
    else this.fail(this.decoder, "the server does not send it");
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
    const blob = await response.blob();
    this.bytes += blob.size;
    await this.drawJpeg(blob, seq, Number(response.headers.get("X-Timestamp")) * 1000);
    this.lastSeq = seq;
    return true;
  }

  async drawJpeg(blob, seq, time) {
    let image;
    try { image = await createImageBitmap(blob); } catch { return; }
    if (seq > this.lastSeq || !socketsWork) this.draw(image, image.width, image.height, { seq, time });
    image.close();
  }

  // Draws a picture of a decoder, unless it is too old: after a pause of the line, pictures arrive
  // that were under way.
  paint(image, width, height, packet) {
    if (packet.seq <= this.lastShown) return;
    this.lastShown = packet.seq;
    this.waiting = 0;
    if (this.freshness.isFresh(packet.time)) this.draw(image, width, height, packet);
  }

  // Draws a picture, when its sound is heard.
  draw(image, width, height, { seq, time }) {
    this.lastSeq = seq;
    const late = clock.local() - time;
    this.lateness += Math.abs(late - this.lateness) < 1000 ? (late - this.lateness) / 10 : late - this.lateness;
    const wait = Math.min(MAX_HOLD, (this.soundDelay() ?? -Infinity) - late);
    this.held.show(image, wait, (picture) => this.drawNow(picture, width, height, time));
  }

  drawNow(image, width, height, time) {
    const { canvas, box } = this;
    if (box) {
      const scale = Math.min(1, Math.max(box[0] / width, box[1] / height));
      [width, height] = [Math.round(width * scale), Math.round(height * scale)];
    }
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    this.context.drawImage(image, 0, 0, width, height);
    this.drawn.push(performance.now());
    this.ages.push(clock.now() - time);
    if (this.ages.length > 500) this.ages.splice(0, 250);
  }
}
