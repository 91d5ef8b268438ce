// The dialog that asks before files are deleted.
import { $ } from "./dom.js";
import { showMessage } from "./messages.js";
import { plural } from "./text.js";

// items: of the list of recordings; the server keeps those that are protected. describe: returns which
// files are deleted, for their count; onYes: called if the user wants to delete them.
export function askToDelete(items, describe, onYes) {
  const kept = items.filter((item) => item.protected).length;
  const count = items.length - kept;
  const texts = kept ? [plural(kept, "{count} protected file is kept", "{count} protected files are kept")] : [];
  if (count === 0) { showMessage(texts[0]); return; }
  const dialog = $("#ask");
  $("#ask-title").textContent = plural(count, "Delete this file?", "Delete these files?");
  $("#ask-text").textContent = [describe(count), ...texts].join(" · ");
  $("#ask-keep").textContent = plural(count, "Keep it", "Keep them");
  dialog.returnValue = "no";
  dialog.onclose = () => { if (dialog.returnValue === "yes") onYes(); };
  dialog.showModal();
}
