// Messages of the frame protocol (docs/frame-protocol.md), as a publisher needs them.

const MARK = 0x54;
const KINDS = { 3: "state", 5: "ack", 6: "ping", 7: "pong", 8: "error", 9: "bye", 11: "keyframe" };
const FRAME = 4, PING = 6, PONG = 7, BYE = 9;
export const CODECS = { jpeg: 1, h264: 2, opus: 17 };
const KEYFRAME = 1, CONFIGURATION = 2;
const HEADER = 8, FRAME_HEADER = 24;

function message(kind, length) {
  const bytes = new Uint8Array(HEADER + length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, MARK);
  view.setUint8(1, kind);
  view.setUint32(4, length);
  return [bytes, view];
}

// Returns a frame. timeUs: microseconds since 1970, by the server's clock. Without a size, that of
// the data counts. A key frame and the configuration of sound are marked.
export function frame({ seq, timeUs, codec, data, width = 0, height = 0, isKeyframe = false, isConfiguration = false }) {
  const [bytes, view] = message(FRAME, FRAME_HEADER + data.byteLength);
  view.setBigUint64(HEADER, BigInt(seq));
  view.setBigUint64(HEADER + 8, BigInt(Math.max(0, Math.round(timeUs))));
  view.setUint16(HEADER + 16, width);
  view.setUint16(HEADER + 18, height);
  view.setUint8(HEADER + 20, codec);
  view.setUint8(HEADER + 21, (isKeyframe ? KEYFRAME : 0) | (isConfiguration ? CONFIGURATION : 0));
  bytes.set(data, HEADER + FRAME_HEADER);
  return bytes;
}

export const ping = () => message(PING, 8)[0];
export const bye = () => message(BYE, 0)[0];

export function pong(body) {
  const [bytes] = message(PONG, 8);
  bytes.set(body, HEADER);
  return bytes;
}

// Returns the kind of a message of the server, and what it contains; null if it is unknown.
export function read(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER || view.getUint8(0) !== MARK) return null;
  const kind = KINDS[view.getUint8(1)];
  const body = new Uint8Array(buffer, HEADER);
  if (kind === "ack" || kind === "ping") return { kind, body, number: Number(view.getBigUint64(HEADER)) };
  if (kind === "state" || kind === "error") return { kind, ...JSON.parse(new TextDecoder().decode(body)) };
  return kind ? { kind } : null;
}
