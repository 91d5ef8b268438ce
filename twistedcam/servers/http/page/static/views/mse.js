// Plays H.264 or H.265 with Media Source Extensions, where WebCodecs is missing: on http:// in a
// local network. iPhones have ManagedMediaSource only.
const Source = self.ManagedMediaSource ?? self.MediaSource;
// Seconds behind the newest picture after which the player plays faster, and after which it jumps to
// the newest: then it has to decode all pictures since the last key frame.
const MAX_LAG = 0.06, JUMP = 0.4;
const CATCH_UP = 1.5; // times the usual speed
const KEEP = 10; // seconds of played video after which it is removed
const KEEP_LEAST = 4; // seconds that then remain: the group of pictures that is being played
const MAX_QUEUED = 300; // fragments that wait for the buffer
const MAX_DURATION = 0.5; // seconds
// Chromium shows a picture when its time has come, even if the one before lasts longer. With this
// duration, in seconds, it does not stop to wait for pictures that are late. Other browsers would
// show each picture until it ends.
const LASTING = "chrome" in self ? 1 : null;
// Places in a fragment of the server: its time of decoding, then flags, duration and an offset of
// its only picture (tfdt, trun).
const DECODED = 60, FLAGS = 76, DURATION = 88, OFFSET = 100;
const HAS_OFFSET = 0x800;

export class MseDecoder {
  static query = "&container=mp4";
  static hasFlags = true;

  static isSupported() {
    return Boolean(Source) && "requestVideoFrameCallback" in HTMLVideoElement.prototype;
  }

  static supports(codec) { return Source.isTypeSupported(mediaType(codec)); }

  constructor(player) {
    this.player = player;
    this.queue = []; // what the buffer has not taken yet: types and segments
    this.packets = []; // those in the buffer, oldest first
    this.buffer = null;
    this.offset = 0; // seconds to add to the stream's times: the player begins at 0
    this.last = null; // time of decoding and duration of the last fragment
    this.newest = 0; // the time of the newest appended picture in the player
    this.video = document.createElement("video");
    this.video.muted = this.video.playsInline = this.video.disableRemotePlayback = true;
    this.video.addEventListener("error", () => player.fail(this, this.video.error?.message));
    this.source = new Source();
    this.source.addEventListener("sourceopen", () => this.flush());
    this.url = URL.createObjectURL(this.source);
    this.video.src = this.url;
    this.video.requestVideoFrameCallback((_, picture) => this.onPicture(picture));
  }

  configure({ codec }) {
    this.type = mediaType(codec);
  }

  // Fragments are acknowledged on arrival: the player shows them when it likes to.
  add(packet, data) {
    if (packet.isHeader) {
      this.queue.push({ type: this.type, data });
    } else {
      this.player.acknowledge(this, packet.seq);
      this.queue.push({ packet, data, ...this.place(data) });
      if (this.queue.length > MAX_QUEUED) this.player.fail(this, "the player takes no more video");
    }
    this.flush();
  }

  // Returns where a fragment belongs in the player, and sets its duration: that of the server is
  // nominal. A pause of the camera is left out, because players want a key frame after a gap of
  // twice the duration of a picture.
  place(data) {
    const view = new DataView(data.buffer, data.byteOffset);
    const decoded = Number(view.getBigUint64(DECODED)) / 1e6;
    let duration = view.getUint32(DURATION) / 1e6;
    if (!this.last) {
      this.offset = -decoded;
    } else {
      const interval = decoded - this.last.decoded;
      if (interval > 0) duration = Math.min(interval, MAX_DURATION);
      this.offset -= Math.max(0, interval - this.last.duration);
    }
    duration = LASTING ?? duration;
    view.setUint32(DURATION, duration * 1e6);
    this.last = { decoded, duration };
    const delay = view.getUint32(FLAGS) & HAS_OFFSET ? view.getInt32(OFFSET) / 1e6 : 0;
    return { offset: this.offset, at: decoded + this.offset + delay };
  }

  flush() {
    if (this.source.readyState !== "open" || this.buffer?.updating) return;
    const next = this.queue.shift();
    if (!next) return;
    try {
      if (next.type) this.setType(next.type);
      else this.buffer.timestampOffset = next.offset;
      this.buffer.appendBuffer(next.data);
    } catch (error) {
      this.player.fail(this, error.message);
      return;
    }
    if (next.packet) {
      this.newest = next.at;
      this.packets.push(next);
      if (this.packets.length > 2 * MAX_QUEUED) this.packets.splice(0, MAX_QUEUED);
    }
  }

  setType(type) {
    if (!this.buffer) {
      this.buffer = this.source.addSourceBuffer(type);
      this.buffer.addEventListener("updateend", () => this.onAppended());
    } else {
      this.buffer.changeType(type);
    }
  }

  onAppended() {
    if (this.source.readyState !== "open") return; // it was closed meanwhile
    this.follow();
    const { buffered } = this.buffer;
    const played = this.video.currentTime;
    // More may have been appended since the event was sent: the next one comes then.
    if (!this.buffer.updating && !this.queue.length && buffered.length && played - buffered.start(0) > KEEP) this.buffer.remove(0, played - KEEP_LEAST);
    this.flush();
  }

  // Keeps the player at the newest picture.
  follow() {
    const { video } = this;
    if (!this.packets.length || video.seeking) return;
    const lag = this.newest - video.currentTime;
    if (Math.abs(lag) > JUMP && isIn(video.buffered, this.newest)) video.currentTime = this.newest;
    video.playbackRate = lag > MAX_LAG ? CATCH_UP : 1;
    if (video.paused) video.play().catch((error) => { if (error.name === "NotAllowedError") this.player.fail(this, error.message); });
  }

  onPicture({ mediaTime, width, height }) {
    if (!this.video) return;
    this.video.requestVideoFrameCallback((_, picture) => this.onPicture(picture));
    let shown = this.packets[0];
    for (const each of this.packets) {
      if (Math.abs(each.at - mediaTime) < Math.abs(shown.at - mediaTime)) shown = each;
    }
    if (shown) this.player.paint(this.video, width, height, shown.packet);
  }

  close() {
    const { video } = this;
    this.video = null;
    this.queue = [];
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(this.url);
  }
}

const mediaType = (codec) => `video/mp4; codecs="${codec}"`;

function isIn(ranges, time) {
  for (let each = 0; each < ranges.length; each += 1) {
    if (ranges.start(each) <= time && time < ranges.end(each)) return true;
  }
  return false;
}
