// Helpers for the DOM, and formats for text.

export const $ = (selector, root = document) => root.querySelector(selector);

export function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function setIcon(use, name) {
  use.setAttribute("href", `static/icons.svg#${name}`);
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// Replaces characters that change the direction of text: they can disguise the suffix of a file.
export const visible = (name) => name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

// The same within a sentence: a right-to-left name does not reorder the text around it.
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

export function duration(seconds) {
  if (seconds == null) return "";
  const whole = Math.floor(seconds);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

// A day in words: "Today".
export function dayName(date) {
  const day = (moment) => new Date(moment).setHours(0, 0, 0, 0);
  const ago = Math.round((day(Date.now()) - day(date)) / 86400000);
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return { 0: "Today", 1: "Yesterday" }[ago] ?? date.toLocaleDateString([], { month: "short", day: "numeric", year });
}

// A date and time in words: "Today 18:04:11".
export const dateTime = (date) => `${dayName(date)} ${date.toLocaleTimeString([], { timeStyle: "medium" })}`;

// An age with its largest possible error, both in milliseconds; an age that is less than the error
// is not known exactly.
export function age(milliseconds, error) {
  if (milliseconds == null || !Number.isFinite(milliseconds)) return "–";
  if (milliseconds <= error) return `under ${Math.max(1, Math.ceil(milliseconds + error))} ms`;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10000 ? 1 : 0)} s`;
}
