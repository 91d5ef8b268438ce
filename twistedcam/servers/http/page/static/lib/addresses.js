// The addresses of a camera, as other programs want them. What is to be typed into a program is not
// translated: it has to be found there.
import { t } from "./text.js";

const LOOPBACK = /^(localhost|.*\.localhost|127\..*|\[::1\])$/;

// Returns an address of the server as this browser's computer can use it, or null if only the
// server's own computer can.
export function reachable(url, host) {
  if (!url) return null;
  const found = /^([a-z]+:\/\/)(\[[^\]]*\]|[^:/]*)(.*)$/.exec(url);
  if (!found) return null;
  const [, scheme, name, rest] = found;
  if (name === "0.0.0.0" || name === "[::]") return scheme + host + rest;
  return LOOPBACK.test(name) && !LOOPBACK.test(host) ? null : url;
}

// Returns programs, each with its name, hints, and lines: [label, text].
//
// base: the address of the page without a slash at its end; server: the answer of /api/v1/server;
// token: what the programs send, or "".
export function programs({ base, server, camera, token }) {
  const path = encodeURIComponent(camera);
  const { host, hostname, protocol } = new URL(base);
  const http = (part, query = "") => {
    const parameters = [query, token && `token=${encodeURIComponent(token)}`].filter(Boolean).join("&");
    return `${base}${part}${parameters && `?${parameters}`}`;
  };
  const withLogin = (url) => (token ? url.replace("://", `://x:${encodeURIComponent(token)}@`) : url);
  const rtsp = reachable(server.rtsp, hostname);
  const frames = reachable(server.view, hostname);
  const withPath = (name) => withLogin(`${name}/${path}`);
  const closed = (option) => [["", t("This port is open only to the server's own computer: start the server with {option}.", { option })]];
  const key = camera.replace(/[^A-Za-z0-9_-]/g, "_") || "camera";
  return [
    { name: "VLC, mpv", hint: t("VLC: Media, Open Network Stream. mpv: mpv ADDRESS."), lines: [
      [t("Video"), http(`/video/${path}`)], ...(rtsp ? [["RTSP", withPath(rtsp)]] : []),
    ] },
    { name: "Home Assistant", hint: t("Add the integration “MJPEG IP Camera”."), lines: [
      ["MJPEG URL", `${base}/stream/${path}`], ["Still image URL", `${base}/snapshot/${path}`],
      ...(token ? [["Username", "x"], ["Password", token]] : []),
    ] },
    { name: "OctoPrint", hint: t("Settings, Classic Webcam. The browser opens the stream, OctoPrint the snapshot."), lines: [
      ["Stream URL", http(`/stream/${path}`)], ["Snapshot URL", http(`/snapshot/${path}`)],
    ] },
    { name: "Frigate", hint: t("Into its configuration."), lines: rtsp ? [
      [t("Camera"), `cameras:\n  ${key}:\n    ffmpeg:\n      inputs:\n        - path: ${withPath(rtsp)}\n          roles: [record, detect]`],
    ] : closed("--rtsp 0.0.0.0:8554") },
    { name: "Motion", hint: t("Into its configuration."), lines: [
      [t("Camera"), [`netcam_url ${base}/stream/${path}`, ...(token ? [`netcam_userpass x:${token}`] : [])].join("\n")],
    ] },
    { name: "FFmpeg", hint: t("Ten seconds into a file, without encoding."), lines: [
      [t("Command"), `ffmpeg -i ${quoted(http(`/video/${path}`, "codec=h264"))} -t 10 -c copy ${quoted(`${key}.mp4`)}`],
    ] },
    { name: "GStreamer", hint: t("Shows the pictures."), lines: [
      [t("Command"), `gst-launch-1.0 souphttpsrc location=${quoted(http(`/stream/${path}`))} ! multipartdemux ! jpegdec ! videoconvert ! autovideosink`],
    ] },
    { name: "Python", hint: t("With OpenCV, or with twistedcam's own client."), lines: [
      ["OpenCV", `import cv2\n\ncapture = cv2.VideoCapture(${literal(http(`/stream/${path}`))})\nokay, image = capture.read()\nprint(okay, image.shape)`],
      ...(frames ? [["twistedcam", `from twistedcam import connect\n\nfor frame in connect(${literal(`${frames}/${path}`)}${token && `, token=${literal(token)}`}):\n    print(frame.seq, frame.time, frame.image.shape)\n    break`]] : []),
    ] },
    { name: t("Phone, tablet"), hint: t("Opens this page on another device; with a token without logging in."), lines: LOOPBACK.test(hostname) ? [
      ["", t("Other devices cannot use this address. “Set up” below the page opens the server to the network and shows its address there.")],
    ] : [[t("Page"), http("/")]] },
    { name: t("Browser, other"), hint: protocol === "https:" ? "" : t("Other computers have to reach {host}.", { host }), lines: [
      ["MJPEG", http(`/stream/${path}`)], [t("Picture"), http(`/snapshot/${path}`)], ["MP4", http(`/video/${path}`)],
      ...(rtsp ? [["RTSP", withPath(rtsp)]] : []),
    ] },
  ];
}

// Quotes a word for a shell.
const quoted = (word) => (/^[\w.:/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

// A text in Python.
const literal = (text) => JSON.stringify(text);
