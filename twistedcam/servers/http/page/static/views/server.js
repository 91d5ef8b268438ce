// "This server": who watches and is logged in, targets, hooks, the log, and a report for a helper.
import { address, call } from "../lib/api.js";
import { $, capital, visible } from "../lib/dom.js";
import { bytes, duration } from "../lib/format.js";
import { showMessage } from "../lib/messages.js";
import { rights } from "../lib/rights.js";
import { term } from "../lib/terms.js";
import { dateText, t } from "../lib/text.js";
import { ProcessView } from "./process.js";

const PERIOD = 3000; // milliseconds between two looks at the viewers
const LINES = 300; // of the log
// What is not called by its key.
const NAMES = { twistedcam: "twistedcam", opencv: "OpenCV", numpy: "NumPy", av: "PyAV", rtsp: "RTSP", view: t("Viewers") };
const dialog = $("#server");
const processView = new ProcessView($("#server-process"), $("#server-process-box"));
let timer = null;

export function watchServer() {
  $("#server-open").addEventListener("click", () => { dialog.showModal(); refresh(); timer = setInterval(() => { showViewers(); processView.refresh(); }, PERIOD); });
  dialog.addEventListener("close", () => clearInterval(timer));
  $("#server-reload").addEventListener("click", refresh);
  $("#server-log-filter").addEventListener("input", showLog);
  $("#server-report").addEventListener("click", report);
}

function refresh() {
  const admin = rights.may("admin");
  $("#server-logins-box").hidden = !admin || rights.token === "anyone";
  $("#server-log-box").hidden = !admin;
  showViewers();
  processView.refresh();
  if (!$("#server-logins-box").hidden) showLogins();
  if (admin) showLog();
  showList("#server-targets", "/publish", "targets", t("No video is published."), (each) => row(
    `${each.camera}: ${each.target}`, [term(each.state), each.last_fault, each.url].filter(Boolean).join(" · "),
  ));
  showList("#server-hooks", "/hooks", "hooks", t("There are no hooks."), (each) => row(each.hook, [
    t("on {event}", { event: each.on }), each.action, each.last && t("last: {outcome}", { outcome: term(each.last) }), each.reason,
  ].filter(Boolean).join(" · ")));
  showAbout();
}

const showViewers = () => showList("#server-viewers", "/viewers", "viewers", t("Nobody watches."), (each) => row(
  `${each.camera} · ${each.address}`,
  [each.kind, t("{count} frames/s", { count: each.fps }), bytes(each.bytes), t("for {duration}", { duration: duration(each.seconds) })].join(" · "),
  rights.may("control") && [t("Disconnect"), t("Disconnect viewer {viewer} of {camera}", { viewer: String(each.viewer), camera: each.camera }), async () => { await call("DELETE", `/viewers/${each.viewer}`); showViewers(); }],
));

const showLogins = () => showList("#server-logins", "/logins", "logins", t("Nobody is logged in."), (each) => row(
  `${each.token} · ${each.address}`, [each.browser, t("last used {date}", { date: dateText(new Date(each.used), { dateStyle: "short", timeStyle: "medium" }) })].filter(Boolean).join(" · "),
  [t("Log out"), t("Log out {name} at {address}", { name: each.token, address: each.address }), async () => { await call("DELETE", `/logins/${each.id}`); showLogins(); }],
));

// Fills a list with the items of an answer, or with the reason why there is none.
async function showList(selector, path, key, empty, show) {
  const list = $(selector);
  let rows;
  try {
    const found = (await call("GET", path))[key];
    rows = found.length ? found.map(show) : [row(empty)];
  } catch (error) { rows = [row(capital(error.message))]; }
  // Rows that stay are changed in place: one may be about to be clicked.
  const before = new Map([...list.children].map((each) => [each.dataset.key, each]));
  const after = rows.map((each) => {
    const same = before.get(each.dataset.key);
    if (!same) return each;
    same.querySelector(".muted").textContent = each.querySelector(".muted").textContent;
    return same;
  });
  if (after.length !== list.children.length || after.some((each, at) => each !== list.children[at])) list.replaceChildren(...after);
}

function row(title, more = "", action = null) {
  const item = document.createElement("li");
  item.dataset.key = `${title} ${action ? action[1] : ""}`;
  const about = document.createElement("div");
  const [strong, span] = [document.createElement("strong"), document.createElement("span")];
  strong.textContent = visible(title);
  strong.dir = "auto";
  span.className = "muted";
  span.textContent = visible(more);
  about.append(strong, span);
  item.append(about);
  if (action) {
    const [text, label, run] = action;
    const button = document.createElement("button");
    button.textContent = text;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", async () => {
      button.disabled = true;
      try { await run(); } catch (error) { showMessage(capital(error.message), true); button.disabled = false; }
    });
    item.append(button);
  }
  return item;
}

async function showLog() {
  const words = $("#server-log-filter").value.trim();
  const query = words ? `&filter=${encodeURIComponent(words)}` : "";
  $("#server-log-download").href = address(`/api/v1/log?lines=2000&download${query}`);
  const shown = $("#server-log");
  let text;
  try {
    text = (await call("GET", `/log?lines=${LINES}${query}`)).lines.map((each) => each.text).join("\n");
  } catch (error) { text = capital(error.message); }
  if (words !== $("#server-log-filter").value.trim()) return; // a newer search is on its way
  shown.textContent = text || t("No line has these words.");
  shown.scrollTop = shown.scrollHeight;
}

async function showAbout() {
  const facts = {};
  for (const path of ["/version", "/server"]) {
    try { Object.assign(facts, await call("GET", path)); } catch { /* a token for some cameras */ }
  }
  if (facts.uptime) facts.uptime = duration(facts.uptime);
  $("#server-about").replaceChildren(...Object.entries(facts).filter(([, value]) => value !== null).flatMap(([key, value]) => {
    const [name, text] = [document.createElement("dt"), document.createElement("dd")];
    name.textContent = NAMES[key] ?? capital(term(key));
    text.textContent = value;
    text.dir = "auto";
    return [name, text];
  }));
}

// Saves what a helper wants to know. The server leaves secrets out of all its answers.
async function report() {
  const paths = ["/version", "/server", "/status", "/cameras", "/viewers", "/publish", "/hooks", "/events?limit=50", "/process"];
  if (rights.may("admin")) paths.push("/log?lines=2000");
  const found = { made: new Date().toISOString(), browser: navigator.userAgent, page: location.pathname };
  await Promise.all(paths.map(async (path) => {
    const name = path.slice(1).split("?")[0];
    try { found[name] = await call("GET", path); } catch (error) { found[name] = { error: error.message }; }
  }));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(found, null, 1)], { type: "application/json" }));
  link.download = "twistedcam-report.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  showMessage(t("Saved {name}", { name: "twistedcam-report.json" }));
}
