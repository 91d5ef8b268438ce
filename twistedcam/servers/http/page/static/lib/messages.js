// What the page tells: what has happened, to those who listen, and what went wrong, to everybody.
import { $, fromTemplate } from "./dom.js";

const SETTLED = 400; // milliseconds: of what changes several times meanwhile the last is told
const KEPT = 10000;
const NOTE = 4000;
const MOST_ERRORS = 3; // shown at once
const waiting = new Map(); // what is told next, by what it is about

// Tells a change to a screen reader: in the one live region of the page, politely.
export function tell(about, text) {
  clearTimeout(waiting.get(about));
  waiting.set(about, setTimeout(() => {
    waiting.delete(about);
    const line = document.createElement("p");
    line.dir = "auto";
    line.textContent = text;
    $("#news").append(line);
    setTimeout(() => line.remove(), KEPT);
  }, SETTLED));
}

// A note goes by itself; an error stays until it is closed.
export function say(text, bad = false) {
  const shown = $("#toasts");
  for (const each of [...shown.children]) {
    if (each.dataset.text === text || !each.classList.contains("bad")) each.remove();
  }
  const toast = fromTemplate("toast-template");
  toast.dataset.text = text;
  $("span", toast).textContent = text;
  if (bad) {
    const errors = shown.querySelectorAll(".bad");
    if (errors.length >= MOST_ERRORS) errors[0].remove();
    toast.classList.add("bad");
    toast.setAttribute("role", "alert");
    $("button", toast).addEventListener("click", () => close(toast));
  } else {
    $("button", toast).remove();
    tell(text, text);
    setTimeout(() => toast.remove(), NOTE);
  }
  shown.append(toast);
}

function close(toast) {
  toast.remove();
  ($("#toasts .bad button") ?? $("#cameras")).focus({ preventScroll: true });
}
