// The dialog in which the user makes groups of cameras.
import { $ } from "../lib/dom.js";
import { t } from "../lib/text.js";

export class WallGroups {
  // wall: has `settings.groups`, `cameras` (names to titles) and `saveGroups`.
  constructor(wall) {
    this.wall = wall;
    this.dialog = $("#wall-dialog");
    this.choice = $("#wall-edit");
    this.name = $("#wall-name");
    this.error = $("#wall-error");
    this.choice.addEventListener("change", () => this.fill());
    $("#wall-save").addEventListener("click", (event) => { event.preventDefault(); this.save(); });
    $("#wall-delete").addEventListener("click", (event) => { event.preventDefault(); this.delete(); });
    this.name.addEventListener("input", () => this.setError(""));
  }

  open() {
    this.list(this.wall.settings.group);
    this.dialog.showModal();
  }

  list(selected) {
    this.choice.replaceChildren(new Option(t("New group"), ""));
    for (const { name } of this.wall.settings.groups) this.choice.append(new Option(name, name));
    this.choice.value = selected;
    this.fill();
  }

  get group() { return this.wall.settings.groups.find(({ name }) => name === this.choice.value); }

  fill() {
    this.setError("");
    this.name.value = this.group?.name ?? "";
    $("#wall-delete").hidden = !this.group;
    $("#wall-cameras").replaceChildren(...[...this.wall.cameras].map(([name, title]) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      const text = document.createElement("span");
      [box.type, box.value, box.checked] = ["checkbox", name, this.group?.cameras.includes(name) ?? false];
      [text.dir, text.textContent] = ["auto", title];
      label.append(box, text);
      return label;
    }));
  }

  save() {
    const { groups } = this.wall.settings;
    const name = this.name.value.trim();
    const cameras = [...document.querySelectorAll("#wall-cameras :checked")].map((box) => box.value);
    const other = groups.find((each) => each !== this.group && each.name === name);
    if (!name) { this.setError(t("Give the group a name"), this.name); return; }
    if (other) { this.setError(t("There is already a group {name}", { name }), this.name); return; }
    if (!cameras.length) { this.setError(t("Select at least one camera"), $("#wall-cameras input")); return; }
    // Cameras that are away now stay in the group.
    const away = (this.group?.cameras ?? []).filter((each) => !this.wall.cameras.has(each));
    const made = { name, cameras: [...cameras, ...away] };
    this.wall.saveGroups(this.group ? groups.map((each) => (each === this.group ? made : each)) : [...groups, made], name);
    this.dialog.close();
  }

  delete() {
    this.wall.saveGroups(this.wall.settings.groups.filter((each) => each !== this.group), "");
    this.list("");
    this.choice.focus();
  }

  setError(text, field = null) {
    this.error.textContent = text;
    this.error.hidden = !text;
    field?.focus();
  }
}
