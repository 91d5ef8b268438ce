// Collects the samples of the microphone into pieces of 20 milliseconds (AudioWorklet).

class Collector extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(Math.round(sampleRate / 50));
    this.filled = 0;
  }

  process([channels]) {
    const samples = channels?.[0];
    if (!samples) return true;
    for (let at = 0; at < samples.length;) {
      const count = Math.min(samples.length - at, this.piece.length - this.filled);
      this.piece.set(samples.subarray(at, at + count), this.filled);
      this.filled += count;
      at += count;
      if (this.filled === this.piece.length) {
        // The time of the piece's first sample, in samples since the context began.
        const first = currentFrame + at - this.piece.length;
        this.port.postMessage({ first, samples: this.piece }, [this.piece.buffer]);
        this.piece = new Float32Array(Math.round(sampleRate / 50));
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("collector", Collector);
