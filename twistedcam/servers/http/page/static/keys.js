// Keyboard shortcuts, as in the console of the server, for the camera that is shown alone or has
// the focus. They can be switched off, because dictation software types letters.
import { $ } from "./lib/dom.js";
import { showMessage } from "./lib/messages.js";
import { store, stored } from "./lib/storage.js";
import { t } from "./lib/text.js";

// Elements that use all keys, and elements that use the space bar. (Links use Enter, which is no
// shortcut.)
const USES_KEYS = "input, select, textarea, video";
const USES_SPACE = "button, summary";
const ACTIONS = { " ": "start", s: "stop", r: "record", e: "endRecording", f: "fullScreen", m: "listen" };
const STORAGE_KEY = "twistedcam keys";

export const keys = { on: stored(STORAGE_KEY) !== "off" };

// camera: returns the camera that gets the keys; showAll: shows all cameras; onChange: called when
// the keys are switched on or off.
export function startKeys(camera, showAll, onChange) {
  const box = $("#keys");
  const show = () => { $("#keys-list").hidden = !keys.on; box.checked = keys.on; };
  box.addEventListener("change", () => {
    keys.on = box.checked;
    store(STORAGE_KEY, keys.on ? "on" : "off");
    show();
    onChange();
  });
  show();
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.closest?.(USES_KEYS) && event.target !== box) return;
    if (event.key === "Escape" && !document.fullscreenElement) showAll();
    if (event.key === " " && (event.target === box || event.target.closest?.(USES_SPACE))) return;
    const action = ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || !keys.on) return;
    event.preventDefault();
    const view = camera();
    if (view) view.runAction(action);
    else showMessage(t("Open a camera first: the keys control one camera"));
  });
}
