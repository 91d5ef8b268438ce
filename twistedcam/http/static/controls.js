// What can be set on a camera, as sliders, choices and switches.
import { call, cameraPath, command } from "./api.js";

const MANY = 5; // what there is to set, beyond which it gets the whole column beside the picture
const WAIT = 120; // milliseconds between two settings while a slider moves

export class Controls {
  constructor(name, details) {
    this.path = cameraPath(name);
    this.details = details;
    this.form = details.querySelector("form");
    this.wanted = false;
    this.form.addEventListener("submit", (event) => event.preventDefault());
    details.open = innerWidth > 900;
    details.addEventListener("toggle", () => { if (details.open) this.reload(); });
  }

  load() {
    if (!this.wanted) { this.wanted = true; this.reload(); }
  }

  async reload() {
    if (!this.wanted) return;
    let told;
    try { told = await call("GET", `${this.path}/properties`); } catch { return; }
    const rows = told.properties.filter((each) => each.writable !== false).map((each) => this.row(each)).filter(Boolean);
    if (!this.form.contains(document.activeElement)) this.form.replaceChildren(...rows);
    this.details.hidden = !rows.length;
    this.details.closest(".camera").dataset.settings = rows.length > MANY ? "many" : "few";
  }

  row(property) {
    const input = field(property);
    if (!input) return null;
    const row = document.createElement("div");
    const label = document.createElement("label");
    const output = document.createElement("output");
    row.className = "slider";
    input.id = `${this.path}-${property.property}`;
    input.name = property.property;
    label.htmlFor = input.id;
    label.textContent = property.property.replaceAll("_", " ");
    const told = (value) => { output.textContent = input.type !== "range" ? "" : value == null ? "–" : `${value}${property.unit ? ` ${property.unit}` : ""}`; };
    told(property.value);
    input.addEventListener("input", () => {
      if (input.type !== "range") return;
      told(input.value);
      if (property.live !== false) this.soon(property, input, told);
    });
    input.addEventListener("change", () => this.soon(property, input, told));
    row.append(label, input.type === "range" ? output : "", input);
    return row;
  }

  soon(property, input, told) {
    clearTimeout(property.timer);
    property.timer = setTimeout(async () => {
      const value = input.type !== "checkbox" ? input.value : property.choices ? (input.checked ? "on" : "off") : input.checked;
      const answer = await command("PATCH", this.path, { [property.property]: value });
      const granted = answer?.properties?.[0]?.value;
      if (!answer) this.reload();
      else if (granted != null && document.activeElement !== input) { set(input, granted); told(granted); }
      else if (granted != null) told(granted);
    }, WAIT);
  }
}

// An input for a property, or null where it has no range and no choices.
function field({ value, low, high, step, choices }) {
  if (choices && !isSwitch(choices)) {
    const select = document.createElement("select");
    select.append(...choices.map((choice) => new Option(String(choice).replaceAll("_", " "), choice)));
    select.value = value;
    return select;
  }
  const input = document.createElement("input");
  if (choices || typeof value === "boolean" || (low === 0 && high === 1)) {
    input.type = "checkbox";
    set(input, value);
    return input;
  }
  // A range of a thousandfold is no slider (frames a second from 0.1 to 1000): up to 120 is.
  if (low == null || high == null) return null;
  input.type = "range";
  input.min = step ? low : Math.max(1, Math.ceil(low));
  input.max = step ? high : Math.min(high, 120);
  input.step = step ?? 1;
  input.value = value ?? input.min;
  return input;
}

const isSwitch = (choices) => choices.length === 2 && choices.includes("on") && choices.includes("off");

function set(input, value) {
  if (input.type === "checkbox") input.checked = value === "on" || Boolean(Number(value));
  else input.value = value;
}
