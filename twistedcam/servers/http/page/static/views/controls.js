// What can be set on a camera, as sliders, choices and switches.
import { call, cameraPath, command } from "../lib/api.js";
import { rights } from "../lib/rights.js";

const MANY = 5; // what there is to set, beyond which it gets the whole column beside the picture
const WAIT = 120; // milliseconds between two settings while a slider moves

export class Controls {
  constructor(name, details) {
    this.name = name;
    this.path = cameraPath(name);
    this.details = details;
    this.form = details.querySelector("form");
    this.wanted = false;
    this.rows = [];
    this.form.addEventListener("submit", (event) => event.preventDefault());
    details.open = innerWidth > 900;
    details.addEventListener("toggle", () => { if (details.open) this.reload(); });
  }

  load() {
    if (!this.wanted) { this.wanted = true; this.reload(); }
  }

  // What holds now; asked once more if somebody sets something meanwhile.
  async reload() {
    if (!this.wanted) return;
    this.again = true;
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.again) {
        this.again = false;
        this.show((await call("GET", `${this.path}/properties`)).properties);
      }
    } catch { /* the server is lost: asked again when it is back */ } finally { this.asking = false; }
  }

  // Whether the camera's own JPEGs are passed on: then a quality changes nothing, and is not offered.
  pass(passed) {
    if (passed === this.passed) return;
    this.passed = passed;
    if (this.properties) this.show(this.properties);
  }

  // A row stays as long as its property is of the same kind: a hand may be on it.
  show(properties) {
    this.properties = properties;
    const before = new Map(this.rows.map((row) => [row.kind, row]));
    const offered = properties.filter((each) => each.writable !== false && !(this.passed && each.property === "quality"));
    this.rows = offered.map((each) => {
      const row = before.get(kindOf(each)) ?? this.row(each);
      row?.take(each.value);
      return row;
    }).filter(Boolean);
    this.permit();
    const elements = this.rows.map((row) => row.element);
    const same = elements.length === this.form.children.length && elements.every((each, index) => each === this.form.children[index]);
    if (!same) this.form.replaceChildren(...elements);
    this.details.hidden = !elements.length;
    this.details.closest(".camera").dataset.settings = elements.length > MANY ? "many" : "few";
  }

  permit() {
    const why = rights.why("control", this.name);
    for (const { input } of this.rows) { input.disabled = Boolean(why); input.title = why; }
  }

  row(property) {
    const input = field(property);
    if (!input) return null;
    const element = document.createElement("div");
    const label = document.createElement("label");
    const output = document.createElement("output");
    output.ariaLive = "off"; // a screen reader says the slider's value itself
    element.className = "slider";
    input.id = `${this.path}-${property.property}`;
    input.name = property.property;
    label.htmlFor = input.id;
    label.textContent = property.property.replaceAll("_", " ");
    const told = (value) => {
      if (input.type !== "range") return;
      output.textContent = value == null ? "–" : `${value}${property.unit ? ` ${property.unit}` : ""}`;
      input.setAttribute("aria-valuetext", value == null ? "not known" : output.textContent);
    };
    const row = { element, input, told, kind: kindOf(property), name: property.property, setting: 0 };
    // What others have set, or the device has granted; not while it is being set here.
    row.take = (value) => { if (!row.setting) { set(input, value); told(value); } };
    input.addEventListener("input", () => {
      if (input.type !== "range") return;
      told(input.value);
      if (property.live !== false) this.soon(row, property);
    });
    input.addEventListener("change", () => this.soon(row, property));
    element.append(label, input.type === "range" ? output : "", input);
    return row;
  }

  soon(row, { choices }) {
    const { input } = row;
    if (row.timer) clearTimeout(row.timer);
    else row.setting += 1;
    row.timer = setTimeout(async () => {
      row.timer = null;
      const value = input.type !== "checkbox" ? input.value : choices ? (input.checked ? "on" : "off") : input.checked;
      await command("PATCH", this.path, { [row.name]: value });
      row.setting -= 1;
      this.reload(); // what was granted, and what somebody else has set since
    }, WAIT);
  }
}

// What makes a property's row: all but its value.
const kindOf = ({ value, asked: _, note: __, ...rest }) => JSON.stringify([rest, typeof value === "boolean"]);

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
  set(input, value);
  return input;
}

const isSwitch = (choices) => choices.length === 2 && choices.includes("on") && choices.includes("off");

function set(input, value) {
  if (input.type === "checkbox") input.checked = value === "on" || Boolean(Number(value));
  else input.value = value ?? input.min;
}
