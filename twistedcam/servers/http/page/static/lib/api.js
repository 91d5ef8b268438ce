// Commands to the server.
import { ask, capital, remedy } from "./dom.js";
import { say } from "./messages.js";

const VERDICT = 10000; // milliseconds: a server makes those wait that have guessed at tokens

export async function call(method, path, body) {
  const request = { method };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await ask(`/api/v1${path}`, request);
  } catch {
    throw new Error("The server does not answer");
  }
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new Error(`${told.message ?? "the token is refused"}. ${remedy}`);
  if (!answer.ok) throw new Error(told.message ?? `The server answered ${answer.status}`);
  return told;
}

// Whether the server lets this page have an address: why not, and what to do about it; "" if it
// does; null if it does not answer.
export async function verdict(path) {
  try {
    const answer = await ask(path, { signal: AbortSignal.timeout(VERDICT) });
    return await refused(answer) ?? "";
  } catch {
    return null;
  }
}

// Why an answer refuses what was asked for; null if it does not.
export async function refused(answer) {
  if (answer.status !== 401 && answer.status !== 403) return null;
  const { message } = await answer.json().catch(() => ({}));
  return `The server says: ${message ?? answer.status}. ${remedy}`;
}

// The same for a button: what goes wrong is said to the person who pressed it.
export async function command(method, path, body) {
  try {
    return await call(method, path, body);
  } catch (error) {
    const text = error.message;
    const named = path.startsWith(cameraPath("")) && text.startsWith(decodeURIComponent(path.split("/")[2]));
    say(named ? text : capital(text), true); // a name stays as it is
    return null;
  }
}

export const cameraPath = (name) => `/cameras/${encodeURIComponent(name)}`;
