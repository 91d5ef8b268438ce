// The calendar of the timeline: a month, with the days that have recordings.
import { call, cameraPath } from "../lib/api.js";
import { $ } from "../lib/dom.js";
import { announce } from "../lib/messages.js";
import { dateText, t } from "../lib/text.js";

const HOUR = 3600;

export class Calendar {
  // onDay: called with the start of the chosen day, in UNIX seconds.
  constructor(onDay) {
    this.dialog = $("#calendar");
    this.days = $("#calendar-days");
    this.onDay = onDay;
    $("#calendar-earlier").addEventListener("click", () => this.move(-1));
    $("#calendar-later").addEventListener("click", () => this.move(1));
    this.days.addEventListener("click", (event) => {
      const day = event.target.closest("button")?.dataset.day;
      if (!day) return;
      this.dialog.close();
      this.onDay(Number(day));
    });
  }

  toggle(camera, time) {
    if (this.dialog.open) { this.dialog.close(); return; }
    this.camera = camera;
    this.month = new Date(time * 1000);
    this.chosen = new Date(time * 1000).toDateString();
    this.month.setHours(0, 0, 0, 0);
    this.month.setDate(1);
    this.dialog.showModal();
    this.draw(new Set());
    this.load();
  }

  move(months) {
    this.month.setMonth(this.month.getMonth() + months);
    this.draw(new Set());
    announce("calendar", $("#calendar-month").textContent);
    this.load();
  }

  async load() {
    const month = new Date(this.month);
    const next = new Date(month);
    next.setMonth(next.getMonth() + 1);
    try {
      const { spans } = await call("GET", `${cameraPath(this.camera)}/spans?start=${month / 1000}&end=${next / 1000}&gap=${HOUR}`);
      if (month.getTime() !== this.month.getTime()) return;
      const recorded = new Set();
      for (const { start, end } of spans) {
        const day = new Date(start * 1000);
        day.setHours(0, 0, 0, 0);
        for (; day / 1000 < end; day.setDate(day.getDate() + 1)) recorded.add(day.toDateString());
      }
      this.draw(recorded);
    } catch { /* the timeline says why */ }
  }

  draw(recorded) {
    const { month } = this;
    $("#calendar-month").textContent = dateText(month, { month: "long", year: "numeric" });
    const cells = [];
    for (let index = 0; index < 7; index += 1) { // weeks begin on Monday
      const name = document.createElement("span");
      name.textContent = dateText(new Date(2024, 0, 1 + index), { weekday: "short" });
      cells.push(name);
    }
    const focused = this.days.contains(document.activeElement) ? document.activeElement.dataset.day : null;
    const now = Date.now();
    for (const day = new Date(month); day.getMonth() === month.getMonth(); day.setDate(day.getDate() + 1)) {
      const button = document.createElement("button");
      const has = recorded.has(day.toDateString());
      button.textContent = day.getDate();
      button.dataset.day = day / 1000;
      button.dataset.recorded = has;
      button.disabled = day > now;
      const date = dateText(day, { day: "numeric", month: "long" });
      button.setAttribute("aria-label", has ? t("{date}, recorded", { date }) : date);
      if (day.toDateString() === this.chosen) button.setAttribute("aria-current", "date");
      if (day.getDate() === 1) button.style.gridColumnStart = (day.getDay() + 6) % 7 + 1;
      cells.push(button);
    }
    this.days.replaceChildren(...cells);
    if (focused) $(`[data-day="${focused}"]`, this.days)?.focus();
  }
}
