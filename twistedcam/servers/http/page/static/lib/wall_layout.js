// The layouts of the wall, the order of its cameras, and their groups, without the DOM.

const GAP = 6; // pixels between two pictures, as in wall.css
const LEAST_WIDTH = 140; // of a picture, in pixels: with more cameras the wall scrolls
// One large picture: the cells in a row of the grid, those that the large one is wide, and the
// pictures that fit in.
const LARGE = [[3, 2], [4, 3], [4, 2], [5, 3]].map(([side, span]) => ({ side, span, count: side ** 2 - span ** 2 + 1 }));
const SIDES = { one: 1, four: 2, nine: 3 };
export const LAYOUTS = ["fit", ...Object.keys(SIDES), "large"];
const MAX_GROUPS = 50;
const MAX_NAME = 40;

// Returns how the pictures are placed: { columns, perPage, span, width }. span: the cells of the
// grid that the first picture is wide and high; width: pixels of a cell.
//
// layout: one of LAYOUTS; count: of cameras; width, height: of the wall in pixels; aspect: of most
// pictures, width divided by height.
export function placePictures(layout, count, width, height, aspect) {
  if (layout === "large") {
    const { side, span, count: perPage } = LARGE.find((each) => each.count >= count) ?? LARGE.at(-1);
    return { columns: side, perPage, span, width: cellWidth(side, side, width, height, aspect) };
  }
  const side = SIDES[layout];
  if (side) return { columns: side, perPage: side ** 2, span: 1, width: cellWidth(side, side, width, height, aspect) };
  let best = { columns: 1, width: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const found = cellWidth(columns, Math.ceil(count / columns), width, height, aspect);
    if (found > best.width) best = { columns, width: found };
  }
  if (best.width < LEAST_WIDTH) {
    const columns = Math.max(1, Math.min(count, Math.floor((width + GAP) / (LEAST_WIDTH + GAP))));
    best = { columns, width: Math.floor((width - (columns - 1) * GAP) / columns) };
  }
  return { ...best, perPage: Infinity, span: 1 };
}

function cellWidth(columns, rows, width, height, aspect) {
  const wide = (width - (columns - 1) * GAP) / columns;
  const high = (height - (rows - 1) * GAP) / rows;
  return Math.max(1, Math.floor(Math.min(wide, high * aspect)));
}

// Returns the names in the user's order; cameras that are new come last.
export function inOrder(names, order) {
  const known = order.filter((name) => names.includes(name));
  return [...known, ...names.filter((name) => !known.includes(name))];
}

// Returns the order with one camera at the place of another, among those that are shown. The places of
// the others, such as those of other groups, do not change.
//
// all: all cameras in their order; shown: those of the group, in the same order; to: the index of the
// new place in `shown`.
export function moved(all, shown, name, to) {
  const others = shown.filter((each) => each !== name);
  others.splice(Math.max(0, Math.min(to, others.length)), 0, name);
  const places = new Set(shown);
  return all.map((each) => (places.has(each) ? others.shift() : each));
}

// Reads what the browser has stored; all of it may be missing, or from another version.
export function readWall(text) {
  let found;
  try { found = JSON.parse(text) ?? {}; } catch { found = {}; }
  const groups = (Array.isArray(found.groups) ? found.groups : []).filter((each) => typeof each?.name === "string" && each.name)
    .slice(0, MAX_GROUPS).map(({ name, cameras }) => ({ name: name.slice(0, MAX_NAME), cameras: texts(cameras) }));
  return {
    layout: LAYOUTS.includes(found.layout) ? found.layout : "fit",
    group: groups.some(({ name }) => name === found.group) ? found.group : "",
    order: texts(found.order),
    groups,
  };
}

const texts = (list) => (Array.isArray(list) ? list.filter((each) => typeof each === "string") : []);
