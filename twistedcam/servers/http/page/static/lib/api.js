// Requests to the server. The browser sends the cookie of the login, or the password that it was asked for.
import { capital } from "./dom.js";
import { errorText } from "./errors.js";
import { showMessage } from "./messages.js";
import { t } from "./text.js";

const ACCESS_TIMEOUT = 10000; // milliseconds: after wrong tokens the server delays its answers

// Simultaneous requests for pictures: browsers allow six connections to a server, and events and
// commands need some too. (WebSockets do not count.)
const MAX_REQUESTS = 4;

// The base of the server's addresses: that of the page, below any path prefix of a proxy. It leaves
// out user name and password, which fetch() does not accept.
const base = location.origin + new URL(".", document.baseURI).pathname.replace(/\/$/, "");

// The URL of a path of docs/http.md, such as /stream.
export const address = (path) => base + path;

export function request(path, options = {}) {
  return fetch(address(path), { cache: "no-store", credentials: "same-origin", ...options });
}

// Limits the simultaneous requests for pictures; the first to wait goes first.
export const slots = {
  free: MAX_REQUESTS,
  waiting: [],
  async acquire() {
    if (this.free > 0) this.free -= 1;
    else await new Promise((done) => this.waiting.push(done));
  },
  release() {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  },
};

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
    throw new Error(t("The server does not answer"));
  }
  const result = await response.json().catch(() => ({}));
  if (response.status === 401) throw new Error(t("{reason}. Log in again.", { reason: errorText(result, t("the login has ended")) }));
  if (!response.ok) throw Object.assign(new Error(errorText(result, answered(response))), { code: result.code });
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
  const result = await response.json().catch(() => ({}));
  return t("The server says: {reason}. Log in again.", { reason: errorText(result, String(response.status)) });
}

// For an answer without a reason.
export const answered = (response) => t("The server answered {status}", { status: String(response.status) });

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
