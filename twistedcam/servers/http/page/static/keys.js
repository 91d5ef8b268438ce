// The keys of the server's own terminal, for the camera that is shown alone or has the focus. They
// can be switched off: dictation types letters, too.
import { $ } from "./lib/dom.js";
import { say } from "./lib/messages.js";

// What takes keys itself: all of them, or the space that presses it. (A link takes Enter, which is
// nobody's here.)
const HELD = "input, select, textarea, video";
const PRESSED = "button, summary";
const ACTS = { " ": "start", s: "stop", r: "record", e: "endRecording", f: "fullScreen" };
const KEPT = "twistedcam keys";

export const keys = { on: kept() !== "off" };

// Browsers can be told to keep nothing.
function kept() {
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

function keep(value) {
  try { localStorage.setItem(KEPT, value); } catch { /* it holds until the page is loaded again */ }
}

// camera: gives the one that the keys are for; leave: shows all; changed: called when the keys are
// switched on or off.
export function startKeys(camera, leave, changed) {
  const box = $("#keys");
  const show = () => { $("#keys-list").hidden = !keys.on; box.checked = keys.on; };
  box.addEventListener("change", () => {
    keys.on = box.checked;
    keep(keys.on ? "on" : "off");
    show();
    changed();
  });
  show();
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.closest?.(HELD) && event.target !== box) return;
    if (event.key === "Escape" && !document.fullscreenElement) leave();
    if (event.key === " " && (event.target === box || event.target.closest?.(PRESSED))) return;
    const act = ACTS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || !keys.on) return;
    event.preventDefault();
    const view = camera();
    if (view) view.key(act);
    else say("Open a camera first: the keys are for one at a time");
  });
}
