// Numbers, sizes, times and dates in the user's language.
import { dateText, number, plural, t } from "./text.js";

const DAY = 86400000; // milliseconds

// The number of bytes as "3.4 MB"; "" for null.
export function bytes(count) {
  if (count == null) return "";
  if (count < 1000) return plural(Math.round(count), "{count} byte", "{count} bytes");
  const units = [(size) => t("{size} KB", { size }), (size) => t("{size} MB", { size }), (size) => t("{size} GB", { size }), (size) => t("{size} TB", { size })];
  let unit = 0;
  for (count /= 1000; count >= 1000 && unit < units.length - 1; unit += 1) count /= 1000;
  return units[unit](fixed(count, count < 10 ? 1 : 0));
}

// A number with so many digits after the decimal separator.
export const fixed = (value, digits) => number(value, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: "min2" });

// The number of bits per second as "2.1 Mbit/s".
export function bits(rate) {
  return rate >= 1e6 ? t("{rate} Mbit/s", { rate: fixed(rate / 1e6, rate < 1e7 ? 1 : 0) }) : t("{rate} kbit/s", { rate: fixed(rate / 1e3, 0) });
}

// A number of pictures in a second as "29.9 fps".
export const frameRate = (fps, digits = 1) => t("{rate} fps", { rate: fixed(fps, digits) });

const CODECS = { h264: "H.264", hevc: "H.265" };

// The name of a format of the server, as people write it.
export const formatName = (format) => CODECS[String(format).toLowerCase()] ?? format;

// "1:02:03"; "" for null.
export function duration(seconds) {
  if (seconds == null) return "";
  const whole = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

// A time of day with seconds: "18:04:11".
export const timeOfDay = (date) => dateText(date, { timeStyle: "medium" });

// A day in words: "Today", or with the options of Intl.DateTimeFormat.
export function dayName(date, options = { month: "short", day: "numeric" }) {
  const day = (moment) => new Date(moment).setHours(0, 0, 0, 0);
  const ago = Math.round((day(Date.now()) - day(date)) / DAY);
  if (ago === 0) return t("Today");
  if (ago === 1) return t("Yesterday");
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return dateText(date, { ...options, year });
}

// A date and time in words: "Today 18:04:11".
export const dateTime = (date) => t("{day} {time}", { day: dayName(date), time: timeOfDay(date) });

// An age with its largest possible error, both in milliseconds; an age that is less than the error
// is not known exactly.
export function age(milliseconds, error) {
  if (milliseconds == null || !Number.isFinite(milliseconds)) return "–";
  const ms = (value) => t("{value} ms", { value: number(value) });
  if (milliseconds <= error) return t("under {time}", { time: ms(Math.max(1, Math.ceil(milliseconds + error))) });
  if (milliseconds < 1000) return ms(Math.round(milliseconds));
  return t("{value} s", { value: fixed(milliseconds / 1000, milliseconds < 10000 ? 1 : 0) });
}
