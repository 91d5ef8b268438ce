// Commands to the server.
import { address, say } from "./dom.js";

export async function call(method, path, body) {
  const request = { method, cache: "no-store" };
  if (body !== undefined) {
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(address(`/api/v1${path}`), request);
  } catch {
    throw new Error("The server does not answer");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.message ?? `The server answered ${answer.status}`);
  return told;
}

// The same for a button: what goes wrong is said to the person who pressed it.
export async function command(method, path, body) {
  try {
    return await call(method, path, body);
  } catch (error) {
    const text = error.message;
    say(text.charAt(0).toUpperCase() + text.slice(1), true);
    return null;
  }
}

export const cameraPath = (name) => `/cameras/${encodeURIComponent(name)}`;
