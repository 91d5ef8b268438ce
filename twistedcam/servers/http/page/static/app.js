// The page: cameras, a timeline, events and recordings, kept up to date by events of the server.
import { address } from "./lib/api.js";
import "./lib/app_worker.js";
import { clock } from "./lib/clock.js";
import { dataSaver } from "./lib/data_saver.js";
import { $ } from "./lib/dom.js";
import { announce } from "./lib/messages.js";
import { rights } from "./lib/rights.js";
import { ServerEvents } from "./lib/server_events.js";
import { t } from "./lib/text.js";
import { startKeys } from "./keys.js";
import { CameraView } from "./views/camera.js";
import { Events } from "./views/events.js";
import { SETUP, Setup } from "./views/setup.js";
import { openSettings, watchSettings } from "./views/settings.js";
import { watchServer } from "./views/server.js";
import { watchNotifications } from "./views/notifications.js";
import { Recordings } from "./views/recordings.js";
import { Timeline } from "./views/timeline.js";
import { WALL, Wall } from "./views/wall.js";

const LINKS = { connected: t("Connected"), lost: t("Server lost – trying again"), refused: t("Logged out"), connecting: t("Connecting") };
const cameras = $("#cameras");
const views = new Map();
const recordings = new Recordings();
const timeline = new Timeline();
const gallery = new Events(recordings, timeline);
const events = new ServerEvents();
const setup = new Setup();
const wall = new Wall(() => events.link === "connected");
let overview = ""; // the hash of the view to which the button "All cameras" returns
let opened = null; // the name of the camera that is shown alone, or null

// The server sends the rights first, each time that the page connects.
events.onRights = (grant) => {
  rights.set(grant);
  if (rights.restrictions && rights.restrictions !== $("#limits").textContent) announce("limits", rights.restrictions);
  $("#limits").textContent = rights.restrictions;
  $("#limits").hidden = !rights.restrictions;
  $("#logout").hidden = !rights.login;
  $("#settings-open").hidden = $("#setup-open").hidden = !rights.may("admin");
  $("#logout").title = rights.login ? t("Log out: {name}", { name: rights.token }) : "";
  $(".foot a[data-path='/metrics']").hidden = !rights.may("view");
  for (const view of views.values()) view.updateRights();
  wall.updateLink();
  recordings.draw();
  gallery.draw();
  timeline.updateRights();
};

events.onStats = (stats) => {
  const names = stats.cameras.map((each) => each.camera);
  const gone = [...views.keys()].filter((name) => !names.includes(name));
  for (const name of gone) { views.get(name).remove(); views.delete(name); }
  const added = names.filter((name) => !views.has(name));
  for (const name of added) views.set(name, new CameraView(name, events, () => { location.hash = encodeURIComponent(name); }));
  cameras.append(...added.map((name) => views.get(name).element));
  if (added.length || gone.length) arrange(); // once: with many cameras it takes long
  for (const status of stats.cameras) views.get(status.camera).update(status);
  setup.offer(stats.cameras);
  wall.update(stats.cameras);
  $("#wall-open").hidden = views.size < 2 || wall.isOpen;
  document.title = title(stats.cameras);
  shapeGrid(stats.cameras);
  // The recordings that were read meanwhile are shown when all are read.
  const isRead = recordings.setReading(stats.reading_recordings ?? null);
  if (isRead) { recordings.load(); timeline.changed(); }
  recordings.update(stats.cameras);
  gallery.update(stats.cameras);
  timeline.update(stats.cameras, opened);
};

events.onHistory = (history) => {
  for (const [name, rows] of Object.entries(history.cameras)) views.get(name)?.setHistory(rows);
};

events.onProperties = (event) => {
  views.get(event.camera)?.controls.reload();
  views.get(event.camera)?.areas.load();
};

events.onBoxes = (event) => views.get(event.camera)?.areas.setBoxes(event.boxes);

events.onRecording = (event) => {
  const isCancelled = timeline.timelapse.onEvent(event);
  recordings.onEvent(event, isCancelled);
  timeline.changed();
  if (event.what === "finished" || event.what === "deleted") gallery.load();
};

events.onHappened = () => { gallery.load(); timeline.changed(); };

events.onLink = (state) => {
  const link = $("#link");
  if (state !== "asleep" && !(state === "connected" && link.dataset.state === undefined)) announce("link", LINKS[state]);
  link.dataset.state = state;
  link.querySelector("span").textContent = LINKS[state];
  document.body.dataset.link = state;
  $("#login-again").hidden = state !== "refused";
  if (state === "refused") $("#logout").hidden = true;
  for (const view of views.values()) view.onLink(state);
  wall.updateLink();
  if (state === "connected") { recordings.load(); gallery.load(); timeline.changed(); timeline.timelapse.follow(); }
};

function title(all) {
  const recording = all.some((each) => each.recording);
  const failed = all.some((each) => each.state === "recovering");
  return `${recording ? "● " : ""}${failed ? "⚠ " : ""}${all.length === 1 ? `${all[0].title || all[0].camera} – ` : ""}twistedcam`;
}

// Makes the grid as square as possible, with cells in the shape of most pictures.
function shapeGrid(all) {
  const sizes = all.map((each) => each.size.split("x").map(Number)).filter(([width]) => width > 0);
  const wide = sizes.filter(([width, height]) => width / height > 1.5).length;
  cameras.style.setProperty("--columns", Math.min(4, Math.ceil(Math.sqrt(all.length))));
  cameras.style.setProperty("--aspect", wide * 2 >= sizes.length ? "16 / 9" : "4 / 3");
}

// Shows one camera with all details, or all cameras as a grid.
function arrange() {
  const wanted = decode(location.hash.slice(1));
  const names = [...views.keys()];
  const onWall = wanted === WALL && names.length > 1;
  const onSetup = wanted === SETUP && !views.has(SETUP);
  setup.show(onSetup);
  opened = onWall || onSetup ? null : names.length === 1 ? names[0] : views.has(wanted) ? wanted : null;
  if (opened === null) overview = onWall ? WALL : "";
  cameras.classList.toggle("one", opened !== null);
  for (const [name, view] of views) view.show(!onWall && !onSetup && (opened === null || name === opened), name === opened);
  wall.show(onWall);
  $("#wall-open").hidden = onWall || names.length < 2;
  $("#back").hidden = !onWall && (opened === null || names.length < 2);
  for (const link of document.querySelectorAll(".foot a[data-path]")) link.href = address(link.dataset.path);
}

// Removes what a login has left in the address.
function forgetLogin() {
  const url = new URL(location.href);
  for (const name of ["login", "tab"]) url.searchParams.delete(name);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

function decode(text) {
  try { return decodeURIComponent(text); } catch { return ""; }
}

const goBack = () => { location.hash = wall.isOpen ? "" : overview; };
$("#back").addEventListener("click", goBack);
// Moves the focus to what is shown now, for screen readers.
addEventListener("hashchange", () => {
  const [before, wasOnWall] = [opened, wall.isOpen];
  arrange();
  moveFullScreen();
  if (setup.isOpen || (opened === before && wall.isOpen === wasOnWall)) return;
  if (wall.isOpen) wall.focusOn(before);
  else if (opened === null) (views.get(before)?.find(".open") ?? $("#wall-open")).focus();
  else views.get(opened).focus();
});
// A swipe over the picture of a camera shows the one beside it.
cameras.addEventListener("swipe", ({ detail: by }) => {
  const names = [...views.keys()];
  const name = names[names.indexOf(opened) + by];
  if (opened !== null && name !== undefined) location.hash = encodeURIComponent(name);
});
// Full screen is for the camera that is shown, also after a swipe to another one.
function moveFullScreen() {
  if (!hiddenFullScreen()) return;
  if (opened === null) document.exitFullscreen();
  else views.get(opened).enterFullScreen().catch(() => document.exitFullscreen());
}
const hiddenFullScreen = () => document.fullscreenElement?.matches(".camera[hidden] .stage");
// Its end shows the camera that had it before: that ends, too.
addEventListener("fullscreenchange", () => { if (hiddenFullScreen()) document.exitFullscreen(); });
$("#data-saver").checked = dataSaver.isOn;
$("#data-saver").addEventListener("change", (event) => dataSaver.set(event.target.checked));
for (const skip of document.querySelectorAll(".skip")) {
  skip.addEventListener("click", (event) => { // the hash of the address names the camera
    event.preventDefault();
    const target = wall.isOpen ? wall.element : $(skip.getAttribute("href"));
    target.scrollIntoView();
    target.focus({ preventScroll: true });
  });
}
startKeys(() => {
  if (opened !== null) return views.get(opened);
  if (wall.isOpen) return views.get(wall.focused);
  return [...views.values()].find((view) => view.element.contains(document.activeElement));
}, () => { if (views.size > 1) goBack(); }, () => { for (const view of views.values()) view.updateButtons(); });

// Some browsers keep a page that was left, with its connections, in case the user returns.
addEventListener("pagehide", () => { events.sleep(); for (const view of views.values()) view.player.stop(); });
addEventListener("pageshow", (event) => { if (event.persisted) events.wake(); });

$("#settings-open").addEventListener("click", openSettings);
watchSettings();
watchServer();
watchNotifications();
$("#login-again").addEventListener("click", () => location.reload());
forgetLogin();
$("#link").hidden = false;
$("#events").hidden = false;
$("#recordings").hidden = false;
$("#foot").hidden = false;
events.start();
clock.synchronize(() => events.link === "connected" || events.link === "connecting");
