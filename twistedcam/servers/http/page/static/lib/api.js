// Requests to the server, with the token that the page was opened with.
import { capital } from "./dom.js";
import { showMessage } from "./messages.js";

const ACCESS_TIMEOUT = 10000; // milliseconds: after wrong tokens the server delays its answers
const TOKEN_KEY = `twistedcam token ${location.pathname}`;

// The token of /?token=… or null. It is removed from the address at once, so that it is neither
// seen nor copied, and kept for this tab. "?tab" takes its place: with it the server sends the page
// again without a token.
const token = takeToken();

function takeToken() {
  const url = new URL(location.href);
  const query = url.searchParams;
  const given = query.get("token");
  if (given !== null) {
    query.delete("token");
    if (storeToken(given)) query.set("tab", "");
    history.replaceState(history.state, "", url.pathname + url.search + url.hash);
    return given;
  }
  if (!query.has("tab")) return null;
  const stored = storedToken();
  if (stored === null) { // another tab has opened this address: the server asks for a token
    query.delete("tab");
    location.replace(url.pathname + url.search + url.hash);
  }
  return stored;
}

// A browser can be set to store nothing.
function storeToken(given) {
  try { sessionStorage.setItem(TOKEN_KEY, given); return true; } catch { return false; }
}

function storedToken() {
  try { return sessionStorage.getItem(TOKEN_KEY); } catch { return null; }
}

// The base of the server's addresses: that of the page, below any path prefix of a proxy. It leaves
// out user name and password, which fetch() does not accept.
const base = location.origin + location.pathname.replace(/\/[^/]*$/, "");

// The URL of a path of docs/http.md, such as /stream, with the token: an <img>, an EventSource and
// a WebSocket cannot send it in another way.
export function address(path) {
  if (token === null) return base + path;
  return `${base}${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
}

// Like fetch(). If the page has a token, the browser must not ask the user for one.
export function request(path, options = {}) {
  return fetch(address(path), { cache: "no-store", credentials: token === null ? "same-origin" : "omit", ...options });
}

// What the user can do if a token is refused.
export const tokenHint = token === null ? "Load this page again, and give a valid token." : `Open this page with a valid token: ${base}/?token=TOKEN.`;

export const call = (method, path, body) => ask(method, `/api/v1${path}`, body);

// Like call(), for an address outside the API.
export const post = (path, body) => ask("POST", path, body);

async function ask(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await request(path, options);
  } catch {
    throw new Error("The server does not answer");
  }
  const result = await response.json().catch(() => ({}));
  if (response.status === 401) throw new Error(`${result.message ?? "the token is refused"}. ${tokenHint}`);
  if (!response.ok) throw new Error(result.message ?? `The server answered ${response.status}`);
  return result;
}

// Returns why the server refuses access to a path, "" if it does not, or null without an answer.
export async function checkAccess(path) {
  try {
    return await refusal(await request(path, { signal: AbortSignal.timeout(ACCESS_TIMEOUT) })) ?? "";
  } catch {
    return null;
  }
}

// Returns why a response refuses access, or null if it does not.
export async function refusal(response) {
  if (response.status !== 401 && response.status !== 403) return null;
  const { message } = await response.json().catch(() => ({}));
  return `The server says: ${message ?? response.status}. ${tokenHint}`;
}

// Like call(), for buttons: shows an error to the user and returns null.
export async function command(method, path, body) {
  try {
    return await call(method, path, body);
  } catch (error) {
    const text = error.message;
    const startsWithName = path.startsWith(cameraPath("")) && text.startsWith(decodeURIComponent(path.split("/")[2]));
    showMessage(startsWithName ? text : capital(text), true); // the case of a name does not change
    return null;
  }
}

export const cameraPath = (name) => `/cameras/${encodeURIComponent(name)}`;
