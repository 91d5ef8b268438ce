// Draws the JPEG frames of a WebSocket, each alone.
export class JpegDecoder {
  static query = "";
  static hasFlags = false;

  constructor(player) {
    this.player = player;
  }

  async add({ seq, time }, data) {
    const { player } = this;
    const began = performance.now();
    await player.drawJpeg(new Blob([data], { type: "image/jpeg" }), seq, time);
    player.busy += performance.now() - began;
    player.acknowledge(this, seq);
  }

  close() { /* it holds nothing */ }
}
