// The dialog in which the user switches notifications on for this browser.
import { post, request } from "../lib/api.js";
import { worker } from "../lib/app_worker.js";
import { $, capital } from "../lib/dom.js";
import { showMessage } from "../lib/messages.js";
import { language, serverText, t } from "../lib/text.js";

const dialog = $("#notifications");
const boxes = { motion: $("#notify-motion"), faults: $("#notify-faults") };
let key = null; // of the server, for the browser's push service

export function watchNotifications() {
  $("#notifications-open").addEventListener("click", open);
  for (const box of Object.values(boxes)) box.addEventListener("change", () => run(change));
  $("#notify-test").addEventListener("click", () => run(test));
}

async function open() {
  setState(null);
  dialog.showModal();
  await run(load);
}

// Runs an action, and shows its error.
async function run(action) {
  $("#notify-error").hidden = true;
  setBusy(true);
  try {
    await action();
  } catch (error) {
    $("#notify-error").textContent = capital(error.message);
    $("#notify-error").hidden = false;
  } finally {
    setBusy(false);
  }
}

function setBusy(isBusy) {
  for (const each of [...Object.values(boxes), $("#notify-test")]) each.disabled = isBusy;
}

// settings: of this browser: { found, motion, faults }; null: nothing can be set.
function setState(settings, reason = "") {
  $("#notify-reason").textContent = reason;
  $("#notify-reason").hidden = !reason;
  $("#notify-settings").hidden = settings === null;
  for (const [name, box] of Object.entries(boxes)) box.checked = Boolean(settings?.found && settings[name]);
  $("#notify-test").hidden = !settings?.found;
}

// Returns why this browser shows no notifications; "" if it can.
function obstacle(registration) {
  if (!isSecureContext) return t("Notifications need an encrypted connection, and this page was opened with http://. Open it with https://, for which the server needs a certificate (twistedcam tls-init).");
  const isApple = /iPhone|iPad/.test(navigator.userAgent) || (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1);
  if (isApple && !("PushManager" in self)) return t("On an iPhone or iPad, first add this page to the home screen, and open it from there.");
  if (!("PushManager" in self) || !("Notification" in self)) return t("This browser has no notifications.");
  if (!registration) return t("This browser has no service worker for this page. It may be a private window, or the certificate of the server is not trusted.");
  if (Notification.permission === "denied") return t("You have blocked notifications of this page in the browser. Allow them in its settings of this page.");
  return "";
}

async function load() {
  const registration = await worker;
  const reason = obstacle(registration);
  if (reason) { setState(null, reason); return; }
  const response = await request("/push");
  const found = await response.json().catch(() => ({}));
  if (!response.ok || !found.available) { setState(null, capital(serverText(found.reason ?? found.message ?? t("This server sends no notifications.")))); return; }
  key = found.key;
  const { subscription } = await current();
  setState(subscription ? await post("/push/find", { endpoint: subscription.endpoint }) : { found: false });
}

async function current() {
  const registration = await worker;
  const subscription = await registration.pushManager.getSubscription();
  const own = subscription?.options?.applicationServerKey;
  // With another key, as after a new installation, the server could not use it.
  const isUsable = !own || base64(own) === key;
  return { registration, subscription: isUsable ? subscription : null, old: isUsable ? null : subscription };
}

const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// Tells the server what the boxes say; without any, this browser gets no more notifications.
async function change() {
  const wanted = Object.fromEntries(Object.entries(boxes).map(([name, box]) => [name, box.checked]));
  const { registration, subscription, old } = await current();
  await old?.unsubscribe();
  if (!wanted.motion && !wanted.faults) {
    if (subscription) {
      await post("/push/forget", { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    setState({ found: false });
    return;
  }
  try {
    if (await Notification.requestPermission() !== "granted") throw new Error(t("The browser does not allow notifications of this page."));
    const device = subscription ?? await subscribe(registration);
    const { endpoint, keys } = device.toJSON();
    setState(await post("/push/device", { endpoint, keys, ...wanted, language }));
  } catch (error) {
    setState({ found: false });
    throw error;
  }
}

async function subscribe(registration) {
  try {
    return await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch (error) {
    throw new Error(t("The push service of the browser does not answer: {reason}", { reason: error.message }));
  }
}

async function test() {
  const { subscription } = await current();
  await post("/push/test", { endpoint: subscription?.endpoint ?? "" });
  showMessage(t("A notification was sent to this browser"));
}
