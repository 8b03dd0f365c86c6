// Small pictures as SVG: a column's distribution, counts of two columns, associations, figures over steps.

import { short } from "./chart.js";

export function escaped(text) {
  return String(text).replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

// A number of a column as text; times are days since 1970.
export function valueOf(column, value) {
  if (column.kind === "datetime") return new Date(864e5 * value).toISOString().slice(0, 10);
  const text = short(value);
  return text.includes("e") ? text : String(Number(text));
}

const cut = (text, most) => escaped(text.length > most ? `${text.slice(0, most - 1)}…` : text);

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
  return svg(WIDTH, HEIGHT + 14, `<path class="real" d="M0 ${HEIGHT}${path(real).replace("M", "L")}V${HEIGHT}Z"/>` +
    `<path class="made" d="${path(made)}"/>${asked ? `<path class="asked" d="${path(asked)}"/>` : ""}` +
    `<text x="0" y="${HEIGHT + 12}">${valueOf(column, low)}</text><text x="${WIDTH}" y="${HEIGHT + 12}" class="end">${valueOf(column, high)}</text>`, column.name);
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
    `${cut(names[place], 13)}<title>${escaped(names[place])}: ${percent(real[place])}, ${percent(made[place])}</title></text>` +
    bar("real", real[place], row * height + 1, 6) + bar("made", made[place], row * height + 7, 4) +
    (asked ? bar("asked", asked[place], row * height + 11, 3) : "")).join(""), column.name);
}

const percent = (share) => `${(100 * share).toFixed(1)}%`;

// Values in cells: shares from 0 to 1, or differences around 0.
export function matrix(values, kind, title, names) {
  const size = Math.max(3, Math.min(18, 180 / Math.max(values.length, 1)));
  const cells = values.flatMap((row, i) => row.map((value, j) => {
    const share = Math.min(Math.abs(value) * (kind === "difference" ? 4 : 1), 1);
    const shade = kind === "difference" ? (value < 0 ? "below" : "above") : "share";
    return cell(shade, share, j * size, i * size, size, `${names[i]} × ${names[j]}: ${short(value)}`);
  }));
  return `<figcaption>${escaped(title)}</figcaption>${svg(values.length * size, values.length * size, cells.join(""), title)}`;
}

function cell(shade, share, x, y, size, label) {
  return `<rect class="${shade}" style="opacity:${share.toFixed(2)}" x="${x}" y="${y}" width="${size}" height="${size}">` +
    `<title>${escaped(label)}</title></rect>`;
}

// Counts of two columns, by their share of the largest: the groups of x from left to right, those of y from below. Other
// and missing values have a place where there are any, here or in the counts beside.
export function pairs(counts, x, y, title, beside) {
  const any = (x_, y_) => [counts, beside].some((one) => one[x_][y_]);
  const across = x.names.map((_, i) => i).filter((i) => !x.rare.includes(i) || y.names.some((_, j) => any(i, j)));
  const up = y.names.map((_, j) => j).filter((j) => !y.rare.includes(j) || x.names.some((_, i) => any(i, j)));
  const size = Math.max(9, Math.min(18, 180 / Math.max(across.length, up.length)));
  const [left, top, width, height] = [58, 15, across.length * size, up.length * size];
  const shown = (ticks, there) => ticks.filter(([group]) => there.includes(group))
    .map(([group, beyond, text]) => [size * (there.indexOf(group) + beyond), text]);
  const ticks = shown(x.ticks, across);
  const below = 8 + 5 * Math.max(...ticks.map(([, text]) => Math.min(text.length, 10)), 1);
  const most = Math.max(...counts.flat(), 1);
  const cells = across.flatMap((i, column) => up.map((j, row) => cell("share", Math.sqrt(counts[i][j] / most), left + column * size,
    top + height - (row + 1) * size, size, `${x.name} ${x.names[i]}, ${y.name} ${y.names[j]}: ${counts[i][j]}`)));
  const bottom = ticks.map(([place, text]) => `<text class="end" transform="translate(${left + place + 3} ${top + height + 5}) rotate(-60)">${cut(text, 10)}</text>`);
  const side = shown(y.ticks, up)
    .map(([place, text]) => `<text class="end" x="${left - 4}" y="${top + height - place + 3}">${cut(text, 10)}</text>`);
  const names = `<text class="name" x="2" y="${top - 5}">↑ ${cut(y.name, 30)}</text>` +
    `<text class="name" x="${left}" y="${top + height + below + 12}">${cut(x.name, 20)} →</text>`;
  return `<figcaption>${escaped(title)}</figcaption>` +
    svg(left + Math.max(width, 120) + 8, top + height + below + 17, `<path class="axis" d="M${left} ${top}V${top + height}H${left + width}"/>` +
      cells.join("") + bottom.join("") + side.join("") + names, `${title}: ${x.name} × ${y.name}`);
}

const TICKS = 5; // borders between groups of numbers that are named, about

// A column as an axis of `pairs`: the name of each group of its cells, the groups of other and of missing values, and the
// places along it that are labelled: [group, 0 for its border or .5 for its middle, text].
export function axis(column, groups) {
  const cells = Array.from({ length: Math.max(...groups) + 1 }, () => []);
  groups.forEach((group, place) => cells[group].push(place));
  const missing = cells.findIndex((own) => own[0] === groups.length - 1);
  if (!column.axis.length) {
    const names = cells.map((own, group) => (group === missing ? "–" : own.length === 1 ? column.levels[own[0]] ?? "…" : "…"));
    const rare = names.flatMap((name, group) => (name === "…" || group === missing ? [group] : []));
    return { name: column.name, names, rare, ticks: names.map((name, group) => [group, 0.5, name]) };
  }
  const from = (group) => (cells[group]?.[0] && group !== missing ? valueOf(column, column.edges[cells[group][0] - 1]) : "…");
  const names = cells.map((_, group) => (group === missing ? "–" : `${from(group)} – ${from(group + 1)}`));
  const borders = cells.flatMap((_, group) => (group && group !== missing ? [group] : []));
  const every = Math.ceil(borders.length / TICKS) || 1;
  const ticks = borders.filter((_, place) => place % every === 0).map((group) => [group, 0, from(group)]);
  return { name: column.name, names, rare: [missing], ticks: missing < 0 ? ticks : [...ticks, [missing, 0.5, "–"]] };
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
