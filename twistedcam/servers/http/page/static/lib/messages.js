// Messages: announcements for screen readers, and notes and errors for everybody.
import { $, fromTemplate } from "./dom.js";

const SETTLE = 400; // milliseconds: of several changes in this time only the last is announced
const KEEP = 10000;
const NOTE = 4000;
const MAX_ERRORS = 3; // shown at once
const pending = new Map(); // timers of announcements, by their subject

// Announces a change to screen readers in the page's only live region.
export function announce(subject, text) {
  clearTimeout(pending.get(subject));
  pending.set(subject, setTimeout(() => {
    pending.delete(subject);
    const line = document.createElement("p");
    line.dir = "auto";
    line.textContent = text;
    $("#news").append(line);
    setTimeout(() => line.remove(), KEEP);
  }, SETTLE));
}

// Shows a note, which disappears by itself, or an error, which stays until it is closed.
export function showMessage(text, isError = false) {
  const list = $("#toasts");
  for (const each of [...list.children]) {
    if (each.dataset.text === text || !each.classList.contains("bad")) each.remove();
  }
  const toast = fromTemplate("toast-template");
  toast.dataset.text = text;
  $("span", toast).textContent = text;
  if (isError) {
    const errors = list.querySelectorAll(".bad");
    if (errors.length >= MAX_ERRORS) errors[0].remove();
    toast.classList.add("bad");
    toast.setAttribute("role", "alert");
    $("button", toast).addEventListener("click", () => close(toast));
  } else {
    $("button", toast).remove();
    announce(text, text);
    setTimeout(() => toast.remove(), NOTE);
  }
  list.append(toast);
}

function close(toast) {
  toast.remove();
  ($("#toasts .bad button") ?? $("#cameras")).focus({ preventScroll: true });
}
