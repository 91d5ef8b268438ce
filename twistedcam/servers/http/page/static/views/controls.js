// The settings of a camera, as sliders, choices and switches.
import { call, cameraPath, command } from "../lib/api.js";
import { rights } from "../lib/rights.js";
import { store, stored } from "../lib/storage.js";
import { term } from "../lib/terms.js";
import { number, t } from "../lib/text.js";

const MANY = 5; // more settings than this get the whole column beside the picture
const DELAY = 120; // milliseconds between two requests while a slider moves

export class Controls {
  constructor(name, details) {
    this.name = name;
    this.path = cameraPath(name);
    this.details = details;
    this.form = details.querySelector("form");
    this.video = details.querySelector(".video");
    this.wanted = false;
    this.rows = [];
    this.form.addEventListener("submit", (event) => event.preventDefault());
    details.open = innerWidth > 900;
    details.addEventListener("toggle", () => { if (details.open) this.reload(); });
  }

  load() {
    if (!this.wanted) { this.wanted = true; this.reload(); }
  }

  // Offers the choice of the codec, which the browser remembers for each camera.
  rememberVideo(player) {
    const key = `twistedcam video ${this.name}`;
    const select = this.video.querySelector("select");
    select.id = `video-of-${encodeURIComponent(this.name)}`;
    this.video.querySelector("label").htmlFor = select.id;
    select.value = stored(key) ?? "auto";
    if (!select.value) select.value = "auto"; // another version's choice
    player.want(select.value);
    select.addEventListener("change", () => {
      store(key, select.value);
      player.want(select.value);
    });
  }

  // Loads the current values, and again if a value is set meanwhile.
  async reload() {
    if (!this.wanted) return;
    this.stale = true;
    if (this.loading) return;
    this.loading = true;
    try {
      while (this.stale) {
        this.stale = false;
        this.show((await call("GET", `${this.path}/properties`)).properties);
      }
    } catch { /* the connection was lost; the values are loaded again after it */ } finally { this.loading = false; }
  }

  // If the JPEGs of the camera are passed through, the quality has no effect and is hidden.
  setPassthrough(isPassthrough) {
    if (isPassthrough === this.isPassthrough) return;
    this.isPassthrough = isPassthrough;
    if (this.properties) this.show(this.properties);
  }

  // Keeps the row of a property that only has a new value, because the user may be moving it.
  show(properties) {
    this.properties = properties;
    const before = new Map(this.rows.map((row) => [row.kind, row]));
    const shown = properties.filter((each) => each.writable !== false && !(this.isPassthrough && each.property === "quality"));
    this.rows = shown.map((each) => {
      const row = before.get(kindOf(each)) ?? this.makeRow(each);
      row?.update(each.value);
      return row;
    }).filter(Boolean);
    this.updateRights();
    const elements = this.rows.map((row) => row.element);
    const same = elements.length === this.form.children.length && elements.every((each, index) => each === this.form.children[index]);
    if (!same) this.form.replaceChildren(...elements);
    this.updateVisibility();
    this.details.closest(".camera").dataset.settings = elements.length > MANY ? "many" : "few";
  }

  // hasVideo: the choice of the codec is shown above the settings.
  setVideo(hasVideo) {
    this.video.hidden = !hasVideo;
    this.updateVisibility();
  }

  updateVisibility() {
    this.details.hidden = !this.rows.length && this.video.hidden;
  }

  updateRights() {
    const reason = rights.why("control", this.name);
    for (const { input } of this.rows) { input.disabled = Boolean(reason); input.title = reason; }
  }

  makeRow(property) {
    const input = makeInput(property);
    if (!input) return null;
    const element = document.createElement("div");
    const label = document.createElement("label");
    const output = document.createElement("output");
    output.ariaLive = "off"; // a screen reader reads the value of the slider itself
    element.className = "slider";
    input.id = `${this.path}-${property.property}`;
    input.name = property.property;
    label.htmlFor = input.id;
    label.textContent = term(property.property);
    const showValue = (value) => {
      if (input.type !== "range") return;
      output.textContent = value == null ? "–" : property.unit ? t("{value} {unit}", { value: Number(value), unit: term(property.unit) }) : number(value);
      input.setAttribute("aria-valuetext", value == null ? t("not known") : output.textContent);
    };
    const row = { element, input, kind: kindOf(property), name: property.property, pending: 0 };
    // Shows the value from the server, unless the user is changing it.
    row.update = (value) => { if (!row.pending) { setValue(input, value); showValue(value); } };
    input.addEventListener("input", () => {
      if (input.type !== "range") return;
      showValue(input.value);
      if (property.live !== false) this.sendSoon(row, property);
    });
    input.addEventListener("change", () => this.sendSoon(row, property));
    element.append(label, input.type === "range" ? output : "", input);
    return row;
  }

  sendSoon(row, { choices }) {
    const { input } = row;
    if (row.timer) clearTimeout(row.timer);
    else row.pending += 1;
    row.timer = setTimeout(async () => {
      row.timer = null;
      const value = input.type !== "checkbox" ? input.value : choices ? (input.checked ? "on" : "off") : input.checked;
      await command("PATCH", this.path, { [row.name]: value });
      row.pending -= 1;
      this.reload(); // the camera may have chosen another value, or another client has set one
    }, DELAY);
  }
}

// Everything that a row depends on: all fields of a property except its value.
const kindOf = ({ value, asked: _, note: __, ...rest }) => JSON.stringify([rest, typeof value === "boolean"]);

// Makes the input for a property, or null if it has neither range nor choices.
function makeInput({ value, low, high, step, choices }) {
  if (choices && !isSwitch(choices)) {
    const select = document.createElement("select");
    select.append(...choices.map((choice) => new Option(term(choice), choice)));
    select.value = value;
    return select;
  }
  const input = document.createElement("input");
  if (choices || typeof value === "boolean" || (low === 0 && high === 1)) {
    input.type = "checkbox";
    setValue(input, value);
    return input;
  }
  // A very large range (0.1 to 1000 frames per second) is cut to what a slider can show.
  if (low == null || high == null) return null;
  input.type = "range";
  input.min = step ? low : Math.max(1, Math.ceil(low));
  input.max = step ? high : Math.min(high, 120);
  input.step = step ?? 1;
  setValue(input, value);
  return input;
}

const isSwitch = (choices) => choices.length === 2 && choices.includes("on") && choices.includes("off");

function setValue(input, value) {
  if (input.type === "checkbox") input.checked = value === "on" || Boolean(Number(value));
  else input.value = value ?? input.min;
}
