// A grid of cards under headings, of which only those near the screen are in the document.

const WHOLE = 60; // up to so many cards, all are in the document
const OVERSCAN = 800; // pixels above and below the screen
const USUAL = { card: 260, heading: 40, gap: 16 }; // pixels, until they are measured

export class VirtualGrid {
  // list: a <ul> with display: grid; makeHeading(group) and makeCard(item) return its <li>s, and
  // reuse those that there are.
  constructor(list, makeHeading, makeCard) {
    this.list = list;
    this.makeHeading = makeHeading;
    this.makeCard = makeCard;
    this.groups = [];
    this.size = { ...USUAL };
    this.above = spacer();
    this.below = spacer();
    const redraw = () => { if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = null; this.scrolled(); }); };
    addEventListener("scroll", redraw, { passive: true });
    new ResizeObserver(redraw).observe(list);
  }

  // Shows groups of items: [{ key, items }, …]. others: elements to show before them.
  show(groups, others = []) {
    this.groups = groups;
    this.shape = null;
    this.others = others;
    this.count = groups.reduce((sum, each) => sum + each.items.length, 0);
    this.list.classList.toggle("virtual", this.count > WHOLE);
    this.draw(true);
  }

  scrolled() {
    if (this.count > WHOLE) this.draw(false);
  }

  draw(isNew) {
    const lines = this.lines();
    const [first, last] = this.count > WHOLE ? this.visible(lines) : [0, lines.length];
    const range = `${first}-${last}-${this.columns}`;
    if (!isNew && range === this.range) return;
    this.range = range;
    const elements = [...this.others];
    if (first > 0) elements.push(this.fill(this.above, lines[first].top));
    for (const line of lines.slice(first, last)) {
      if (line.group) elements.push(this.makeHeading(line.group));
      else elements.push(...line.items.map((item) => this.makeCard(item)));
    }
    if (last < lines.length) elements.push(this.fill(this.below, this.height - lines[last].top));
    this.replace(elements);
    this.measure();
  }

  // The lines of the grid, each a heading or a row of cards, with their places.
  lines() {
    this.columns = getComputedStyle(this.list).gridTemplateColumns.split(" ").length || 1;
    const shape = JSON.stringify([this.columns, this.size]);
    if (this.shape === shape) return this.kept;
    this.shape = shape;
    const lines = this.kept = [];
    let top = 0;
    for (const group of this.groups) {
      lines.push({ group, top });
      top += this.size.heading + this.size.gap;
      for (let at = 0; at < group.items.length; at += this.columns) {
        lines.push({ items: group.items.slice(at, at + this.columns), top });
        top += this.size.card + this.size.gap;
      }
    }
    this.height = top;
    return lines;
  }

  visible(lines) {
    const { top } = this.list.getBoundingClientRect();
    const after = (place) => { // the first line below a place
      let [low, high] = [0, lines.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (lines[middle].top <= place) low = middle + 1; else high = middle;
      }
      return low;
    };
    const first = Math.max(0, after(-top - OVERSCAN) - 1);
    return [Math.min(first, lines.length - 1), Math.max(first + 1, after(innerHeight - top + OVERSCAN))];
  }

  fill(element, height) {
    element.style.height = `${Math.max(0, height - this.size.gap)}px`;
    return element;
  }

  // Keeps the focus. If its card is gone, the card that takes its place gets it, or else the list.
  replace(elements) {
    const { list } = this;
    const before = [...list.children];
    if (elements.length === before.length && elements.every((each, index) => each === before[index])) return;
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    const index = before.findIndex((each) => each.contains(focused));
    // What stays is not taken out: the browser would lay it out again.
    const kept = new Set(elements);
    for (const each of before) if (!kept.has(each)) each.remove();
    elements.forEach((each, at) => { if (list.children[at] !== each) list.insertBefore(each, list.children[at] ?? null); });
    if (!focused || list.contains(document.activeElement)) return;
    const next = elements.slice(Math.min(index, elements.length - 1)).find((each) => each.matches(".recording"));
    const candidates = [focused, next?.querySelector(".delete:enabled"), next?.querySelector(".thumb:enabled"), list];
    candidates.find((each) => each && list.contains(each)).focus({ preventScroll: true });
  }

  measure() {
    const tall = (selector) => this.list.querySelector(selector)?.offsetHeight;
    const gap = parseFloat(getComputedStyle(this.list).rowGap) || USUAL.gap;
    const size = { card: tall(".recording") || this.size.card, heading: tall(".day") || this.size.heading, gap };
    const isSame = Object.keys(size).every((each) => Math.abs(size[each] - this.size[each]) < 1);
    this.size = size;
    if (!isSame && this.count > WHOLE) this.draw(true);
  }
}

function spacer() {
  const element = document.createElement("li");
  element.className = "spacer";
  element.setAttribute("aria-hidden", "true");
  return element;
}
