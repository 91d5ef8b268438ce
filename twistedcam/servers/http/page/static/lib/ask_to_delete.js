// The dialog that asks before files are deleted.
import { $ } from "./dom.js";
import { plural } from "./text.js";

// count: of the files; text: which they are; onYes: called if the user wants to delete them.
export function askToDelete(count, text, onYes) {
  const dialog = $("#ask");
  $("#ask-title").textContent = plural(count, "Delete this file?", "Delete these files?");
  $("#ask-text").textContent = text;
  $("#ask-keep").textContent = plural(count, "Keep it", "Keep them");
  dialog.returnValue = "no";
  dialog.onclose = () => { if (dialog.returnValue === "yes") onYes(); };
  dialog.showModal();
}
