// The settings: adds and changes cameras in the text of the configuration, and saves it.
import { call } from "../lib/api.js";
import { $, capital, visible } from "../lib/dom.js";
import { formatName } from "../lib/format.js";
import { showMessage } from "../lib/messages.js";
import { list, serverText, t } from "../lib/text.js";
import { resetOptions, showFault, showOptions, watchOptions } from "./options.js";
import { addPhoneCamera } from "./phone.js";

const PATH = "/configuration";
const dialog = $("#settings");
const [newCamera, changeCamera, form] = [$("#new-camera"), $("#change-camera"), $("#configuration")];
const text = form.elements.text;
const result = $("#new-result");
let saved = { text: "", version: "" }; // as it was loaded
let picture = null; // the object URL of the picture of a source that was tried

export async function openSettings() {
  dialog.showModal();
  await load();
}

export function watchSettings() {
  showModes([]);
  newCamera.addEventListener("submit", (event) => { event.preventDefault(); add(); });
  $("#new-try").addEventListener("click", probe);
  $("#find-webcams").addEventListener("click", () => find(false));
  $("#find-network").addEventListener("click", () => find(true));
  $("#add-phone").addEventListener("click", () => attempt(async () => {
    if (!mayClose()) return;
    const name = await addPhoneCamera();
    dialog.close();
    location.hash = encodeURIComponent(name);
    showMessage(t("Added the camera {name}. Open “Use a phone as this camera” beside its picture.", { name }));
  }));
  newCamera.elements.source.addEventListener("input", () => { result.hidden = true; showModes([]); });
  newCamera.elements.mode.addEventListener("change", probe);
  for (const button of changeCamera.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => edit({
      action: button.dataset.action, name: changeCamera.elements.camera.value,
      ...(button.dataset.action === "remove" ? {} : { new: changeCamera.elements.new.value.trim() }),
    }));
  }
  changeCamera.addEventListener("submit", (event) => event.preventDefault());
  watchOptions({ text: () => text.value, use, review: showSave, discard: load });
  text.addEventListener("change", () => showOptions());
  text.addEventListener("input", () => { $("#configuration-save").disabled = text.value === saved.text; });
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });
  $("#configuration-check").addEventListener("click", () => attempt(check));
  $("#configuration-merge").addEventListener("click", () => attempt(merge));
  $("#configuration-load").addEventListener("click", () => mayLoad() && load());
  $("#configuration-undo").addEventListener("click", () => attempt(async () => tell(await call("POST", `${PATH}/undo`, { version: saved.version }))));
  $("#configuration-export").addEventListener("click", (event) => {
    const link = event.currentTarget;
    link.href = URL.createObjectURL(new Blob([text.value], { type: "application/toml" }));
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  $("#configuration-import").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) { text.value = await file.text(); attempt(check); showOptions(); }
    event.target.value = "";
  });
  dialog.addEventListener("cancel", (event) => { if (!mayClose()) event.preventDefault(); });
  dialog.querySelector(".player-head").addEventListener("submit", (event) => { if (!mayClose()) event.preventDefault(); });
}

const isChanged = () => text.value !== saved.text.replaceAll("\r\n", "\n"); // as a textarea has it
addEventListener("beforeunload", (event) => { if (dialog.open && isChanged()) event.preventDefault(); }); // the browser asks
const mayClose = () => !isChanged() || confirm(t("Close without saving the changes?"));
const mayLoad = () => !isChanged() || confirm(t("Load the file again, and lose the changes?"));

async function load() {
  const found = await attempt(() => call("GET", PATH));
  if (!found) return;
  saved = found;
  text.value = found.text;
  $("#settings-note").textContent = capital(found.read_only ?? "");
  $("#settings-note").hidden = !found.read_only;
  $("#settings-body").hidden = found.path === null;
  for (const each of dialog.querySelectorAll("#new-add, #add-phone, #change-camera button, #configuration-check, #configuration-import")) each.disabled = Boolean(found.read_only);
  text.readOnly = Boolean(found.read_only);
  $("#configuration-path").textContent = found.path ?? "";
  $("#configuration-undo").hidden = !found.can_undo || Boolean(found.read_only);
  $("#configuration-merge").hidden = true;
  showCheck({ error: null, difference: "" });
  if (found.path !== null) await resetOptions(Boolean(found.read_only));
}

// Runs an action; shows its error in the dialog and returns null.
async function attempt(action) {
  try { return await action(); } catch (error) {
    const line = $("#configuration-error");
    line.textContent = capital(error.message);
    line.hidden = false;
    line.scrollIntoView({ block: "nearest" });
    return null;
  }
}

async function check() {
  showCheck(await call("POST", `${PATH}/check`, { text: text.value }));
}

function showCheck({ error, difference }) {
  $("#configuration-error").textContent = capital(error ?? "");
  $("#configuration-error").hidden = !error;
  const shown = $("#configuration-difference");
  shown.replaceChildren(...difference.split("\n").slice(2).flatMap((line) => {
    const part = document.createElement({ "+": "ins", "-": "del" }[line[0]] ?? "span");
    part.textContent = line;
    return [part, "\n"];
  }));
  shown.hidden = !difference;
  $("#configuration-save").disabled = Boolean(error) || text.value === saved.text;
  const names = [...text.value.matchAll(/^\s*\[camera\.(?:"([^"]+)"|'([^']+)'|([\w-]+))\]/gm)].map((found) => found[1] ?? found[2] ?? found[3]);
  const select = changeCamera.elements.camera;
  const before = select.value;
  select.replaceChildren(...names.map((name) => new Option(name, name)));
  if (names.includes(before)) select.value = before;
  changeCamera.hidden = names.length === 0;
}

// Lets the server change the text; nothing is saved yet.
async function edit(body) {
  await attempt(async () => {
    const changed = await call("POST", `${PATH}/edit`, { text: text.value, ...body });
    use(changed);
    changeCamera.elements.new.value = "";
    await showOptions();
    showSave();
  });
}

// Takes a text that the server has changed.
function use(changed) {
  text.value = changed.text;
  showCheck(changed);
}

// Goes to what changes, and to the button that saves it.
function showSave() {
  $("#configuration-difference").scrollIntoView({ block: "nearest" });
  $("#configuration-save").scrollIntoView({ block: "nearest" });
  $("#configuration-save").focus({ preventScroll: true });
}

// Puts the changes into the text that somebody else has saved meanwhile.
async function merge() {
  const merged = await call("POST", `${PATH}/merge`, { text: text.value, version: saved.version });
  saved = await call("GET", PATH);
  use(merged);
  if (saved.version !== merged.version) saved = { ...saved, version: merged.version }; // changed again: saving tells it
  $("#configuration-merge").hidden = true;
  await showOptions();
  const note = $("#settings-note");
  note.textContent = merged.conflicts.length
    ? t("Both of you have changed {options}. The text has your values: look at what changes.", { options: list(merged.conflicts.map(visible)) })
    : t("Your changes are in the new text now. Look at what changes, and save it.");
  note.hidden = false;
  showSave();
}

async function save() {
  await attempt(async () => {
    if (showFault()) return;
    await check();
    if ($("#configuration-save").disabled) return;
    try { tell(await call("PUT", PATH, { text: text.value, version: saved.version })); } catch (error) {
      $("#configuration-merge").hidden = error.code !== "conflict";
      throw error;
    }
  });
}

// Says what a change has done.
async function tell(done) {
  await load();
  const parts = [
    done.added && t("added: {names}", { names: done.added }),
    done.changed && t("changed: {names}", { names: done.changed }),
    done.removed && t("removed: {names}", { names: done.removed }),
    done.needs_restart && t("after a restart: {names}", { names: done.needs_restart }),
  ].filter(Boolean);
  const note = $("#settings-note"); // messages of the page are behind the dialog
  note.textContent = parts.length ? t("Saved: {changes}.", { changes: parts.join("; ") }) : t("Saved.");
  note.hidden = false;
  note.scrollIntoView({ block: "nearest" });
}

// Lists cameras of the server or of its network; "Use" fills the form, and tries the camera.
async function find(network) {
  const buttons = [$("#find-webcams"), $("#find-network")];
  const [list, note] = [$("#found"), $("#found-note")];
  for (const each of buttons) each.disabled = true;
  list.hidden = true;
  note.textContent = network ? t("Searching the network…") : t("Looking for webcams…");
  try {
    const { devices } = await call("POST", `${PATH}/devices`, { network });
    note.textContent = devices.length ? "" : network ? t("No camera has answered.") : t("No webcam was found. Is one plugged in?");
    list.replaceChildren(...devices.map(foundCamera));
    list.hidden = devices.length === 0;
  } catch (error) { note.textContent = capital(error.message); }
  for (const each of buttons) each.disabled = false;
}

function foundCamera(device) {
  const row = document.createElement("li");
  const about = document.createElement("div");
  const [name, more] = [document.createElement("strong"), document.createElement("span")];
  name.textContent = visible(device.name);
  name.dir = "auto";
  more.className = "muted";
  const sizes = [...new Set(device.modes.map((each) => each.size))].slice(0, 4).join(", ");
  more.textContent = [visible(device.source), sizes, serverText(device.note)].filter(Boolean).join(" · ");
  about.append(name, more);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = t("Use");
  button.setAttribute("aria-label", t("Use {camera}", { camera: device.name }));
  button.addEventListener("click", () => {
    const { source, name: field, title } = newCamera.elements;
    source.value = device.source;
    title.value = device.name.slice(0, 64);
    if (!field.value) field.value = device.name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 32) || "cam";
    showModes(device.modes);
    if (device.source.includes("USER:PASSWORD")) source.focus();
    else probe();
  });
  row.append(about, button);
  return row;
}

function showModes(modes) {
  $("#new-mode").hidden = modes.length === 0;
  newCamera.elements.mode.replaceChildren(new Option(t("Automatic"), "{}"), ...modes.map((each) => new Option(
    `${each.size.replace("x", " × ")}, ${t("{count}/s", { count: Number(each.fps.toFixed(1)) })}, ${each.format}`,
    JSON.stringify({ size: each.size, fps: String(Number(each.fps.toFixed(3))), format: each.format }),
  )));
}

// The settings of the mode that was chosen.
const mode = () => JSON.parse(newCamera.elements.mode.value || "{}");

async function probe() {
  if (!newCamera.elements.source.reportValidity()) return false;
  const button = $("#new-try");
  const [image, line] = [result.querySelector("img"), result.querySelector("p")];
  button.disabled = true;
  image.hidden = true;
  result.hidden = false;
  result.dataset.state = "waiting";
  line.textContent = t("Opening it…");
  try {
    const found = await call("POST", `${PATH}/probe`, { source: withMode(newCamera.elements.source.value.trim()) });
    if (picture) URL.revokeObjectURL(picture);
    const bytes = Uint8Array.from(atob(found.picture), (letter) => letter.charCodeAt(0));
    picture = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    image.src = picture;
    image.hidden = false;
    result.dataset.state = "good";
    line.textContent = `${found.width} × ${found.height}${found.fps ? `, ${t("{count} frames/s", { count: Number(found.fps.toFixed(1)) })}` : ""}, ${formatName(found.format)}`;
    return true;
  } catch (error) {
    result.dataset.state = "bad";
    line.textContent = capital(error.message);
    return false;
  } finally {
    button.disabled = false;
  }
}

function withMode(source) {
  const query = new URLSearchParams(mode()).toString();
  return query ? `${source}${source.includes("?") ? "&" : "?"}${query}` : source;
}

async function add() {
  const { source, name, title } = newCamera.elements;
  if (result.hidden && !await probe() && !confirm(t("It gives no picture now. Add it nevertheless?"))) return;
  await edit({ action: "add", name: name.value.trim(), source: source.value.trim(), settings: { title: title.value.trim(), ...mode() } });
}
