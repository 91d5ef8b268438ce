// Plays a camera's sound. The player holds the pictures back until the sound of their time is heard.
//
// Each packet is scheduled on the clock of the audio output: later than the fastest packet by a
// margin that is enough for nearly all of the last ones. Small differences are made up by playing a
// little faster or slower, large ones by leaving sound out.
import { address } from "../lib/api.js";
import { clock } from "../lib/clock.js";

const HEADER = 17; // sequence number and capture time, big-endian, 64 bits each, and a byte
const RATE = 48000; // of Opus, and of the samples that the server makes
const RETRY = 1000;
const ACK_EVERY = 100; // milliseconds
const PERIOD = 10000; // milliseconds for which the fastest packet counts
const MARGIN = { least: 40, most: 300, spare: 10 }; // milliseconds
const JITTER = { packets: 300, every: 25, share: 0.95 }; // the packets that the margin is made of
const TOLERANCE = 0.01; // seconds of difference that are left alone
const JUMP = 0.15; // seconds of difference that are not made up by another speed
const SPEED = 0.02; // the most that the speed changes
const PATIENCE = 1000; // milliseconds for which all sound is left out, until it may be later from then on
const MAX_PICTURE_DELAY = 300; // milliseconds by which sound waits for the pictures at most
const FLOOR = -60; // decibels at which the level begins
const OPUS = { codec: "opus", sampleRate: RATE, numberOfChannels: 2 };
let output = null; // the one AudioContext; browsers allow it after a click only

const contextClass = () => self.AudioContext ?? self.webkitAudioContext;

function openOutput() {
  output ??= new (contextClass())({ sampleRate: RATE, latencyHint: "interactive" });
  output.resume().catch(() => { /* it stays silent */ });
  return output;
}

// Opus is decoded by WebCodecs, which browsers have in secure contexts only; others get samples.
async function chooseCodec() {
  try { return (await AudioDecoder.isConfigSupported(OPUS)).supported ? "opus" : "pcm"; } catch { return "pcm"; }
}

export class Sound {
  // isConnected: true while the server answers; pictureDelay: returns the milliseconds from the
  // capture of a picture until it is shown, by this browser's clock, or null.
  constructor(name, isConnected, pictureDelay = () => null) {
    this.path = encodeURIComponent(name);
    this.isConnected = isConnected;
    this.pictureDelay = pictureDelay;
    this.running = false;
    this.volume = 1;
  }

  static isSupported() { return Boolean(contextClass()) && "WebSocket" in self; }

  start() {
    if (this.running) return;
    this.running = true;
    this.context = openOutput();
    this.gain = new GainNode(this.context, { gain: this.loudness });
    this.gain.connect(this.context.destination);
    this.analyser = new AnalyserNode(this.context, { fftSize: 2048 });
    this.samples = new Float32Array(this.analyser.fftSize);
    this.run();
  }

  stop() {
    this.running = false;
    this.socket?.close();
    this.gain?.disconnect();
  }

  // volume: 0 to 1, as on a slider.
  setVolume(volume) {
    this.volume = volume;
    if (this.running) this.gain.gain.setTargetAtTime(this.loudness, this.context.currentTime, 0.02);
  }

  // Ears hear decibels: a square is near enough to them.
  get loudness() { return this.volume ** 2; }

  // The level of what is played, before the volume: 0 to 1.
  get level() {
    if (!this.running || performance.now() - this.playedAt > 500 || !this.playedAt) return 0;
    this.analyser.getFloatTimeDomainData(this.samples);
    const mean = this.samples.reduce((sum, each) => sum + each * each, 0) / this.samples.length;
    return levelOf(10 * Math.log10(mean + 1e-12));
  }

  async run() {
    this.codec ??= await chooseCodec();
    while (this.running) {
      if (this.isConnected()) await this.useSocket(this.codec);
      if (this.running) await new Promise((done) => setTimeout(done, RETRY));
    }
  }

  // Uses one WebSocket until it closes.
  useSocket(codec) {
    return new Promise((done) => {
      const url = new URL(address(`/live/${this.path}?kind=audio&codec=${codec}`));
      url.protocol = url.protocol.replace("http", "ws");
      const socket = new WebSocket(url);
      this.socket = socket;
      socket.binaryType = "arraybuffer";
      Object.assign(this, { least: Infinity, before: Infinity, end: -Infinity, next: 0, margin: MARGIN.least, times: [], count: 0, seq: 0, acked: 0, leftOutSince: null });
      socket.onopen = () => { if (!this.running) socket.close(); };
      socket.onmessage = ({ data }) => {
        if (socket !== this.socket || !this.running) return;
        if (typeof data === "string") this.configure(JSON.parse(data));
        else this.receive(data);
      };
      const acks = setInterval(() => this.acknowledge(socket), ACK_EVERY);
      socket.onclose = () => { clearInterval(acks); this.closeDecoder(); done(); };
    });
  }

  acknowledge(socket) {
    if (this.seq > this.acked && socket.readyState === WebSocket.OPEN) socket.send(`{"ack": ${this.acked = this.seq}}`);
  }

  configure(format) {
    this.closeDecoder();
    this.format = format;
    if (format.codec === "pcm-s16") return;
    this.decoding = []; // times of the packets in the decoder
    this.decoder = new AudioDecoder({ output: (sound) => this.onDecoded(sound), error: (error) => this.fail(error) });
    this.decoder.configure(format);
  }

  // The decoder cannot go on: samples need none.
  fail(error) {
    console.info(`the sound cannot be decoded: ${error.message}`);
    this.codec = "pcm";
    this.socket.close();
  }

  closeDecoder() {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    this.decoder = null;
  }

  receive(message) {
    const view = new DataView(message);
    const timestamp = Number(view.getBigUint64(8));
    this.seq = Number(view.getBigUint64(0));
    this.arrived(timestamp / 1000);
    if (this.decoder) {
      this.decoding.push(timestamp);
      try { this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data: message.slice(HEADER) })); } catch (error) { this.fail(error); }
      return;
    }
    const { numberOfChannels: channels, sampleRate } = this.format;
    const count = Math.floor((message.byteLength - HEADER) / 2 / channels);
    if (count) this.play(timestamp, count, channels, sampleRate, (channel, samples) => {
      for (let index = 0; index < count; index += 1) samples[index] = view.getInt16(HEADER + 2 * (index * channels + channel), true) / 32768;
    });
  }

  // Each packet becomes one piece of sound. Chromium counts their times on from the first, so that
  // those after a gap would be wrong.
  onDecoded(sound) {
    const { numberOfFrames, numberOfChannels, sampleRate } = sound;
    const timestamp = this.decoding.shift() ?? sound.timestamp;
    if (this.running) this.play(timestamp, numberOfFrames, numberOfChannels, sampleRate, (planeIndex, samples) => sound.copyTo(samples, { planeIndex, format: "f32-planar" }));
    sound.close();
  }

  // Remembers the fastest packet; time: of capture, in milliseconds by the server's clock.
  arrived(time) {
    const now = clock.local();
    if (now >= this.end) [this.before, this.least, this.end] = [this.least, Infinity, now + PERIOD];
    this.least = Math.min(this.least, now - time);
    this.times.push(now - time);
    if (this.times.length > JITTER.packets) this.times.shift();
    this.count += 1;
    if (this.count % JITTER.every) return;
    const slow = [...this.times].sort((a, b) => a - b)[Math.floor(this.times.length * JITTER.share)];
    const needed = slow - Math.min(this.least, this.before) + MARGIN.spare;
    this.margin = Math.max(MARGIN.least, Math.min(MARGIN.most, needed));
  }

  // Notes that sound came too late. If all of it does, the line or this browser has become slower:
  // the fastest packet is then the fastest of the last ones.
  noteLeftOut() {
    const now = performance.now();
    this.leftOutSince ??= now;
    if (now - this.leftOutSince < PATIENCE) return;
    this.leftOutSince = null;
    this.times = this.times.slice(-JITTER.every);
    this.before = this.least = Math.min(...this.times);
  }

  // Milliseconds from the capture of sound until it is to be heard.
  get delay() {
    const fastest = Math.min(this.least, this.before);
    const pictures = Math.min(this.pictureDelay() ?? 0, fastest + MAX_PICTURE_DELAY);
    return Math.max(fastest + this.margin, pictures);
  }

  // The milliseconds from capture until sound is heard, as it is now; null while none is played.
  get heardDelay() {
    return this.running && performance.now() - this.playedAt < 500 ? this.heard : null;
  }

  noteHeard(delay) {
    const isNew = this.heardDelay === null || Math.abs(delay - this.heard) > JUMP * 1000;
    this.heard = isNew ? delay : this.heard + (delay - this.heard) / 10;
  }

  // fill: writes the samples of a channel.
  play(timestamp, count, channels, sampleRate, fill) {
    const { context } = this;
    if (context.state !== "running" || !Number.isFinite(this.delay)) return; // nothing has arrived yet
    const now = context.currentTime;
    const latency = context.outputLatency || context.baseLatency || 0;
    const ideal = now - latency + (timestamp / 1000 + this.delay - clock.local()) / 1000;
    if (this.next < now) this.next = Math.max(ideal, now + 0.005);
    const late = this.next - ideal;
    if (late > JUMP) { // too much waits, or it came too late: this is left out
      this.noteLeftOut();
      return;
    }
    this.leftOutSince = null;
    if (late < -JUMP) this.next = ideal; // sound is missing
    const speed = Math.abs(late) < TOLERANCE ? 1 : 1 + Math.max(-SPEED, Math.min(SPEED, late / 2));
    const buffer = context.createBuffer(channels, count, sampleRate);
    for (let channel = 0; channel < channels; channel += 1) fill(channel, buffer.getChannelData(channel));
    const source = new AudioBufferSourceNode(context, { buffer, playbackRate: speed });
    source.connect(this.analyser);
    source.connect(this.gain);
    source.start(this.next);
    this.noteHeard(clock.local() + (this.next - now + latency) * 1000 - timestamp / 1000);
    this.next += count / sampleRate / speed;
    this.playedAt = performance.now();
  }
}

// A level in decibels as 0 to 1.
export const levelOf = (decibels) => Math.max(0, Math.min(1, 1 - decibels / FLOOR));
