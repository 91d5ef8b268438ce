// Server-sent events. The connection counts as lost after silence, unless the server refuses the
// page's token: then the page does not ask again until the user does something.
import { address, checkAccess } from "./api.js";

const SILENCE = 2400; // milliseconds; statistics come once a second
const RETRY = 800;

export class ServerEvents {
  constructor() {
    this.link = "connecting";
    this.source = null;
    this.refusal = null; // why the server refuses the page
    this.checking = false;
    this.received = this.tried = 0; // the times of the last event and of the last attempt
    this.boxesFor = new Set(); // cameras that the page shows with boxes around what moves
    this.onRights = this.onStats = this.onHistory = this.onBoxes = this.onProperties = this.onRecording = this.onHappened = this.onLink = () => {};
  }

  start() {
    this.open();
    setInterval(() => this.check(), 200);
    // A page in the background closes its connection after a minute: browsers allow six to a
    // server, over all tabs.
    let timer = null;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => this.sleep(), 60000);
      else if (this.link === "asleep") this.wake();
    });
    addEventListener("online", () => this.reopen());
  }

  sleep() {
    this.source?.close();
    this.setLink("asleep");
  }

  wake() {
    this.setLink("connecting");
    this.received = performance.now();
    this.reopen();
  }

  // An EventSource does not say why it failed, and browsers show a dialog for a refusal. So the page
  // first checks that the server answers and allows access.
  async reopen() {
    if (this.checking) return;
    this.checking = true;
    this.tried = performance.now();
    const { source } = this;
    const refusal = await checkAccess("/api/v1/time");
    this.checking = false;
    if (source !== this.source || this.link === "asleep" || refusal === null) return;
    this.refusal = refusal;
    if (refusal) this.setLink("refused");
    else this.open();
  }

  open() {
    this.source?.close();
    this.received = performance.now();
    this.hasBoxes = this.boxesFor.size > 0;
    const source = new EventSource(address(`/events?figures=1${this.hasBoxes ? "&boxes=1" : ""}`));
    this.source = source;
    const on = (kind, handle) => source.addEventListener(kind, (event) => {
      if (source !== this.source) return;
      this.received = performance.now();
      if (kind === "figures") this.setLink("connected");
      handle(JSON.parse(event.data));
    });
    on("rights", (rights) => this.onRights(rights));
    on("figures", (stats) => this.onStats(stats));
    on("history", (history) => { this.history = history; });
    on("boxes", (event) => this.onBoxes(event));
    on("properties", (event) => this.onProperties(event));
    on("recording", (event) => this.onRecording(event));
    for (const kind of ["motion", "detection", "state", "fault", "hook"]) on(kind, (event) => this.onHappened(event));
    source.addEventListener("figures", () => {
      if (this.history) { this.onHistory(this.history); this.history = null; }
    });
    source.onerror = () => source.close();
  }

  // The server sends boxes only while some camera is shown with them.
  wantBoxes(camera, isWanted) {
    if (isWanted) this.boxesFor.add(camera);
    else this.boxesFor.delete(camera);
    if (this.link === "connected" && this.hasBoxes !== this.boxesFor.size > 0) this.open();
  }

  check() {
    if (this.link === "asleep" || this.link === "refused") return;
    const now = performance.now();
    const silence = now - this.received;
    if (this.link !== "lost" && silence > SILENCE) this.setLink("lost");
    const closed = this.source.readyState === EventSource.CLOSED;
    if (silence > (closed ? RETRY : SILENCE) && now - this.tried > RETRY) this.reopen();
  }

  setLink(link) {
    if (link === this.link) return;
    this.link = link;
    this.onLink(link);
  }
}
