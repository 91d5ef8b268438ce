// The selected recordings and snapshots: several are downloaded, protected or deleted at once.
import { address, call, post } from "../lib/api.js";
import { askToDelete } from "../lib/ask_to_delete.js";
import { $, capital } from "../lib/dom.js";
import { bytes } from "../lib/format.js";
import { showMessage } from "../lib/messages.js";
import { rights } from "../lib/rights.js";
import { plural, t } from "../lib/text.js";

const PAUSE = 1000; // milliseconds between two downloads: browsers drop those that begin together
const MAX_NAMES = 50000; // characters of the names in one archive: the server takes no longer list

export class RecordingChoice {
  // recordings: the list.
  constructor(recordings) {
    this.recordings = recordings;
    this.names = new Set();
    this.items = [];
    this.isOn = false;
    $("#recordings-select").addEventListener("click", () => this.turn(!this.isOn));
    $("#choice-all").addEventListener("click", () => this.all());
    $("#choice-close").addEventListener("click", () => this.turn(false));
    $("#choice-download").addEventListener("click", () => this.download());
    $("#choice-protect").addEventListener("click", () => this.each((values) => t("Protected {count} of {all}", values), "POST", "/protect", (item) => !item.isPicture));
    $("#choice-unprotect").addEventListener("click", () => this.each((values) => t("Unprotected {count} of {all}", values), "POST", "/unprotect", (item) => !item.isPicture));
    $("#choice-delete").addEventListener("click", () => this.confirmDeletion());
  }

  turn(on) {
    this.isOn = on;
    this.names.clear();
    this.recordings.list.dataset.choosing = on;
    $("#recordings-select").setAttribute("aria-pressed", on);
    this.recordings.draw();
  }

  // items: those that are shown; names: all that there are.
  update(items, names) {
    this.items = items;
    for (const name of this.names) if (!names.has(name)) this.names.delete(name);
    this.drawBar();
  }

  mark(row, item) {
    $(".choose", row).hidden = !this.isOn || item.complete === false;
    $(".choose", row).checked = row.dataset.chosen = this.names.has(item.name);
  }

  toggle(name) {
    if (!this.names.delete(name)) this.names.add(name);
    const row = this.recordings.findRow(name);
    if (row) this.mark(row, row.item);
    this.drawBar();
  }

  all() {
    const open = this.items.filter((item) => item.complete !== false);
    const isAll = open.every((item) => this.names.has(item.name));
    this.names = new Set(isAll ? [] : open.map((item) => item.name));
    this.recordings.draw();
  }

  get chosen() { return (this.recordings.items ?? []).filter((item) => this.names.has(item.name)); }

  drawBar() {
    $("#choice").hidden = !this.isOn;
    if (!this.isOn) return;
    const { chosen } = this;
    const size = chosen.reduce((sum, item) => sum + (item.size ?? 0), 0);
    $("#choice-text").textContent = chosen.length ? plural(chosen.length, "{count} selected · {size}", "{count} selected · {size}", { size: bytes(size) }) : t("None selected");
    for (const id of ["download", "protect", "unprotect", "delete"]) $(`#choice-${id}`).disabled = !chosen.length;
    $("#choice-download").hidden = !rights.may("view");
    for (const id of ["protect", "unprotect", "delete"]) $(`#choice-${id}`).hidden = !rights.may("control");
  }

  // Downloads one file as it is, and several as a ZIP archive; very many as several archives.
  async download() {
    const names = this.chosen.map((item) => item.name);
    if (names.length === 1) { follow(`/recordings/${encodeURIComponent(names[0])}?download`); return; }
    const lists = [[]];
    for (const name of names) {
      if (JSON.stringify([...lists.at(-1), name]).length > MAX_NAMES) lists.push([]);
      lists.at(-1).push(name);
    }
    $("#choice-download").disabled = true;
    try {
      for (const list of lists) {
        const made = await post("/recordings.zip", { names: list });
        follow(made.address);
        showMessage(plural(made.files, "Downloading {count} file, {size}", "Downloading {count} files, {size}", { size: bytes(made.size) }));
        await new Promise((done) => setTimeout(done, PAUSE));
      }
    } catch (error) {
      showMessage(capital(error.message), true);
    }
    $("#choice-download").disabled = !this.chosen.length;
  }

  confirmDeletion() {
    const describe = (count) => plural(count, "{count} file is deleted", "{count} files are deleted");
    askToDelete(this.chosen, describe, () => this.each((values) => t("Deleted {count} of {all}", values), "DELETE", "", (item) => !item.protected));
  }

  // Does one thing with each, and says how many could not be done, with the first reason.
  // done: returns the message for a count of all.
  async each(done, method, path, concerns) {
    const items = this.chosen.filter(concerns);
    const faults = [];
    for (const { name } of items) {
      try {
        await call(method, `/recordings/${encodeURIComponent(name)}${path}`);
      } catch (error) {
        faults.push(error.message);
      }
    }
    const all = items.length;
    // The note comes last: each message removes the notes before it.
    if (faults.length) showMessage(t("{count} of {all} could not be changed: {reason}", { count: faults.length, all, reason: capital(faults[0]) }), true);
    if (all > faults.length) showMessage(done({ count: all - faults.length, all }));
    this.names.clear();
    this.recordings.load();
    this.recordings.draw();
  }
}

// Downloads what is at a path of the server.
function follow(path) {
  const link = document.createElement("a");
  link.href = address(path);
  link.download = "";
  link.click();
}
