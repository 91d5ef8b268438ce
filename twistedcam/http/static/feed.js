// What happens on the server, as it happens. Silence means that it is lost.
import { address } from "./dom.js";

const SILENCE = 2400; // milliseconds; figures come once a second
const RETRY = 800;

export class Feed {
  constructor() {
    this.link = "connecting";
    this.source = null;
    this.heard = 0;
    this.onFigures = this.onHistory = this.onProperties = this.onRecording = this.onLink = () => {};
  }

  start() {
    this.open();
    setInterval(() => this.check(), 200);
    // A page that nobody has looked at for a minute lets its connection go: browsers allow six
    // to a server, over all tabs.
    let leaving = null;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(leaving);
      if (document.hidden) leaving = setTimeout(() => this.sleep(), 60000);
      else if (this.link === "asleep") this.open();
    });
    addEventListener("online", () => this.open());
  }

  sleep() {
    this.source?.close();
    this.become("asleep");
  }

  open() {
    this.source?.close();
    if (this.link === "asleep") this.become("connecting");
    this.heard = performance.now();
    const source = new EventSource(address("/events?figures=1"));
    this.source = source;
    const on = (kind, call) => source.addEventListener(kind, (event) => {
      if (source !== this.source) return;
      this.heard = performance.now();
      if (kind === "figures") this.become("connected");
      call(JSON.parse(event.data));
    });
    on("figures", (figures) => this.onFigures(figures));
    on("history", (history) => { this.history = history; });
    on("properties", (event) => this.onProperties(event));
    on("recording", (event) => this.onRecording(event));
    source.addEventListener("figures", () => {
      if (this.history) { this.onHistory(this.history); this.history = null; }
    });
    source.onerror = () => { if (source.readyState === EventSource.CLOSED) this.heard -= SILENCE - RETRY; };
  }

  check() {
    if (this.link === "asleep") return;
    const silence = performance.now() - this.heard;
    if (this.link !== "lost" && silence > SILENCE) this.become("lost");
    if (this.link === "lost" && silence > RETRY) this.open();
  }

  become(link) {
    if (link === this.link) return;
    this.link = link;
    this.onLink(link);
  }
}
