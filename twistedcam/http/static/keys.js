// The keys of the server's own terminal, for the camera that is shown alone or has the focus.
import { say } from "./dom.js";

// What takes keys itself: all of them, or the space that presses it. (A link takes Enter, which is
// nobody's here.)
const HELD = "input, select, textarea, video";
const PRESSED = "button, summary";

export function startKeys(camera, leave) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]") || event.target.closest?.(HELD)) return;
    if (event.key === " " && event.target.closest?.(PRESSED)) return;
    const act = { " ": "start", s: "stop", r: "record", e: "endRecording", f: "fullScreen" }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (event.key === "Escape" && !document.fullscreenElement) leave();
    if (!act) return;
    event.preventDefault();
    const view = camera();
    if (view) view.key(act);
    else say("Open a camera first: the keys are for one at a time");
  });
}
