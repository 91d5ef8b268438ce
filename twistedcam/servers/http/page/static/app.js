// The page: cameras, recordings, and a line to the server that says how they are.
import { Feed } from "./lib/server_events.js";
import { CameraView } from "./views/camera.js";
import { clock } from "./lib/clock.js";
import { Recordings } from "./views/recordings.js";
import { startKeys } from "./keys.js";
import { rights } from "./lib/rights.js";
import { $, address } from "./lib/dom.js";
import { tell } from "./lib/messages.js";

const LINKS = { connected: "Connected", lost: "Server lost – trying again", refused: "Token refused", connecting: "Connecting" };
const cameras = $("#cameras");
const views = new Map();
const recordings = new Recordings();
const feed = new Feed();
let opened = null; // the camera that is shown alone, or null for all

// Told before all else, each time that the page is connected.
feed.onRights = (told) => {
  rights.hear(told);
  if (rights.limits && rights.limits !== $("#limits").textContent) tell("limits", rights.limits);
  $("#limits").textContent = rights.limits;
  $("#limits").hidden = !rights.limits;
  $(".foot a[data-path='/metrics']").hidden = !rights.may("view");
  for (const view of views.values()) view.permit();
  recordings.draw();
};

feed.onFigures = (figures) => {
  const names = figures.cameras.map((each) => each.camera);
  for (const [name, view] of views) {
    if (!names.includes(name)) { view.remove(); views.delete(name); }
  }
  for (const status of figures.cameras) {
    let view = views.get(status.camera);
    if (!view) {
      view = new CameraView(status.camera, feed, () => { location.hash = encodeURIComponent(status.camera); });
      views.set(status.camera, view);
      cameras.append(view.element);
      arrange();
    }
    view.update(status);
  }
  document.title = title(figures.cameras);
  shape(figures.cameras);
  recordings.follow(figures.cameras);
};

feed.onHistory = (history) => {
  for (const [name, rows] of Object.entries(history.cameras)) views.get(name)?.remember(rows);
};

feed.onProperties = (event) => views.get(event.camera)?.controls.reload();

feed.onRecording = (event) => recordings.happened(event);

feed.onLink = (state) => {
  const link = $("#link");
  if (state !== "asleep" && !(state === "connected" && link.dataset.state === undefined)) tell("link", LINKS[state]);
  link.dataset.state = state;
  link.querySelector("span").textContent = LINKS[state];
  document.body.dataset.link = state;
  for (const view of views.values()) view.linked(state);
  if (state === "connected") recordings.load();
};

function title(all) {
  const recording = all.some((each) => each.recording);
  const bad = all.filter((each) => each.state === "recovering").length;
  return `${recording ? "● " : ""}${bad ? "⚠ " : ""}${all.length === 1 ? `${all[0].title || all[0].camera} – ` : ""}twistedcam`;
}

// A grid as square as can be, of the shape that most pictures have.
function shape(all) {
  const sizes = all.map((each) => each.size.split("x").map(Number)).filter(([width]) => width > 0);
  const wide = sizes.filter(([width, height]) => width / height > 1.5).length;
  cameras.style.setProperty("--columns", Math.min(4, Math.ceil(Math.sqrt(all.length))));
  cameras.style.setProperty("--aspect", wide * 2 >= sizes.length ? "16 / 9" : "4 / 3");
}

// One camera alone has everything; several are a grid, each a click away from being alone.
function arrange() {
  const wanted = decode(location.hash.slice(1));
  const names = [...views.keys()];
  opened = names.length === 1 ? names[0] : views.has(wanted) ? wanted : null;
  cameras.classList.toggle("one", opened !== null);
  for (const [name, view] of views) view.show(opened === null || name === opened, name === opened);
  $("#back").hidden = opened === null || names.length < 2;
  for (const link of document.querySelectorAll(".foot a")) link.href = address(link.dataset.path);
}

function decode(text) {
  try { return decodeURIComponent(text); } catch { return ""; }
}

$("#back").addEventListener("click", () => { location.hash = ""; });
// What is shown now gets the focus: a screen reader is where the eye is.
addEventListener("hashchange", () => {
  const before = opened;
  arrange();
  if (opened === before) return;
  if (opened === null) views.get(before)?.find(".open").focus();
  else views.get(opened).focus();
});
for (const skip of document.querySelectorAll(".skip")) {
  skip.addEventListener("click", (event) => { // not by the address: that names the camera
    event.preventDefault();
    const goal = $(skip.getAttribute("href"));
    goal.scrollIntoView();
    goal.focus({ preventScroll: true });
  });
}
startKeys(() => {
  if (opened !== null) return views.get(opened);
  return [...views.values()].find((view) => view.element.contains(document.activeElement));
}, () => { if (views.size > 1) location.hash = ""; }, () => { for (const view of views.values()) view.buttons(); });

// A page that is left is kept by some browsers, with its connections, in case it is returned to.
addEventListener("pagehide", () => { feed.sleep(); for (const view of views.values()) view.pictures.stop(); });
addEventListener("pageshow", (event) => { if (event.persisted) feed.wake(); });

$("#link").hidden = false;
$("#recordings").hidden = false;
$("#foot").hidden = false;
feed.start();
clock.follow(() => feed.link === "connected" || feed.link === "connecting");
