// The list of recordings and snapshots, loaded in parts: a list of 100,000 has 27 MB.
import { call } from "./api.js";

const PART = 2000; // recordings of a part
const NEWEST = 300; // recordings that are loaded again after an event
const LARGE = 5000; // of a longer list only the newest are loaded again
// What an event may change besides the newest recordings: those that are not in this list may
// concern old times, such as an export.
const NEW = new Set(["started", "waiting", "writing", "segment", "finished", "failed", "snapshot", "rendering", "deleted", "renamed", "protected", "unprotected"]);

const ofRecording = (each) => ({ ...each, name: each.recording, isPicture: false });
const ofSnapshot = (each) => ({ ...each, name: each.snapshot, isPicture: true });
const inOrder = (items) => items.sort((one, other) => other.start - one.start);

// Returns all items, newest first. onPart gets what is known after each part but the last.
export async function loadAll(onPart = () => {}) {
  const pictures = call("GET", "/snapshots");
  pictures.catch(() => {}); // it is raised below
  const found = new Map();
  for (let before = ""; ;) {
    const { recordings } = await call("GET", `/recordings?limit=${PART}${before}`);
    const known = found.size;
    for (const each of recordings) found.set(each.recording, ofRecording(each));
    if (recordings.length < PART) break;
    // Those that began at the same time as the last one may be in both parts.
    before = `&before=${(recordings.at(-1).start + 0.001).toFixed(3)}`;
    if (found.size === known) { // thousands began at the same time
      for (const each of (await call("GET", "/recordings")).recordings) found.set(each.recording, ofRecording(each));
      break;
    }
    onPart(inOrder([...found.values()]));
  }
  return inOrder([...found.values(), ...(await pictures).snapshots.map(ofSnapshot)]);
}

// Returns the items with what is new, or null if all have to be loaded again.
export async function loadNew(items) {
  if ((items?.length ?? 0) < LARGE) return null;
  const [{ recordings }, { snapshots }] = await Promise.all([call("GET", `/recordings?limit=${NEWEST}`), call("GET", "/snapshots")]);
  if (recordings.length < NEWEST) return null;
  const names = new Set(recordings.map((each) => each.recording));
  const oldest = recordings.at(-1).start;
  const kept = items.filter((item) => !item.isPicture && item.start <= oldest && !names.has(item.name));
  return inOrder([...recordings.map(ofRecording), ...kept, ...snapshots.map(ofSnapshot)]);
}

// Changes the items as an event tells. Returns true if loadNew finds the rest.
export function applyEvent(items, { what, name, before }) {
  const at = items?.findIndex((item) => item.name === (what === "renamed" ? before : name)) ?? -1;
  if (at >= 0 && what === "deleted") items.splice(at, 1);
  if (at >= 0 && what === "renamed") items[at] = { ...items[at], name, recording: name, text: undefined };
  if (at >= 0 && what.endsWith("protected")) items[at].protected = what === "protected";
  return NEW.has(what);
}
