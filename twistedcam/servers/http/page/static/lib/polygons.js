// Polygons as texts: "drive: 0,0.5 1,0.5 1,1; 0,0 1,0 1,0.2", or JSON {"drive": [[[0, 0.5], …]]}.
// A corner has its shares of the picture's width and height.

export function parsePolygons(text) {
  if (!text) return [];
  if (text.startsWith("{")) return Object.entries(JSON.parse(text)).flatMap(([name, polygons]) => polygons.map((points) => ({ name, points })));
  return text.split(";").filter((part) => part.trim()).map((part) => {
    const colon = part.lastIndexOf(":");
    const points = part.slice(colon + 1).trim().split(/\s+/).map((corner) => corner.split(",").map(Number));
    return { name: part.slice(0, Math.max(0, colon)).trim(), points };
  });
}

export function polygonsText(areas) {
  if (!areas.length) return "none";
  if (areas.some(({ name }) => /[;]|^\{/.test(name))) {
    const table = {};
    for (const { name, points } of areas) (table[name] ??= []).push(points.map((each) => each.map(round)));
    return JSON.stringify(table);
  }
  return areas.map(({ name, points }) => `${name ? `${name}: ` : ""}${points.map((each) => each.map(round).join()).join(" ")}`).join("; ");
}

// Moves points by as much as keeps all of them in the picture.
export function moved(points, dx, dy) {
  const shift = (axis, by) => {
    const values = points.map((each) => each[axis]);
    return Math.max(-Math.min(...values), Math.min(1 - Math.max(...values), by));
  };
  const [x, y] = [shift(0, dx), shift(1, dy)];
  return points.map((each) => [each[0] + x, each[1] + y]);
}

export const between = ([x0, y0], [x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];

const round = (share) => Number(share.toFixed(4));
