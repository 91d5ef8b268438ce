// What happens on the server, as it happens. Silence means that it is lost, unless it has said that
// the page's token is good no longer: then nothing is asked until somebody does something about it.
import { verdict } from "./api.js";
import { address } from "./dom.js";

const SILENCE = 2400; // milliseconds; figures come once a second
const RETRY = 800;

export class Feed {
  constructor() {
    this.link = "connecting";
    this.source = null;
    this.refusal = null; // why the server lets the page in no longer, in words
    this.asking = false;
    this.heard = this.tried = 0; // when something came, and when it was last asked for anew
    this.onRights = this.onFigures = this.onHistory = this.onProperties = this.onRecording = this.onLink = () => {};
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
      else if (this.link === "asleep") this.wake();
    });
    addEventListener("online", () => this.reopen());
  }

  sleep() {
    this.source?.close();
    this.become("asleep");
  }

  wake() {
    this.become("connecting");
    this.heard = performance.now();
    this.reopen();
  }

  // An EventSource does not say why it was ended, and of a refusal browsers make a dialogue: so it
  // is asked first whether the server is there and lets this page in.
  async reopen() {
    if (this.asking) return;
    this.asking = true;
    this.tried = performance.now();
    const { source } = this;
    const said = await verdict("/api/v1/time");
    this.asking = false;
    if (source !== this.source || this.link === "asleep" || said === null) return;
    this.refusal = said;
    if (said) this.become("refused");
    else this.open();
  }

  open() {
    this.source?.close();
    this.heard = performance.now();
    const source = new EventSource(address("/events?figures=1"));
    this.source = source;
    const on = (kind, call) => source.addEventListener(kind, (event) => {
      if (source !== this.source) return;
      this.heard = performance.now();
      if (kind === "figures") this.become("connected");
      call(JSON.parse(event.data));
    });
    on("rights", (told) => this.onRights(told));
    on("figures", (figures) => this.onFigures(figures));
    on("history", (history) => { this.history = history; });
    on("properties", (event) => this.onProperties(event));
    on("recording", (event) => this.onRecording(event));
    source.addEventListener("figures", () => {
      if (this.history) { this.onHistory(this.history); this.history = null; }
    });
    source.onerror = () => source.close();
  }

  check() {
    if (this.link === "asleep" || this.link === "refused") return;
    const now = performance.now();
    const silence = now - this.heard;
    if (this.link !== "lost" && silence > SILENCE) this.become("lost");
    const ended = this.source.readyState === EventSource.CLOSED;
    if (silence > (ended ? RETRY : SILENCE) && now - this.tried > RETRY) this.reopen();
  }

  become(link) {
    if (link === this.link) return;
    this.link = link;
    this.onLink(link);
  }
}
