// One option in a form: its label, its control, what is said about it, and what is wrong with it.
import { capital } from "../lib/dom.js";
import { number, serverText, t } from "../lib/text.js";

let count = 0;

export class OptionField {
  #field; #control; #fault; #reset; #original;

  // field: as the server describes it (docs/http.md, "Fields"). ofCamera: it is of one camera.
  // onChange(field, value): the user has set a value; null is the default.
  constructor(field, ofCamera, isReadOnly, onChange) {
    this.#field = field;
    this.#original = field.value;
    this.path = field.path;
    this.id = field.path.join("\n");
    this.isTable = Boolean(field.isTable);
    this.isFaulty = false;
    const id = `option-${++count}`;
    this.element = document.createElement("div");
    this.element.className = "option";
    this.element.dataset.path = field.path.join(".");
    const label = document.createElement("label");
    label.htmlFor = id;
    label.append(...helpOf(field), ...(field.isTable ? [] : [keyOf(field.key)]));
    this.#control = this.#controlOf(field, ofCamera);
    this.#control.id = id;
    this.#control.disabled = isReadOnly || Boolean(field.locked);
    const notes = document.createElement("div");
    notes.className = "option-notes muted";
    notes.id = `${id}-notes`;
    notes.append(...this.#notes(ofCamera));
    this.#fault = document.createElement("p");
    this.#fault.className = "settings-error";
    this.#fault.id = `${id}-fault`;
    this.#fault.hidden = true;
    this.#control.setAttribute("aria-describedby", `${notes.id} ${this.#fault.id}`);
    const row = document.createElement("div");
    row.className = "option-value";
    row.append(this.#control);
    if (field.unit) {
      const unit = document.createElement("span");
      unit.className = "option-unit muted";
      unit.textContent = serverText(field.unit);
      row.append(unit);
    }
    this.#reset = document.createElement("button");
    this.#reset.type = "button";
    this.#reset.className = "ghost option-reset";
    this.#reset.textContent = t("Default");
    this.#reset.setAttribute("aria-label", t("Use the default of {option}", { option: field.key }));
    this.#reset.hidden = field.value === null || this.#control.disabled || field.isTable || field.key === "source" && !ofMotion(field);
    this.#reset.addEventListener("click", () => {
      this.#control.value = "";
      this.#control.focus();
      this.#changed(onChange);
    });
    row.append(this.#reset);
    this.element.append(label, row, notes, this.#fault);
    this.#control.addEventListener("change", () => this.#changed(onChange));
  }

  #changed(onChange) {
    if (!this.#control.validity.badInput) return onChange(this, this.value);
    return this.setFault(t("This is not a number."));
  }

  // The value in the notation of the file: null is the default.
  get value() {
    const { kind, is_list } = this.#field;
    const text = this.#control.value.trim();
    if (is_list) {
      const lines = text.split("\n").map((each) => each.trim()).filter(Boolean);
      return lines.length ? lines : null;
    }
    if (text === "") return null;
    if (kind === "switch") return text === "true";
    return kind === "integer" || kind === "number" ? Number(text) : text;
  }

  // True if a value is that of the form when it was loaded.
  isOriginal(value) {
    const before = this.#original;
    return JSON.stringify(value) === JSON.stringify(before) || String(value ?? "") === String(before ?? "") && !Array.isArray(value);
  }

  set(value) { this.#control.value = String(value); }

  focus() {
    const group = this.element.closest("details");
    if (group) group.open = true;
    this.#control.focus();
    this.element.scrollIntoView({ block: "center" });
  }

  // Shows if it differs from the saved value.
  mark(isChanged) {
    this.element.dataset.state = isChanged ? "changed" : "";
    if (isChanged) this.#reset.hidden = this.isTable || this.value === null;
  }

  setFault(text) {
    this.isFaulty = text !== "";
    this.#fault.textContent = text;
    this.#fault.hidden = !this.isFaulty;
    this.#control.setAttribute("aria-invalid", String(this.isFaulty));
  }

  #controlOf(field, ofCamera) {
    const { kind, value } = field;
    const shown = value === null || value === undefined ? "" : Array.isArray(value) ? value.join("\n") : String(value);
    if (kind === "switch" || kind === "choice") {
      const select = document.createElement("select");
      const choices = kind === "switch" ? [["true", t("On")], ["false", t("Off")]] : field.choices.filter(Boolean).map((each) => [each, each]);
      if (!field.isTable) select.append(new Option(otherwise(field, ofCamera), ""));
      if (shown && !choices.some(([each]) => each === shown)) choices.push([shown, shown]); // not valid, or of a new version
      select.append(...choices.map(([each, text]) => new Option(text, each)));
      select.value = shown;
      return select;
    }
    const control = document.createElement(field.is_list ? "textarea" : "input");
    if (field.is_list) control.rows = Math.max(2, shown.split("\n").length + 1);
    else if (kind === "integer" || kind === "number") {
      Object.assign(control, { type: "number", step: kind === "integer" ? "1" : "any" });
      if (field.low !== undefined) control.min = field.low;
      if (field.high !== undefined) control.max = field.high;
    } else control.type = "text";
    control.autocomplete = "off";
    control.spellcheck = false;
    control.dir = kind === "text" && !field.is_list ? "auto" : "ltr";
    control.value = shown;
    const instead = field.inherited ?? (field.default === "" ? field.example : field.default);
    if (instead !== undefined && instead !== "") control.placeholder = String(instead);
    return control;
  }

  #notes(ofCamera) {
    const { kind, low, high, example, applies, command_line, locked, is_in_address, is_list } = this.#field;
    const found = [];
    const say = (text, className) => {
      const part = document.createElement("span");
      if (className) part.className = className;
      part.textContent = text;
      found.push(part, " ");
    };
    const isChosen = kind === "switch" || kind === "choice"; // the first choice says it
    if (!isChosen && (this.#field.default !== "" || this.#field.inherited !== undefined)) say(`${otherwise(this.#field, ofCamera)}.`);
    if (low !== undefined && high !== undefined) say(t("From {low} to {high}.", { low: number(low), high: number(high) }));
    if (example) say(t("For example: {example}", { example }));
    if (is_list) say(t("One on each line."));
    if (is_in_address) say(t("It is in the camera's address now."));
    if (applies === "restart") say(t("Needs a restart."), "option-restart");
    if (applies === "reopen") say(t("Opens the camera again."));
    if (locked) say(t("It can only be changed in the file itself."), "option-locked");
    if (command_line) say(t("The command line has {option}, which comes before the file.", { option: command_line }), "option-wins");
    return found;
  }
}

// What applies if the option is not set.
function otherwise(field, ofCamera) {
  const word = (value) => (value === true ? t("on") : value === false ? t("off") : String(value));
  if (ofCamera && field.inherited !== undefined) return t("As for all cameras: {value}", { value: word(field.inherited) });
  if (field.default === "") return t("Not set");
  return t("Default: {value}", { value: word(field.default) });
}

const ofMotion = (field) => field.path.at(-2) === "motion";

function keyOf(key) {
  const code = document.createElement("code");
  code.textContent = key;
  return code;
}

// The help of an option; code is between backquotes. A control of the camera has none.
function helpOf(field) {
  if (!field.help) return [];
  const text = document.createElement("span");
  const parts = capital(serverText(field.help)).split("`");
  text.append(...parts.map((part, index) => (index % 2 ? keyOf(part) : part)));
  return [text];
}
