// Small pictures as SVG: a column's distribution, counts of two columns, associations, figures over steps.

import { short } from "./chart.js";

export function escaped(text) {
  return String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

const WIDTH = 220;
const HEIGHT = 90;

// Numbers and times: density in each cell, of held-out rows filled, of generated ones as a line.
export function curve(column, snapshot, number, rows, extra) {
  const [low, high] = column.axis;
  const bounds = [low, ...column.edges.filter((edge) => edge > low && edge < high), high];
  const first = column.edges.findIndex((edge) => edge > low);
  const start = first < 0 ? column.edges.length : first;
  const densities = (counts, total) => bounds.slice(1).map((end, cell) => counts[start + cell] / total / ((end - bounds[cell]) / (high - low)));
  const real = densities(column.counts, rows);
  const inside = [...snapshot.counts[number]];
  inside[start] = Math.max(inside[start] - snapshot.beyond[number][0] * (start === 0), 0);
  inside[start + bounds.length - 2] = Math.max(inside[start + bounds.length - 2] - snapshot.beyond[number][1], 0);
  const made = densities(inside, snapshot.rows);
  const asked = extra && densities(extra.counts, extra.rows);
  const sorted = [...real, ...made].sort((a, b) => a - b);
  const top = Math.max(...real, sorted[Math.floor(0.97 * (sorted.length - 1))], 1e-9) * 1.05;
  const x = (value) => (WIDTH * (value - low)) / (high - low || 1);
  const y = (value) => HEIGHT - (HEIGHT - 2) * Math.min(value / top, 1);
  const path = (values) => values.map((value, cell) => `${cell ? "L" : "M"}${x(bounds[cell]).toFixed(1)} ${y(value).toFixed(1)}` +
    `H${x(bounds[cell + 1]).toFixed(1)}`).join("");
  const shown = (value) => (column.kind === "datetime" ? new Date(864e5 * value).toISOString().slice(0, 10) : short(value));
  return svg(WIDTH, HEIGHT + 14, `<path class="real" d="M0 ${HEIGHT}${path(real).replace("M", "L")}V${HEIGHT}Z"/>` +
    `<path class="made" d="${path(made)}"/>${asked ? `<path class="asked" d="${path(asked)}"/>` : ""}` +
    `<text x="0" y="${HEIGHT + 12}">${shown(low)}</text><text x="${WIDTH}" y="${HEIGHT + 12}" class="end">${shown(high)}</text>`, column.name);
}

// Levels: a bar each of held-out and of generated rows.
export function bars(column, snapshot, number, rows, extra) {
  const names = [...column.levels, "…", "–"];
  const shares = (counts, total) => counts.map((count) => count / total);
  const real = shares(column.counts, rows);
  const made = shares(snapshot.counts[number], snapshot.rows);
  const asked = extra && shares(extra.counts, extra.rows);
  const places = names.map((_, place) => place).filter((place) => place < 8 || real[place] + made[place] > 0.01)
    .filter((place) => real[place] + made[place] > 0).slice(0, 12);
  const top = Math.max(...real, ...made, ...(asked ?? []), 1e-9);
  const height = 15;
  const left = 84;
  const bar = (kind, share, y, thick) => `<rect class="${kind}" x="${left}" y="${y}" width="${((WIDTH - left) * share) / top}" height="${thick}"/>`;
  return svg(WIDTH, Math.max(places.length * height, 20), places.map((place, row) => `<text x="${left - 4}" y="${row * height + 11}" class="end">` +
    `${escaped(names[place].length > 13 ? `${names[place].slice(0, 12)}…` : names[place])}<title>${escaped(names[place])}: ${percent(real[place])}, ${percent(made[place])}</title></text>` +
    bar("real", real[place], row * height + 1, 6) + bar("made", made[place], row * height + 7, 4) +
    (asked ? bar("asked", asked[place], row * height + 11, 3) : "")).join(""), column.name);
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

// Values in cells: counts by their share of the largest, shares from 0 to 1, or differences around 0.
export function matrix(values, kind, title, names = []) {
  const size = Math.max(3, Math.min(18, 180 / Math.max(values.length, 1)));
  const most = kind === "counts" ? Math.max(...values.flat(), 1) : 1;
  const cells = values.flatMap((row, i) => row.map((value, j) => {
    const share = kind === "counts" ? Math.sqrt(value / most) : Math.min(Math.abs(value) * (kind === "difference" ? 4 : 1), 1);
    const shade = kind === "difference" ? (value < 0 ? "below" : "above") : "share";
    const [x, y] = kind === "counts" ? [i, row.length - 1 - j] : [j, i];
    const label = names.length ? `<title>${escaped(names[i])} × ${escaped(names[j])}: ${short(value)}</title>` : "";
    return `<rect class="${shade}" style="opacity:${share.toFixed(2)}" x="${x * size}" y="${y * size}" width="${size}" height="${size}">${label}</rect>`;
  }));
  const across = kind === "counts" ? values.length : values[0]?.length ?? 0;
  const down = kind === "counts" ? values[0]?.length ?? 0 : values.length;
  return `<figure class="matrix"><figcaption>${escaped(title)}</figcaption>${svg(across * size, down * size, cells.join(""), title)}</figure>`;
}

// Figures over steps, each a line with its last value; a mark at the step that is shown.
export function trend(steps, lines, now) {
  const [width, height, bottom] = [320, 120, 104];
  const all = lines.flatMap(([, values]) => values).filter((value) => value !== null);
  if (!all.length) return "";
  const [low, high] = [Math.min(...all, 0.5), Math.max(...all, 1)];
  const x = (step) => 36 + ((width - 40) * (step - steps[0])) / Math.max(steps.at(-1) - steps[0], 1);
  const y = (value) => bottom - ((bottom - 16) * (value - low)) / (high - low);
  const paths = lines.map(([name, values], number) => {
    const known = values.map((value, place) => [steps[place], value]).filter(([, value]) => value !== null);
    if (!known.length) return "";
    return `<path class="${["made", "real-line"][number]}" d="${known.map(([step, value], place) => `${place ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("")}"/>` +
      `<text x="${36 + number * 120}" y="11" class="${["made", "real-line"][number]}">${escaped(name)} ${short(known.at(-1)[1])}</text>`;
  });
  const axis = [low, high].map((value) => `<path class="axis" d="M36 ${y(value)}H${width}"/><text x="32" y="${y(value) + 4}" class="end">${short(value)}</text>`);
  return svg(width, height, `${axis.join("")}<path class="axis now" d="M${x(now)} 16V${bottom}"/>${paths.join("")}` +
    `<text x="${width}" y="${height - 2}" class="end">${steps.at(-1).toLocaleString("en")}</text>`, lines.map(([name]) => name).join(", "));
}

function svg(width, height, inside, label) {
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(label)}">${inside}</svg>`;
}
