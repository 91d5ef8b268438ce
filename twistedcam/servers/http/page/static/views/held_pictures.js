// Holds pictures back until the sound of their time is heard.
const MOST = 24; // pictures that wait
const EARLY = 1; // milliseconds by which a picture may be drawn too early

export class HeldPictures {
  constructor() {
    this.waiting = []; // those that were not drawn yet, oldest first
    this.timer = null;
  }

  // Draws a picture in a number of milliseconds; at once, and none before it, if that is not above 0.
  // The image may be closed after the call. draw: called with the image or a copy of it.
  show(image, wait, draw) {
    if (!(wait > 0)) {
      this.clear();
      draw(image);
      return;
    }
    const picture = { at: performance.now() + wait, draw, copy: null, isOver: false };
    createImageBitmap(image).then((copy) => {
      if (picture.isOver) copy.close();
      else picture.copy = copy;
      this.drawDue();
    }, () => { /* it was lost meanwhile */ });
    this.waiting.push(picture);
    if (this.waiting.length > MOST) end(this.waiting.shift());
    this.schedule();
  }

  clear() {
    for (const each of this.waiting.splice(0)) end(each);
    this.schedule();
  }

  schedule() {
    clearTimeout(this.timer);
    const now = performance.now();
    const next = this.waiting.find((each) => each.at > now + EARLY);
    if (next) this.timer = setTimeout(() => this.drawDue(), next.at - now);
  }

  // Draws the newest picture whose time has come. One that is not copied yet comes later.
  drawDue() {
    const now = performance.now();
    const due = this.waiting.splice(0, this.waiting.findLastIndex((each) => each.copy && each.at <= now + EARLY) + 1);
    const newest = due.at(-1);
    newest?.draw(newest.copy);
    for (const each of due) end(each);
    this.schedule();
  }
}

function end(picture) {
  picture.isOver = true;
  picture.copy?.close();
}
