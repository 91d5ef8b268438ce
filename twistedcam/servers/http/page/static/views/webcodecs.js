// Decodes H.264 or H.265 with WebCodecs, which browsers have in secure contexts only.
//
// Without a description the decoder takes access units in Annex B, as the server sends them.
export class WebCodecsDecoder {
  static query = "";
  static hasFlags = true;

  static isSupported() { return "VideoDecoder" in self; }

  static async supports(codec) {
    try { return (await VideoDecoder.isConfigSupported(configuration(codec))).supported; } catch { return false; }
  }

  constructor(player) {
    this.player = player;
    this.packets = new Map(); // those in the decoder, by their capture time in microseconds
    this.queued = []; // sequence numbers of packets that are not acknowledged yet
    this.needsKeyframe = true;
    this.decoder = new VideoDecoder({
      output: (frame) => this.onFrame(frame),
      error: (error) => player.fail(this, error.message),
    });
    this.decoder.addEventListener("dequeue", () => this.acknowledge());
  }

  // Begins anew: at the start, and when the stream has changed.
  configure({ codec }) {
    this.needsKeyframe = true;
    this.decoder.configure(configuration(codec));
  }

  add(packet, data) {
    if (this.decoder.state !== "configured" || (this.needsKeyframe && !packet.isKeyframe)) {
      this.player.acknowledge(this, packet.seq); // decode() would throw
      return;
    }
    this.needsKeyframe = false;
    this.packets.set(packet.timestamp, packet);
    this.queued.push(packet.seq);
    this.decoder.decode(new EncodedVideoChunk({ type: packet.isKeyframe ? "key" : "delta", timestamp: packet.timestamp, data }));
    this.acknowledge();
  }

  // Acknowledges what the decoder has begun to decode. Pictures come later, some of them only with
  // the next packet, so they are no measure of how fast this browser is.
  acknowledge() {
    const begun = this.queued.splice(0, this.queued.length - this.decoder.decodeQueueSize);
    if (begun.length) this.player.acknowledge(this, begun.at(-1));
  }

  onFrame(frame) {
    this.acknowledge(); // some browsers send no "dequeue"
    const packet = this.packets.get(frame.timestamp);
    for (const timestamp of this.packets.keys()) {
      if (timestamp <= frame.timestamp) this.packets.delete(timestamp);
    }
    if (packet) this.player.paint(frame, frame.displayWidth, frame.displayHeight, packet);
    frame.close();
  }

  close() {
    if (this.decoder.state !== "closed") this.decoder.close();
  }
}

const configuration = (codec) => ({ codec, optimizeForLatency: true });
