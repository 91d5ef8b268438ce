// The pictures of a camera of this device, one after the other, with their times.
import { MediaClock, now } from "./times.js";

// Calls take(source, width, height, time) for each new picture of a video track until stop().
//
// source: a VideoFrame, or the <video> element; both can be drawn. time: milliseconds of this
// machine's clock. isPaused: the page is not shown, and the browser gives no pictures.
export class Pictures {
  constructor(track, video, take) {
    this.take = take;
    this.track = track;
    this.video = video;
    this.count = 0;
    this.clock = new MediaClock();
    this.isStopped = false;
    if (typeof MediaStreamTrackProcessor === "function" && typeof VideoFrame === "function") this.read(track);
    else this.watch();
  }

  stop() {
    this.isStopped = true;
    this.reader?.cancel().catch(() => {});
    if (this.callback !== undefined) this.video.cancelVideoFrameCallback?.(this.callback);
  }

  // Reads the track itself, which goes on while the page is hidden.
  async read(track) {
    this.reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable.getReader();
    while (!this.isStopped) {
      const { done, value } = await this.reader.read().catch(() => ({ done: true }));
      if (done) break;
      const timestamp = value.timestamp / 1000;
      this.clock.note(timestamp);
      try {
        // A picture that is marked as turned is drawn upright, as the <video> shows it.
        if (value.rotation || value.flip) this.give(this.video, this.video.videoWidth, this.video.videoHeight, this.clock.toLocal(timestamp));
        else this.give(value, value.displayWidth, value.displayHeight, this.clock.toLocal(timestamp));
      } finally {
        value.close();
      }
    }
  }

  // Takes each picture that the <video> shows.
  watch() {
    this.callback = this.video.requestVideoFrameCallback((shownAt, { captureTime, presentationTime }) => {
      if (this.isStopped) return;
      this.watch();
      const at = captureTime ?? presentationTime ?? shownAt;
      this.give(this.video, this.video.videoWidth, this.video.videoHeight, Math.min(now(), performance.timeOrigin + at));
    });
  }

  give(source, width, height, time) {
    this.count += 1;
    if (!this.isStopped && width > 1 && height > 1) this.take(source, width, height, time);
  }
}
