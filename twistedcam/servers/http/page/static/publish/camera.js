// The cameras of this device: which there are, and how one is opened.
import { t } from "../lib/text.js";

const REFUSALS = {
  NotAllowedError: () => t("The browser does not allow this page to use the camera. Allow it in the browser's settings for this site, or behind the lock beside the address, and press “Start sending” again."),
  SecurityError: () => t("The browser does not allow this page to use the camera. Allow it in the browser's settings for this site, or behind the lock beside the address, and press “Start sending” again."),
  NotFoundError: () => t("This device has no camera that the browser can use."),
  NotReadableError: () => t("The camera is in use, or does not answer. Close other programs and pages that use it, and try again."),
  AbortError: () => t("The camera is in use, or does not answer. Close other programs and pages that use it, and try again."),
};
const MICROPHONE_REFUSALS = {
  NotAllowedError: () => t("The browser does not allow this page to use the microphone. Allow it in the browser's settings for this site."),
  NotFoundError: () => t("This device has no microphone that the browser can use."),
  NotReadableError: () => t("The microphone is in use, or does not answer."),
};
const HTTP_OPTION = "--http ssl:8443:privateKey=tls/key.pem:certKey=tls/cert.pem";

// Returns why this page cannot use the camera; "" if it can.
export function obstacle() {
  if (!isSecureContext) {
    const address = `https://${location.hostname}:8443${location.pathname}`;
    return [
      t("Browsers let a page use the camera only over HTTPS, or on the server's own computer."),
      t("On the server, make a certificate with “{command}”, and start it with “{option}”. Then open {address} on this device.", { command: "twistedcam tls-init", option: HTTP_OPTION, address }),
    ].join("\n");
  }
  return navigator.mediaDevices?.getUserMedia ? "" : t("This browser cannot use a camera.");
}

// Says in words why a camera or a microphone was not opened.
export function explain(error, isMicrophone = false) {
  const found = (isMicrophone ? MICROPHONE_REFUSALS : REFUSALS)[error.name];
  return found ? found() : t("The browser says: {message}", { message: error.message || error.name });
}

// Opens a camera. device: a value of listDevices(). Rejects as getUserMedia does.
export async function openCamera(device, width, height, rate) {
  const size = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: rate } };
  const [kind, value] = [device.slice(0, device.indexOf(":")), device.slice(device.indexOf(":") + 1)];
  const chosen = { facing: { facingMode: { ideal: value } }, device: { deviceId: { exact: value } } }[kind] ?? {};
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { ...size, ...chosen } });
  } catch (error) {
    if (error.name !== "OverconstrainedError" && error.name !== "NotFoundError") throw error;
    return navigator.mediaDevices.getUserMedia({ video: size }); // the chosen one is not there any more
  }
}

// Returns the choices of cameras: [value, name]. Their own names are known after one was opened.
export async function listDevices() {
  const found = (await navigator.mediaDevices?.enumerateDevices() ?? []).filter((each) => each.kind === "videoinput");
  const named = found.filter((each) => each.label && each.deviceId).map((each) => [`device:${each.deviceId}`, each.label]);
  const isPhone = matchMedia("(pointer: coarse)").matches;
  const general = isPhone ? [["facing:environment", t("Back camera")], ["facing:user", t("Front camera")]] : [["any:", t("Automatic")]];
  return [...general, ...named];
}

// Keeps the screen on while the page is shown.
export class ScreenLock {
  constructor() {
    this.isWanted = false;
    document.addEventListener("visibilitychange", () => { if (this.isWanted && !document.hidden) this.request(); });
  }

  hold() { this.isWanted = true; this.request(); }

  async request() {
    try {
      this.lock = await navigator.wakeLock?.request("screen");
      if (!this.isWanted) this.lock?.release();
    } catch { /* the battery is low: the screen goes off when the device decides */ }
  }

  release() {
    this.isWanted = false;
    this.lock?.release().catch(() => {});
    this.lock = null;
  }
}
