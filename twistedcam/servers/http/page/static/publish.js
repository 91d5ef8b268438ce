// The page that makes a phone or a computer a camera of the server.
import { address, request } from "./lib/api.js";
import { $, capital, setIcon, visible } from "./lib/dom.js";
import { bits } from "./lib/format.js";
import { errorText } from "./lib/errors.js";
import { announce } from "./lib/messages.js";
import { store, stored } from "./lib/storage.js";
import { number, t } from "./lib/text.js";
import { ScreenLock, explain, listDevices, obstacle, openCamera } from "./publish/camera.js";
import { Connection } from "./publish/connection.js";
import { H264Encoder, JpegEncoder, hasH264 } from "./publish/encoders.js";
import { LineSpeed } from "./publish/line.js";
import { Microphone, hasOpus } from "./publish/microphone.js";
import { Pictures } from "./publish/pictures.js";
import { now } from "./publish/times.js";

const CHOICES = "twistedcam device as camera"; // what was chosen last
const JPEG_WINDOW = 2; // unacknowledged pictures
const HIDDEN_CHECK = 1500; // milliseconds after which a hidden page that gives no pictures disconnects
const root = new URL(".", document.baseURI).pathname;
const path = `/${location.pathname.slice(root.length).replace(/\/+$/, "")}`;
const video = $("#preview");
const [device, size, rate] = [$("#device"), $("#size"), $("#rate")];
const screenLock = new ScreenLock();

let title = "";
let stream = null;
let pictures = null;
let encoder = null;
let failures = 0; // of the encoder of H.264
let microphone = null;
let line = new LineSpeed();
let needsKeyframe = true; // the server cannot decode what comes before one
let nextDue = 0; // the time of the next picture, by the rate that was chosen
let shown = { width: 0, height: 0 };
let sent = 0; // pictures since the figures were shown
let bytesBefore = 0;
let isSending = false;
let isPaused = false; // the page is hidden, and was disconnected for that
let hiddenAt = 0;
let cameraState = null;
let state = "";
let stateNote = ""; // what a note says of the state

const connection = new Connection(path, {
  onOpen() {
    needsKeyframe = true;
    encoder?.requestKeyframe();
    microphone?.describe();
    showFault("");
  },
  onState(found) {
    if (cameraState?.state === "stopped") { needsKeyframe = true; encoder?.requestKeyframe(); }
    cameraState = found;
    showState();
  },
  onKeyframe() { encoder?.requestKeyframe(); },
  onEnd(reason, seconds) {
    cameraState = null;
    if (seconds === null) { stop(); showFault(capital(reason || t("The server has ended the connection."))); return; }
    showFault(`${reason ? capital(reason) : t("The connection to the server is lost")}. ${t("Trying again in {seconds} s.", { seconds })}`);
    showState();
  },
});

// Starts to send. It runs on a click: browsers ask for the camera then.
async function start() {
  showFault("");
  note("");
  $("#send").disabled = true;
  try {
    await openStream();
    encoder = await makeEncoder();
  } catch (error) {
    closeStream();
    showFault(explain(error));
    return;
  } finally {
    $("#send").disabled = false;
  }
  isSending = true;
  isPaused = false;
  line = new LineSpeed();
  connection.open();
  screenLock.hold();
  note(encoder.name === "JPEG" ? t("This browser cannot encode H.264 without a delay: it sends JPEG pictures, which need a faster connection.") : t("Keep this page open and in front: phones stop the camera of a hidden page."));
  showState();
}

function stop() {
  isSending = isPaused = false;
  connection.close();
  closeStream();
  encoder?.close();
  encoder = null;
  microphone?.stop();
  microphone = null;
  cameraState = null;
  screenLock.release();
  note("");
  showMicrophone();
  showState();
}

async function makeEncoder() {
  const wanted = Number(rate.value);
  const isBroken = failures > 2;
  if (!isBroken && await hasH264()) return new H264Encoder(wanted, send, () => { failures += 1; replaceEncoder(); });
  return new JpegEncoder(wanted, send);
}

async function replaceEncoder() {
  encoder?.close();
  encoder = null;
  needsKeyframe = true;
  const made = await makeEncoder();
  if (isSending) encoder = made;
  if (isSending && made.name === "JPEG") note(t("This browser cannot encode H.264 without a delay: it sends JPEG pictures, which need a faster connection."));
}

async function openStream() {
  closeStream();
  const [width, height] = size.value.split("×").map(Number);
  stream = await openCamera(device.value, width, height, Number(rate.value));
  const [track] = stream.getVideoTracks();
  track.addEventListener("ended", () => { stop(); showFault(t("The camera was unplugged, or the browser has taken it away.")); });
  track.addEventListener("mute", () => note(t("The camera gives no pictures now.")));
  track.addEventListener("unmute", () => note(""));
  video.srcObject = stream;
  video.classList.toggle("mirrored", track.getSettings().facingMode === "user");
  $("#hint").hidden = true;
  await video.play().catch(() => {}); // a hidden page
  pictures = new Pictures(track, video, take);
  nextDue = 0;
  await showDevices();
}

function closeStream() {
  pictures?.stop();
  for (const track of stream?.getTracks() ?? []) track.stop();
  pictures = stream = null;
  video.srcObject = null;
  $("#hint").hidden = false;
}

// A stopped camera takes no pictures: they would be sent for nothing.
const canSend = () => connection.isOpen && cameraState?.state !== "stopped";

// Takes a new picture of the camera: encodes it, or leaves it out.
function take(source, width, height, time) {
  if (!encoder || !canSend()) return;
  const interval = 1000 / Number(rate.value);
  if (time < nextDue - interval / 4) return; // the camera is faster than was asked for
  nextDue = Math.max(nextDue + interval, time);
  line.noteDelay(connection.delay);
  if (!connection.isFree) { line.noteLeftOut(); return; }
  if (encoder.name === "JPEG" && connection.unacknowledged.length >= JPEG_WINDOW) return;
  shown = { width, height };
  encoder.encode(source, width, height, time);
}

function send(packet) {
  if (!connection.isOpen) { encoder?.requestKeyframe(); return; }
  if (packet.codec === 2) {
    if (needsKeyframe && !packet.isKeyframe) return;
    needsKeyframe = false;
  }
  connection.sendPicture(packet);
  line.noteSent();
  sent += 1;
}

async function switchMicrophone() {
  if (microphone) { microphone.stop(); microphone = null; showMicrophone(); return; }
  if (!hasOpus()) { note(t("This browser cannot send sound.")); return; }
  const made = new Microphone(
    (packet) => { if (canSend()) connection.sendSound(packet); else made.describe(); },
    (error) => { microphone = null; showMicrophone(); note(error ? explain(error, true) : t("The microphone was unplugged.")); },
  );
  try {
    await made.start();
    microphone = made;
    note(t("Everybody who may listen to this camera hears the microphone."));
  } catch (error) { note(explain(error, true)); }
  showMicrophone();
}

// Another camera, size or rate was chosen: goes on with it, without a new connection.
async function change() {
  store(CHOICES, JSON.stringify([device.value, size.value, rate.value]));
  if (!isSending) return;
  try {
    await openStream();
    await replaceEncoder();
  } catch (error) {
    stop();
    showFault(explain(error));
  }
}

// Disconnects while the page is hidden and its camera gives no pictures: viewers are told so.
async function watchVisibility() {
  if (!document.hidden) {
    if (!isPaused) return;
    isPaused = false;
    const seconds = Math.round((now() - hiddenAt) / 1000);
    const [track] = stream?.getVideoTracks() ?? [];
    try {
      if (!track || track.readyState === "ended" || track.muted) await openStream();
    } catch (error) { stop(); showFault(explain(error)); return; }
    connection.open();
    note(t("This page was hidden for {seconds} s, and sent no pictures meanwhile. Keep it in front.", { seconds }));
    showState();
    return;
  }
  hiddenAt = now();
  let before = pictures?.count;
  const timer = setInterval(() => {
    if (!document.hidden || !isSending) { clearInterval(timer); return; }
    if (pictures?.count === before) {
      clearInterval(timer);
      isPaused = true;
      connection.close();
      showState();
    }
    before = pictures?.count;
  }, HIDDEN_CHECK);
}

function showFigures() {
  const share = line.judge();
  const bytes = connection.sentBytes - bytesBefore;
  bytesBefore = connection.sentBytes;
  if (isSending && encoder && share !== encoder.share) encoder.slow(share);
  const figures = $("#figures");
  figures.hidden = !isSending || !connection.isOpen || !shown.width;
  const { roundTrip } = connection.clock;
  const values = { codec: encoder?.name ?? "", width: String(shown.width), height: String(shown.height), rate: number(sent, { maximumFractionDigits: 0 }), bits: bits(bytes * 8) };
  figures.textContent = t("{codec}, {width} × {height}, {rate} pictures a second, {bits}", values) + (roundTrip === null ? "" : `, ${t("{milliseconds} ms to the server and back", { milliseconds: Math.max(1, Math.round(roundTrip)) })}`);
  sent = 0;
  showState();
}

function showState() {
  const found = !isSending ? ["off", t("Not sending")]
    : isPaused ? ["lost", t("Hidden: not sending")]
      : !connection.isOpen ? ["lost", t("Connecting")]
        : cameraState?.state === "stopped" ? ["lost", t("Stopped at the server"), t("The camera is stopped at the server. Start it there to see its pictures.")]
          : line.isSlow ? ["slow", t("Slow connection"), t("The connection is slow: pictures have less detail, or are left out, so that none arrives late.")] : ["live", t("Sending")];
  if (found.join() === state) return;
  const before = state;
  state = found.join();
  const pill = $("#state");
  pill.dataset.state = found[0];
  pill.lastElementChild.textContent = found[1];
  if (before) announce("state", found[1]);
  document.title = `${found[0] === "live" ? "● " : isSending ? "⚠ " : ""}${title || t("Use this device as a camera")} – twistedcam`;
  if (stateNote && $("#note").textContent === stateNote) note("");
  stateNote = found[2] ?? "";
  if (stateNote) note(stateNote);
  const button = $("#send");
  button.dataset.on = isSending;
  button.lastElementChild.textContent = isSending ? t("Stop sending") : t("Start sending");
  setIcon($("use", button), isSending ? "stop" : "play");
}

function showMicrophone() {
  const button = $("#microphone");
  button.setAttribute("aria-pressed", String(Boolean(microphone)));
  setIcon($("use", button), microphone ? "microphone" : "microphone-off");
}

function showFault(text) {
  $("#fault").textContent = text;
  $("#fault").hidden = !text;
}

function note(text) {
  $("#note").textContent = text;
  $("#note").hidden = !text;
}

async function showDevices() {
  const before = device.value;
  const found = await listDevices();
  device.replaceChildren(...found.map(([value, name]) => new Option(name, value)));
  if (found.some(([value]) => value === before)) device.value = before;
  $("#turn").hidden = !found.some(([value]) => value.startsWith("facing:"));
}

// Lists the cameras of the server that this device can be, if the address names none.
function showChoice(cameras) {
  $("#choose").hidden = false;
  $("#choose").replaceChildren(...cameras.map(({ camera, title: name }) => {
    const [row, link] = [document.createElement("li"), document.createElement("a")];
    link.className = "ghost";
    link.href = address(`/publish/${encodeURIComponent(camera)}`);
    link.textContent = visible(name);
    link.dir = "auto";
    row.append(link);
    return row;
  }));
  if (!cameras.length) showFault(t("No camera of the server takes the pictures of other devices. Add one in the settings of the page, with the address “push:”."));
}

async function begin() {
  const choices = (() => { try { return JSON.parse(stored(CHOICES)) ?? []; } catch { return []; } })();
  const response = await request(path, { headers: { Accept: "application/json" } }).catch(() => null);
  const found = await response?.json().catch(() => null);
  if (!response?.ok) { showFault(capital(errorText(found ?? {}, t("The server does not answer.")))); return; }
  if (path === "/publish") { showChoice(found.cameras); return; }
  title = visible(found.cameras[0].title);
  $("#title").textContent = title;
  $("#title").title = title;
  document.title = `${title} – twistedcam`;
  const reason = obstacle();
  if (reason) { showFault(reason); return; }
  await showDevices();
  for (const [select, value] of [[device, choices[0]], [size, choices[1]], [rate, choices[2]]]) {
    if ([...select.options].some((option) => option.value === value)) select.value = value;
  }
  $("#options").hidden = $("#actions").hidden = false;
  $("#send").addEventListener("click", () => (isSending ? stop() : start()));
  $("#microphone").addEventListener("click", switchMicrophone);
  $("#turn").addEventListener("click", () => {
    const [track] = stream?.getVideoTracks() ?? [];
    const isFront = track ? track.getSettings().facingMode === "user" : device.value === "facing:user";
    device.value = isFront ? "facing:environment" : "facing:user";
    change();
  });
  for (const select of [device, size, rate]) select.addEventListener("change", change);
  document.addEventListener("visibilitychange", watchVisibility);
  addEventListener("pagehide", () => connection.close());
  addEventListener("pageshow", (event) => { if (event.persisted && isSending) connection.open(); });
  setInterval(showFigures, 1000);
  showState();
  hasH264(); // known before the first click
}

begin();
