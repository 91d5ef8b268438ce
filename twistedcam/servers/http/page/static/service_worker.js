// The service worker of the page. It keeps only what tells that the server cannot be reached: nothing
// that needs a login, no pictures, and no scripts, so that the page is always that of the server.
//
// The server replaces VERSION: with other files the browser installs this worker anew.
const VERSION = "@version@";
const PREFIX = `twistedcam ${registration.scope} `;
const CACHE = PREFIX + VERSION;
const OFFLINE = "static/offline.html";
const FILES = [
  OFFLINE, "static/style.css", "static/login.css", "static/offline.css", "static/offline.js", "static/icon.svg", "static/lib/text.js", "static/lib/storage.js",
].map(inScope);
const TEXTS = inScope("static/texts/"); // the translations, of which each browser needs one

function inScope(path) { return new URL(path, registration.scope).href; }

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES.map((each) => new Request(each, { cache: "reload" })))));
});

// Other servers below the same host have caches of their own.
async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
  await clients.claim();
}

addEventListener("activate", (event) => event.waitUntil(activate()));

// Everything else goes to the server as without this worker.
addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const [address] = request.url.split(/[?#]/);
  if (request.mode === "navigate" && address === registration.scope) {
    event.respondWith(fetch(request).catch(() => caches.match(inScope(OFFLINE))));
  } else if (FILES.includes(address) || address.startsWith(TEXTS)) {
    event.respondWith(load(request, address));
  }
});

// Asks the server first: what is kept is for the time when it does not answer.
async function load(request, address) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (address.startsWith(TEXTS) && response.ok) await cache.put(address, response.clone());
    return response;
  } catch {
    return await cache.match(address) ?? Response.error();
  }
}

// Notifications. The server sends what has happened; the text is made here, in the user's language.
const KEPT_TEXTS = 1500; // milliseconds to wait for the translations
const IMAGE_TIME = 4000; // milliseconds to wait for the picture: the phone may be far from the server

addEventListener("push", (event) => event.waitUntil(notify(event.data?.json() ?? { kind: "test" })));

async function notify(message) {
  const t = translator(await texts(message.language));
  const { title, zone, what, reason } = message;
  const [head, body] = {
    motion: () => [title, zone ? t("Motion in {zone}", { zone }) : t("Motion")],
    detection: () => [title, zone ? t("{what} in {zone}", { what, zone }) : what],
    lost: () => [title, reason ? t("No picture: {reason}", { reason }) : t("No picture")],
    back: () => [title, t("The picture is back")],
    recording: () => [title, t("Recording failed: {reason}", { reason: reason ?? "" })],
    fault: () => [title ?? "twistedcam", reason ?? what],
  }[message.kind]?.() ?? ["twistedcam", t("Notifications work in this browser")];
  await registration.showNotification(head ?? "twistedcam", {
    body,
    tag: message.topic,
    renotify: Boolean(message.topic),
    timestamp: (message.time ?? Date.now() / 1000) * 1000,
    icon: inScope("static/icon-192.png"),
    badge: inScope("static/icon-badge-96.png"),
    image: message.image ? await picture(inScope(message.image)) : undefined,
    data: { url: inScope(message.url ?? "./") },
  });
}

// The picture of the event, which needs the login: the notification would load it without.
async function picture(address) {
  try {
    const response = await fetch(address, { credentials: "same-origin", signal: AbortSignal.timeout(IMAGE_TIME) });
    if (!response.ok) return undefined;
    const bytes = new Uint8Array(await response.arrayBuffer());
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return `data:image/jpeg;base64,${btoa(text)}`;
  } catch {
    return undefined;
  }
}

async function texts(language = "en") {
  if (language === "en" || !/^[a-z]{2,3}$/.test(language)) return {};
  const address = `${TEXTS}${language}.json`;
  const kept = await (await caches.open(CACHE)).match(address);
  try {
    return await (kept ?? await fetch(address, { signal: AbortSignal.timeout(KEPT_TEXTS) })).json();
  } catch {
    return {};
  }
}

const translator = (catalogue) => (english, values = {}) => {
  const text = typeof catalogue[english] === "string" ? catalogue[english] : english;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
};

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data?.url ?? registration.scope));
});

// Shows the camera in a window of the page that is open, or in a new one.
async function show(url) {
  const windows = await clients.matchAll({ type: "window" });
  const found = windows.find((each) => each.url.startsWith(registration.scope));
  if (!found) { await clients.openWindow(url); return; }
  await found.focus();
  await found.navigate(url);
}
