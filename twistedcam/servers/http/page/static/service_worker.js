// The service worker of the page. It keeps only what tells that the server cannot be reached: nothing
// that needs a login, no pictures, and no scripts, so that the page is always that of the server.
//
// The server replaces VERSION: with other files the browser installs this worker anew.
const VERSION = "@version@";
const PREFIX = `twistedcam ${registration.scope} `;
const CACHE = PREFIX + VERSION;
const OFFLINE = "static/offline.html";
const FILES = [
  OFFLINE, "static/style.css", "static/login.css", "static/offline.css", "static/icon.svg", "static/lib/text.js", "static/lib/storage.js",
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
