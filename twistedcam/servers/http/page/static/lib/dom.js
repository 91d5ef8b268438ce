// Small things that every part needs.
import { token } from "./token.js";

export const $ = (selector, root = document) => root.querySelector(selector);

// Where the server's own addresses begin: where the page is, below any path that a proxy gives it.
// Without user name and password, which the page's address may have: fetch() takes no such address.
const root = location.origin + location.pathname.replace(/\/[^/]*$/, "");

// An address on this server, from a path as docs/http.md has it: /stream. The page's token goes with
// it: an <img>, an EventSource and a WebSocket can send it in no other way.
export function address(path) {
  if (token === null) return root + path;
  return `${root}${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
}

// Asks the server. Where the page has a token, the browser is to ask its user for none.
export function ask(path, request = {}) {
  return fetch(address(path), { cache: "no-store", credentials: token === null ? "same-origin" : "omit", ...request });
}

// What to do where a token is refused.
export const remedy = token === null ? "Load this page again, and give a token that is good." : `Open this page with a token that is good: ${root}/?token=TOKEN.`;

export function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function icon(use, name) {
  use.setAttribute("href", `static/icons.svg#${name}`);
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// A file's name as it is shown: characters that change the direction of what follows, and so make
// an ending look like another, are seen as such.
export const visible = (name) => name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

// The same in the middle of a sentence: a name that is written from right to left moves nothing else.
export function inText(name) {
  const shown = visible(name);
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(shown) ? `\u2068${shown}\u2069` : shown;
}

export function bytes(count) {
  if (count == null) return "";
  const units = ["bytes", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) { count /= 1000; unit += 1; }
  return `${unit && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

export function bits(rate) {
  return rate >= 1e6 ? `${(rate / 1e6).toFixed(rate < 1e7 ? 1 : 0)} Mbit/s` : `${Math.round(rate / 1e3)} kbit/s`;
}

export function span(seconds) {
  if (seconds == null) return "";
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

// A moment, as people say it: "Today 18:04:11".
export function when(date) {
  const day = (moment) => new Date(moment).setHours(0, 0, 0, 0);
  const ago = Math.round((day(Date.now()) - day(date)) / 86400000);
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  const named = { 0: "Today", 1: "Yesterday" }[ago] ?? date.toLocaleDateString([], { month: "short", day: "numeric", year });
  return `${named} ${date.toLocaleTimeString([], { timeStyle: "medium" })}`;
}

// How old something is, measured with that error at most: where that is the larger, only so much is
// known.
export function age(milliseconds, error) {
  if (milliseconds == null || !Number.isFinite(milliseconds)) return "–";
  if (milliseconds <= error) return `under ${Math.max(1, Math.ceil(milliseconds + error))} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10000 ? 1 : 0)} s`;
}
