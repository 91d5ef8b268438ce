// The settings: adds and changes cameras in the text of the configuration, and saves it.
import { call } from "../lib/api.js";
import { $, capital } from "../lib/dom.js";
import { showMessage } from "../lib/messages.js";

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
  newCamera.addEventListener("submit", (event) => { event.preventDefault(); add(); });
  $("#new-try").addEventListener("click", probe);
  newCamera.elements.source.addEventListener("input", () => { result.hidden = true; });
  for (const button of changeCamera.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => edit({
      action: button.dataset.action, name: changeCamera.elements.camera.value,
      ...(button.dataset.action === "remove" ? {} : { new: changeCamera.elements.new.value.trim() }),
    }));
  }
  changeCamera.addEventListener("submit", (event) => event.preventDefault());
  text.addEventListener("input", () => { $("#configuration-save").disabled = text.value === saved.text; });
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });
  $("#configuration-check").addEventListener("click", () => attempt(check));
  $("#configuration-load").addEventListener("click", load);
  $("#configuration-undo").addEventListener("click", () => attempt(async () => use(await call("POST", `${PATH}/undo`, { version: saved.version }))));
  $("#configuration-export").addEventListener("click", (event) => {
    const link = event.currentTarget;
    link.href = URL.createObjectURL(new Blob([text.value], { type: "application/toml" }));
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  $("#configuration-import").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) { text.value = await file.text(); attempt(check); }
    event.target.value = "";
  });
  dialog.addEventListener("cancel", (event) => { if (!mayClose()) event.preventDefault(); });
  dialog.querySelector(".player-head").addEventListener("submit", (event) => { if (!mayClose()) event.preventDefault(); });
}

const mayClose = () => text.value === saved.text || confirm("Close without saving the changes?");

async function load() {
  const found = await attempt(() => call("GET", PATH));
  if (!found) return;
  saved = found;
  text.value = found.text;
  $("#settings-note").textContent = capital(found.read_only ?? "");
  $("#settings-note").hidden = !found.read_only;
  $("#settings-body").hidden = found.path === null;
  for (const each of dialog.querySelectorAll("#new-add, #change-camera button, #configuration-check, #configuration-import")) each.disabled = Boolean(found.read_only);
  text.readOnly = Boolean(found.read_only);
  $("#configuration-path").textContent = found.path ?? "";
  $("#configuration-undo").hidden = !found.can_undo || Boolean(found.read_only);
  showCheck({ error: null, difference: "" });
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
    text.value = changed.text;
    showCheck(changed);
    changeCamera.elements.new.value = "";
    $("#configuration-save").scrollIntoView({ block: "nearest" });
    $("#configuration-save").focus({ preventScroll: true });
  });
}

async function save() {
  await attempt(async () => {
    await check();
    if ($("#configuration-save").disabled) return;
    use(await call("PUT", PATH, { text: text.value, version: saved.version }));
  });
}

async function use(done) {
  await load();
  const parts = ["added", "changed", "removed"].filter((key) => done[key]).map((key) => `${key}: ${done[key]}`);
  if (done.needs_restart) parts.push(`after a restart: ${done.needs_restart}`);
  showMessage(`Saved. ${parts.join(", ")}`.trim());
}

async function probe() {
  if (!newCamera.elements.source.reportValidity()) return false;
  const button = $("#new-try");
  const [image, line] = [result.querySelector("img"), result.querySelector("p")];
  button.disabled = true;
  image.hidden = true;
  result.hidden = false;
  result.dataset.state = "waiting";
  line.textContent = "Opening it…";
  try {
    const found = await call("POST", `${PATH}/probe`, { source: newCamera.elements.source.value.trim() });
    if (picture) URL.revokeObjectURL(picture);
    const bytes = Uint8Array.from(atob(found.picture), (letter) => letter.charCodeAt(0));
    picture = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    image.src = picture;
    image.hidden = false;
    result.dataset.state = "good";
    line.textContent = `${found.width} × ${found.height}${found.fps ? `, ${Number(found.fps.toFixed(1))} frames/s` : ""}, ${found.format}`;
    return true;
  } catch (error) {
    result.dataset.state = "bad";
    line.textContent = capital(error.message);
    return false;
  } finally {
    button.disabled = false;
  }
}

async function add() {
  const { source, name, title } = newCamera.elements;
  if (result.hidden && !await probe() && !confirm("It gives no picture now. Add it nevertheless?")) return;
  await edit({ action: "add", name: name.value.trim(), source: source.value.trim(), settings: { title: title.value.trim() } });
}
