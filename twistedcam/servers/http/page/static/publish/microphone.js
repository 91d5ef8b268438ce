// The microphone of this device, as packets of Opus.
import { MediaClock } from "./times.js";

const RATE = 48000;
const BITRATE = 48000;
const PRE_SKIP = 312; // samples of a decoder's beginning (RFC 7845, 5.1)

export const hasOpus = () => typeof AudioEncoder === "function" && typeof AudioWorkletNode === "function";

// The configuration of a decoder: OpusHead.
function opusHead() {
  const head = new Uint8Array(19);
  head.set(new TextEncoder().encode("OpusHead"));
  const view = new DataView(head.buffer);
  view.setUint8(8, 1); // version
  view.setUint8(9, 1); // channels
  view.setUint16(10, PRE_SKIP, true);
  view.setUint32(12, RATE, true);
  return head;
}

export class Microphone {
  // send({data, time, isConfiguration}) gets the configuration and each packet.
  constructor(send, onFailed) {
    this.send = send;
    this.onFailed = onFailed;
    this.clock = new MediaClock();
    this.isDescribed = false;
  }

  // Asks for the microphone, and begins. Rejects as getUserMedia does.
  async start(deviceId) {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: true, channelCount: 1, ...(deviceId ? { deviceId } : {}) };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio });
    try {
      await this.encode();
    } catch (error) {
      this.stop();
      throw error;
    }
    this.stream.getAudioTracks()[0].addEventListener("ended", () => { this.stop(); this.onFailed(null); });
  }

  async encode() {
    this.context = new AudioContext({ sampleRate: RATE });
    let source;
    try {
      source = this.context.createMediaStreamSource(this.stream);
    } catch { // Firefox takes the device's own rate only
      await this.context.close();
      this.context = new AudioContext();
      source = this.context.createMediaStreamSource(this.stream);
    }
    const { sampleRate } = this.context;
    this.encoder = new AudioEncoder({ output: (chunk) => this.output(chunk), error: (error) => { this.stop(); this.onFailed(error); } });
    this.encoder.configure({ codec: "opus", sampleRate, numberOfChannels: 1, bitrate: BITRATE });
    await this.context.audioWorklet.addModule(new URL("sound_worklet.js", import.meta.url));
    const collector = new AudioWorkletNode(this.context, "collector", { channelCount: 1, channelCountMode: "explicit", numberOfOutputs: 0 });
    collector.port.onmessage = ({ data: { first, samples } }) => this.take(first / sampleRate, samples, sampleRate);
    source.connect(collector);
    await this.context.resume();
  }

  // seconds: the time of the first sample, of the context's clock.
  take(seconds, samples, sampleRate) {
    this.clock.note((seconds + samples.length / sampleRate) * 1000);
    if (this.encoder?.state !== "configured" || this.encoder.encodeQueueSize > 20) return;
    const piece = new AudioData({ format: "f32-planar", sampleRate, numberOfFrames: samples.length, numberOfChannels: 1, timestamp: Math.round(seconds * 1e6), data: samples });
    this.encoder.encode(piece);
    piece.close();
  }

  output(chunk) {
    if (!this.isDescribed) {
      this.isDescribed = true;
      this.send({ data: opusHead(), isConfiguration: true });
    }
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    this.send({ data, time: this.clock.toLocal(chunk.timestamp / 1000) });
  }

  // Sends the configuration again: the connection is a new one.
  describe() { this.isDescribed = false; }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    if (this.encoder && this.encoder.state !== "closed") this.encoder.close();
    this.context?.close().catch(() => {});
    this.stream = this.encoder = this.context = null;
  }
}
