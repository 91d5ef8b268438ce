// The first setup: cameras, the folder of recordings, a password, and the network, on one page.
import { call, request } from "../lib/api.js";
import { $, capital, visible } from "../lib/dom.js";
import { bytes } from "../lib/format.js";
import { announce } from "../lib/messages.js";
import { showQrCode } from "../lib/qr.js";
import { rights } from "../lib/rights.js";
import { list, plural, serverText, t } from "../lib/text.js";
import { PHONE, SetupCamera } from "./setup_camera.js";

export const SETUP = "setup"; // the hash of its address
const PATH = "/setup";
const LATER = "twistedcam setup later"; // in the storage of this tab
const SAVED = "twistedcam setup saved";
const CHECK_DELAY = 350; // milliseconds after a change
const LIVE_WEBCAMS = 4; // previews that begin by themselves
const KEEPS = ["5GB", "20GB", "50GB", "100GB", "500GB"];
const DAYS = [1, 7, 30, 90];
const OTHER = "other";
const [RESTART_PERIOD, RESTART_TIMEOUT] = [200, 30000]; // milliseconds

export class Setup {
  constructor() {
    this.element = $("#setup");
    this.isOpen = false;
    this.state = null; // the server's answer
    this.cameras = [];
    this.checks = 0;
    this.offered = false;
    const form = $("#setup-form");
    form.addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    for (const kind of ["input", "change"]) form.addEventListener(kind, () => this.changed());
    $("#setup-later").addEventListener("click", () => this.close());
    $("#setup-again").addEventListener("click", () => this.find(false));
    $("#setup-network").addEventListener("click", () => this.find(true));
    $("#setup-phone").addEventListener("click", () => this.addPhone());
    $("#setup-try").addEventListener("click", () => this.add());
    $("#setup-address").addEventListener("input", () => { $("#setup-address-error").hidden = true; });
    $("#setup-address").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); this.add(); } });
    $("#setup-undo").addEventListener("click", () => this.undo());
    $("#setup-restart-now").addEventListener("click", () => this.restart());
    $("#setup-show").addEventListener("click", (event) => {
      const field = $("#setup-password");
      field.type = event.currentTarget.getAttribute("aria-pressed") === "true" ? "password" : "text";
      event.currentTarget.setAttribute("aria-pressed", String(field.type === "text"));
    });
    $("#setup-addresses").addEventListener("change", () => this.showCode());
    addEventListener("pagehide", () => this.stopPictures());
  }

  // Opens it once, if the server has no camera of its own yet.
  async offer(cameras) {
    const isNew = cameras.length === 0 || (cameras.length === 1 && cameras[0].source?.startsWith("auto:"));
    if (this.offered || !isNew || !rights.may("admin") || location.hash || sessionStorage.getItem(LATER)) return;
    this.offered = true;
    try {
      if ((await call("GET", PATH)).is_new && !location.hash) location.hash = SETUP;
    } catch (error) { console.info(`The setup is not offered: ${error.message}`); }
  }

  show(isOpen) {
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    this.element.hidden = !isOpen;
    document.body.classList.toggle("on-setup", isOpen);
    if (isOpen) this.open();
    else this.stopPictures();
  }

  close() {
    sessionStorage.setItem(LATER, "1");
    location.hash = "";
  }

  async open() {
    this.element.focus({ preventScroll: true });
    scrollTo(0, 0);
    const saved = JSON.parse(sessionStorage.getItem(SAVED) ?? "{}");
    sessionStorage.removeItem(SAVED);
    this.note(saved.text ?? "");
    this.offerRestart(Boolean(saved.needsRestart));
    if (saved.text) $("#setup-note").after($("#setup-code")); // the next step: it must not be below the fold
    await this.load();
    if (this.state) await this.find(false);
  }

  async load() {
    try {
      this.state = await call("GET", PATH);
    } catch (error) {
      this.state = null;
      this.note(capital(error.message), true);
    }
    $("#setup-form").hidden = !this.state?.network;
    if (!this.state) return;
    const { file, is_new: isNew } = this.state;
    if (!this.state.network || file.read_only) this.note(capital(file.read_only ?? ""), true);
    if (!this.state.network) return;
    for (const [name, isOn] of [["primary", !isNew], ["ghost", isNew]]) $("#setup-later").classList.toggle(name, isOn);
    $("#setup-later").textContent = isNew ? t("Not now") : t("Back to the cameras");
    $("#setup-path").textContent = file.path;
    $("#setup-undo").hidden = !file.can_undo;
    this.showRecordings();
    this.showNetwork();
    this.showDifference("");
  }

  note(text, isBad = false) {
    const line = $("#setup-note");
    line.textContent = text;
    line.hidden = !text;
    line.classList.toggle("bad", isBad);
  }

  showRecordings() {
    const { folder, keep, keep_days: days, places } = this.state.recordings;
    $("#setup-folder").replaceChildren(
      ...places.map((each) => new Option(visible(each.folder), each.folder)),
      new Option(t("Another folder…"), OTHER),
    );
    if (!places.some((each) => each.folder === folder)) $("#setup-folder").prepend(new Option(visible(folder), folder));
    $("#setup-folder").value = folder;
    const now = keep === null ? "off" : String(keep);
    const sizes = [...KEEPS, ...(keep === null || KEEPS.some((each) => size(each) === keep) ? [] : [now])];
    $("#setup-keep").replaceChildren(new Option(t("No limit"), "off"), ...sizes.map((each) => new Option(bytes(size(each)), each)));
    $("#setup-keep").value = keep === null ? "off" : KEEPS.find((each) => size(each) === keep) ?? now;
    const ages = [...DAYS, ...(days === null || DAYS.includes(days) ? [] : [days])];
    $("#setup-days").replaceChildren(new Option(t("Never"), "0"), ...ages.map((each) => new Option(plural(each, "{count} day", "{count} days"), String(each))));
    $("#setup-days").value = String(days ?? 0);
    this.before = { folder, keep: $("#setup-keep").value, days: $("#setup-days").value };
  }

  showNetwork() {
    const network = this.state.network;
    const reachable = $("#setup-reachable");
    reachable.checked = network.is_reachable;
    reachable.disabled = Boolean(network.fixed);
    $("#setup-fixed").textContent = capital(serverText(network.fixed ?? ""));
    $("#setup-fixed").hidden = !network.fixed;
    $("#setup-ports").textContent = t("It opens the ports {ports} of this computer. The control port stays closed.", { ports: list(network.ports.map(String)) });
    $("#setup-login").hidden = network.has_tokens;
    $("#setup-password-help").hidden = network.has_tokens;
    $("#setup-has-login").hidden = !network.has_tokens;
    $("#setup-code").hidden = !network.is_reachable || network.addresses.length === 0;
    $("#setup-addresses").replaceChildren(...network.addresses.map((each) => new Option(each, each)));
    $("#setup-addresses").hidden = network.addresses.length < 2;
    if (!$("#setup-code").hidden) this.showCode();
    this.warnOfPlain();
  }

  // Passwords and pictures are not encrypted without TLS.
  warnOfPlain() {
    const isPlain = this.state.network.addresses.some((each) => each.startsWith("http:"));
    $("#setup-plain").hidden = !($("#setup-reachable").checked && isPlain);
  }

  async showCode() {
    const text = $("#setup-addresses").value;
    const link = $("#setup-link");
    link.textContent = link.href = text;
    try { await showQrCode($("#setup-qr"), text); } catch (error) { this.note(capital(error.message), true); }
  }

  // Looks for cameras of the server, or of its network, and shows them beside those of before.
  async find(network) {
    const buttons = [$("#setup-again"), $("#setup-network")];
    const note = $("#setup-found-note");
    for (const each of buttons) each.disabled = true;
    note.textContent = network ? t("Searching the network…") : t("Looking for webcams…");
    note.hidden = false;
    try {
      const { devices } = await call("POST", `${PATH}/devices`, { network });
      if (!network) this.drop((each) => each.found.source.startsWith("webcam:") && !devices.some(({ source }) => source === each.found.source));
      for (const device of devices) this.put(device, !network);
      note.textContent = devices.length ? "" : network ? t("No camera has answered.") : t("No webcam was found. Plug one in and look again, search the network, or type the address of a camera.");
    } catch (error) { note.textContent = capital(error.message); }
    note.hidden = !note.textContent;
    announce("setup", note.textContent || plural(this.cameras.length, "{count} camera was found", "{count} cameras were found"));
    for (const each of buttons) each.disabled = false;
    this.changed();
  }

  put(device, isWebcam, isChosen = isWebcam && (!device.note || Boolean(device.camera)), opened = null) {
    const same = this.cameras.find((each) => each.found.source === device.source);
    if (same) return same;
    const isTaken = Boolean(device.camera) && !this.state.is_new;
    const camera = new SetupCamera(device, { name: this.freeName(device.name), title: this.freeTitle(visible(device.name)), isChosen: isChosen && !isTaken, isTaken, onChange: () => this.changed() });
    const live = this.cameras.filter((each) => !each.image.hidden || each.generation).length;
    this.cameras.push(camera);
    $("#setup-found").append(camera.element);
    if (isChosen && (opened || live < LIVE_WEBCAMS)) camera.restart(opened);
    return camera;
  }

  drop(isGone) {
    for (const each of this.cameras.filter(isGone)) { each.stop(); each.element.remove(); }
    this.cameras = this.cameras.filter((each) => !isGone(each));
  }

  // A name for addresses and files that no other camera has.
  freeName(title) {
    const base = title.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 28) || "cam";
    return this.free("name", base, "-");
  }

  // A title that no other camera has: equal webcams have equal names.
  freeTitle(title) { return this.free("title", title.slice(0, 60), " "); }

  // The text, or the text with the first number that makes it differ.
  free(field, text, gap) {
    const taken = this.cameras.map((each) => each.field(field).value);
    for (let number = 1; ; number += 1) {
      const found = number === 1 ? text : `${text}${gap}${number}`;
      if (!taken.includes(found)) return found;
    }
  }

  // Tries an address that was typed: it is added if it gives a picture, else the reason is shown.
  async add() {
    const [field, button, line] = [$("#setup-address"), $("#setup-try"), $("#setup-address-error")];
    const source = field.value.trim();
    if (!source) { field.focus(); return; }
    button.disabled = true;
    line.hidden = false;
    line.classList.remove("bad");
    line.textContent = t("Opening it…");
    try {
      const opened = await call("POST", `${PATH}/previews`, { source });
      line.hidden = true;
      field.value = "";
      this.put({ name: hostOf(source), source, modes: [], note: "" }, false, true, opened);
      this.changed();
    } catch (error) {
      line.textContent = capital(error.message);
      line.classList.add("bad");
    }
    button.disabled = false;
  }

  // Adds a camera that a phone is: it has no picture before it is saved.
  addPhone() {
    const count = this.cameras.filter((each) => each.isPhone).length + 1;
    const name = count === 1 ? t("Phone") : t("Phone {number}", { number: String(count) });
    const added = new SetupCamera({ name, source: PHONE }, { name: this.freeName("phone"), title: name, isChosen: true, isTaken: false, onChange: () => this.changed() });
    this.cameras.push(added);
    $("#setup-found").append(added.element);
    added.restart();
    added.field("title").focus();
    this.changed();
  }

  // What was chosen, as the server takes it.
  get wanted() {
    const chosen = { cameras: this.cameras.map((each) => each.wanted).filter(Boolean) };
    const folder = $("#setup-folder").value === OTHER ? $("#setup-other").value.trim() : $("#setup-folder").value;
    if (folder && folder !== this.before.folder) chosen.folder = folder;
    if ($("#setup-keep").value !== this.before.keep) chosen.keep = $("#setup-keep").value;
    if ($("#setup-days").value !== this.before.days) chosen.keep_days = Number($("#setup-days").value);
    const reachable = $("#setup-reachable").checked;
    if (reachable !== this.state.network.is_reachable) chosen.reachable = reachable;
    const password = $("#setup-password").value;
    if (!this.state.network.has_tokens && password) Object.assign(chosen, { user: $("#setup-user").value.trim(), password });
    return chosen;
  }

  changed() {
    if (!this.state?.network) return;
    const folder = $("#setup-folder").value;
    $("#setup-other-box").hidden = folder !== OTHER;
    this.warnOfPlain();
    const place = this.state.recordings.places.find((each) => each.folder === folder);
    $("#setup-free").textContent = place ? t("{free} of {total} are free on this disk.", { free: bytes(place.free), total: bytes(place.total) }) : "";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), CHECK_DELAY);
  }

  // Shows what would change, or what is wrong. Nothing is saved.
  async check() {
    const number = this.checks += 1;
    const wanted = this.wanted;
    if (wanted.password) wanted.password = "*".repeat(wanted.password.length); // only its length matters
    let [error, difference, restart] = ["", "", null];
    try {
      const found = await call("POST", `${PATH}/check`, wanted);
      [error, difference, restart] = [found.error ?? "", found.difference, found.needs_restart];
    } catch (fault) { error = fault.message; }
    if (number !== this.checks) return;
    this.showDifference(difference, capital(error), restart);
  }

  showDifference(difference, error = "", restart = null) {
    const shown = $("#setup-difference");
    shown.replaceChildren(...difference.split("\n").slice(2).filter((line) => !line.startsWith("@@")).flatMap((line) => {
      const part = document.createElement({ "+": "ins", "-": "del" }[line[0]] ?? "span");
      part.textContent = line;
      return [part, "\n"];
    }));
    $("#setup-changes").hidden = !difference || Boolean(error);
    $("#setup-nothing").hidden = Boolean(difference) || Boolean(error);
    $("#setup-error").textContent = error;
    $("#setup-error").hidden = !error;
    $("#setup-restart").hidden = !restart;
    $("#setup-save").disabled = Boolean(error) || !difference;
  }

  async save() {
    const button = $("#setup-save");
    button.disabled = true;
    const wanted = this.wanted;
    this.stopPictures(); // the new cameras need the devices
    try {
      const done = await call("POST", PATH, { ...wanted, version: this.state.file.version });
      const parts = [t("Saved.")];
      if (done.added) parts.push(t("New cameras: {names}.", { names: done.added }));
      if (done.needs_restart) parts.push(t("Used after a restart of the server: {names}.", { names: done.needs_restart }));
      await this.finish(parts.join(" "), { ...wanted, needsRestart: Boolean(done.needs_restart) });
    } catch (error) {
      $("#setup-error").textContent = capital(error.message);
      $("#setup-error").hidden = false;
      for (const each of this.cameras) if (each.check.checked) each.restart();
      if (this.state) await this.reloadVersion();
      button.disabled = false;
    }
  }

  // After a conflict the next attempt is made of the file as it is now.
  async reloadVersion() {
    try { this.state.file = (await call("GET", PATH)).file; } catch { /* the error is shown already */ }
  }

  offerRestart(isOffered) { $("#setup-restart-now").hidden = !isOffered; }

  async restart() {
    this.offerRestart(false);
    try {
      await call("POST", `${PATH}/restart`);
      this.stopPictures();
      this.note(t("The server starts again. This takes some seconds."));
      await this.untilBack();
      location.reload();
    } catch (error) { this.note(capital(error.message), true); this.offerRestart(true); }
  }

  // Waits until the server has gone and answers again.
  async untilBack() {
    const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
    const answers = () => request("/login").then(() => true, () => false);
    for (let waited = 0; waited < RESTART_TIMEOUT && await answers(); waited += RESTART_PERIOD) await wait(RESTART_PERIOD);
    for (let waited = 0; waited < RESTART_TIMEOUT && !await answers(); waited += RESTART_PERIOD) await wait(RESTART_PERIOD);
  }

  async finish(text, { user, password, needsRestart = false }) {
    sessionStorage.setItem(LATER, "1");
    if (password) { // from now on this browser needs a login, too
      sessionStorage.setItem(SAVED, JSON.stringify({ text, needsRestart }));
      await request("/login", { method: "POST", body: new URLSearchParams({ user, token: password }), redirect: "manual" });
      location.reload();
      return;
    }
    this.drop(() => true);
    $("#setup-address-error").hidden = true;
    await this.load();
    if (this.state) this.note(text);
    this.offerRestart(needsRestart);
    scrollTo(0, 0); // to the note; to look for webcams takes some time
    await this.find(false);
  }

  async undo() {
    try {
      const done = await call("POST", "/configuration/undo", { version: this.state.file.version });
      await this.finish([t("The last change was taken back."), done.needs_restart ? t("Used after a restart of the server: {names}.", { names: done.needs_restart }) : ""].join(" ").trim(), { needsRestart: Boolean(done.needs_restart) });
    } catch (error) { this.note(capital(error.message), true); }
  }

  stopPictures() {
    for (const each of this.cameras) each.stop();
  }
}

// The bytes of a size such as "20GB".
const size = (text) => (text.endsWith("GB") ? Number.parseInt(text, 10) * 1e9 : Number(text));

// The host in an address, for a name.
function hostOf(source) {
  try { return new URL(source).hostname || source.split(":")[0]; } catch { return source.split(":")[0]; }
}
