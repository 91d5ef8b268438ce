// The options of the server and of each camera as forms, which the server describes. A change goes into
// the text of the configuration at once; the text is saved by views/settings.js.
import { call } from "../lib/api.js";
import { $, capital, visible } from "../lib/dom.js";
import { list, loadTexts, plural, t } from "../lib/text.js";
import { OptionField } from "./option_field.js";

const PATH = "/configuration";
const form = $("#options");
const select = form.elements.table;
const bar = $("#options-bar");
const TITLES = {
  server: t("Server"), ports: t("Ports"), access: t("Access"), limits: t("Limits"), files: t("Files"), log: t("Log"), code: t("User code"),
  camera: t("Camera"), picture: t("Picture"), sound: t("Sound"), recording: t("Recordings"), motion: t("Motion"), video: t("Video for viewers"),
  publish: t("Publishing"),
};
let draft; // the text that is edited: text() returns it, use(changed) replaces it
let isReadOnly = false;
let fields = [];
let texts; // a promise: the translations of the options' help are there
let queue = Promise.resolve(); // changes are made one after the other, each in the text of the one before
const changed = new Set(); // the paths of what differs from the saved text

export function watchOptions(given) {
  draft = given;
  select.addEventListener("change", () => showOptions());
  form.addEventListener("submit", (event) => event.preventDefault());
  $("#options-review").addEventListener("click", () => draft.review());
  $("#options-discard").addEventListener("click", () => draft.discard());
}

// Shows the options as they are in the text. The answer of the server may come when another one was selected.
export async function showOptions() {
  const camera = select.value;
  await (texts ??= loadTexts("option_texts"));
  try {
    const found = await call("POST", `${PATH}/options`, { text: draft.text(), ...(camera ? { camera } : {}) });
    if (camera === select.value) fill(found);
  } catch (error) {
    if (camera && camera === select.value) { // it was renamed or removed
      select.value = "";
      await showOptions();
      return;
    }
    $("#options-groups").replaceChildren(line("p", "muted", capital(error.message)));
    fields = [];
  }
  showBar();
}

// Forgets what was changed: the text is that of the file.
export function resetOptions(readOnly) {
  isReadOnly = readOnly;
  changed.clear();
  return showOptions();
}

// Goes to the first field that is not valid; returns false if all are.
export function showFault() {
  const faulty = fields.find((each) => each.isFaulty);
  if (!faulty) return false;
  faulty.focus();
  return true;
}

function fill(found) {
  const names = found.cameras;
  if (select.options.length !== names.length + 1 || names.some((name, index) => select.options[index + 1].value !== name)) {
    select.replaceChildren(new Option(t("Server, and all cameras"), ""), ...names.map((name) => new Option(visible(name), name)));
    select.value = found.camera ?? "";
  }
  const open = new Set([...form.querySelectorAll("details[open]")].map((each) => each.dataset.group));
  fields = [];
  const groups = found.groups.map((group, index) => groupOf(group, found, open.size ? open.has(group.name) : index === 0));
  if (found.hooks?.length) groups.push(hooksOf(found.hooks, open.has("hooks")));
  if (found.is_used === false) groups.unshift(line("p", "option-wins", t("The command line names other cameras (--camera): this one is not used until the server is started without them.")));
  $("#options-groups").replaceChildren(...groups);
}

function groupOf(group, found, isOpen) {
  const details = document.createElement("details");
  details.className = "option-group";
  details.dataset.group = group.name;
  details.open = isOpen;
  const title = TITLES[group.name] ?? capital(group.name);
  const set = group.fields.filter((each) => each.value !== null && !each.is_in_address).length;
  const count = line("span", "muted", set ? plural(set, "{count} set", "{count} set") : "");
  const summary = document.createElement("summary");
  summary.append(line("span", "", title), count);
  const box = document.createElement("fieldset");
  box.append(line("legend", "visually-hidden", title));
  if (group.name in { recording: 1, motion: 1, video: 1 } && !found.camera) box.append(line("p", "muted", t("For all cameras. What a camera has itself comes before this.")));
  if ("is_on" in group) box.append(motionOf(group, found));
  for (const each of group.fields) box.append(add(each, found));
  details.append(summary, box);
  return details;
}

// The table of motion detection itself, which switches it on.
function motionOf(group, found) {
  const help = found.camera ? t("detect motion of this camera") : t("detect motion of all cameras");
  const row = add({ path: group.table, key: "motion", kind: "switch", value: group.is_on, default: Boolean(group.is_on_for_all), applies: "now", help, isTable: true }, found);
  if (group.is_on_for_all && found.camera) row.append(line("p", "option-note muted", t("It is on for all cameras.")));
  return row;
}

function add(description, found) {
  const field = new OptionField(description, Boolean(found.camera), isReadOnly, change);
  field.mark(changed.has(field.id));
  fields.push(field);
  return field.element;
}

function hooksOf(hooks, isOpen) {
  const details = document.createElement("details");
  details.className = "option-group";
  details.dataset.group = "hooks";
  details.open = isOpen;
  const summary = document.createElement("summary");
  summary.append(line("span", "", t("Hooks")), line("span", "muted", String(hooks.length)));
  const rows = document.createElement("dl");
  rows.className = "option-hooks";
  for (const each of hooks) {
    const about = line("dd", "", t("{events}: runs {target}", { events: list(each.on), target: visible(each.target) }));
    rows.append(line("dt", "", visible(each.name)), about);
  }
  details.append(summary, line("p", "muted", t("Hooks can only be changed in the file itself.")), rows);
  return details;
}

// Puts a new value of a field into the text; the field shows what is wrong with it.
function change(field, value) {
  queue = queue.then(async () => {
    try {
      const answer = await call("POST", `${PATH}/edit`, { text: draft.text(), action: "set", changes: [{ path: field.path, value }] });
      const fault = answer.errors[0];
      field.setFault(fault ? capital(fault.message) : "");
      if (!fault) {
        if (field.isOriginal(value)) changed.delete(field.id);
        else changed.add(field.id);
        field.mark(changed.has(field.id));
        const motion = fields.find((each) => each.isTable);
        if (motion && motion !== field && field.path.includes("motion") && value !== null) motion.set(true);
        draft.use(answer);
      }
    } catch (error) { field.setFault(capital(error.message)); }
    showBar();
  });
  return queue;
}

function showBar() {
  const faulty = fields.filter((each) => each.isFaulty).length;
  bar.hidden = changed.size === 0 && !faulty;
  const text = faulty
    ? plural(faulty, "{count} value is not valid.", "{count} values are not valid.")
    : plural(changed.size, "{count} option is changed and not saved.", "{count} options are changed and not saved.");
  const shown = $("#options-state");
  if (!bar.hidden && shown.textContent !== text) shown.textContent = text;
  $("#options-review").disabled = faulty > 0;
}

function line(tag, className, text) {
  const found = document.createElement(tag);
  if (className) found.className = className;
  found.textContent = text;
  return found;
}
