// A run replayed: its snapshots by step, and rows of its generator under conditions.

import { short } from "./chart.js";
import { Parts } from "./parts.js";
import { axis, bars, curve, escaped, matrix, pairs, trend } from "./pictures.js";
import { refuse } from "./refuse.js";
import { on, say } from "./socket.js";
import { whenTranslated, word } from "./words.js";

const PACE = 700; // milliseconds a snapshot at most
const LONGEST = 30000; // milliseconds of all of them
const AT_ONCE = 8; // snapshots that are asked for and not there yet: the server keeps so many for each of its pages
const AGAIN = 1000; // milliseconds until a server that was too busy is asked again
const STRIP = 60; // snapshots of what gives it away
const WALK = 450; // milliseconds a row of the walk
const MOST = 60; // columns that are drawn
const CONTROLS = 12; // columns that rows can be asked for by
const still = matchMedia("(prefers-reduced-motion: reduce)");

let run = null;
let snapshots = new Map();
let asked = new Set();
let gone = false;
const parts = new Parts();
let place = 0;
let playing = null;
let walking = !still.matches;
let walked = 0;
let where = {};
let sampled = null;
let built = "";

const at = (id) => document.getElementById(id);
const current = () => snapshots.get(run?.steps[place]);

on("run", (message) => {
  const last = !run || place >= run.steps.length - 1;
  if (run && run.steps[0] !== message.steps[0]) snapshots = new Map();
  run = message;
  asked = new Set();
  if (last) place = Math.max(run.steps.length - 1, 0);
  if (run.gone !== gone) refuse(run.gone ? "refused_gone" : "", { name: run.run });
  gone = run.gone;
  at("replay").hidden = false;
  at("toys").hidden = true;
  build();
  request();
  draw();
});
on("snapshot", (message) => {
  snapshots.set(message.step, message);
  asked.delete(message.step);
  request();
  draw();
});
on("damaged", ({ step, key, values }) => {
  asked.delete(step);
  refuse(`refused_${key}`, values);
  const lost = run.steps.indexOf(step);
  if (lost >= 0) run.steps.splice(lost, 1);
  if (place > lost || place === run.steps.length) place = Math.max(place - 1, 0);
  request();
  draw();
});
on("refused", ({ key }) => {
  if (!run) return;
  if (at("asked-state")) at("asked-state").textContent = "";
  if (key !== "busy") return;
  setTimeout(() => {
    asked = new Set();
    request();
  }, AGAIN);
});

// Ask for snapshots that are not there, a few at a time, those beside the one that is shown first.
function request() {
  if (gone) return;
  const wanted = run.steps.map((step, number) => [Math.abs(number - place), step])
    .filter(([, step]) => !snapshots.has(step) && !asked.has(step)).sort((one, other) => one[0] - other[0]);
  for (const [, step] of wanted.slice(0, AT_ONCE - asked.size)) {
    asked.add(step);
    say({ do: "snapshot", step });
  }
}
on("sampled", (message) => {
  sampled = message;
  at("asked-state").textContent = "";
  draw();
});

function build() {
  const shape = JSON.stringify([run.real, document.documentElement.lang, run.run]);
  if (shape === built) return;
  built = shape;
  at("replay").innerHTML = `
    <div class="bar">
      <button id="replay-play" type="button" class="main"></button>
      <label class="grow"><span class="hidden">${word("step")}</span><input id="replay-step" type="range" min="0" step="1"></label>
      <output id="replay-at"></output>
    </div>
    <p id="replay-figures" class="soft"></p>
    <section id="images" hidden><img alt="${word("images")}"></section>
    <section class="half">
      <div><h2>${word("telling")}</h2><div id="telling"></div></div>
      <div><h2>${word("course")}</h2><div id="course"></div></div>
    </section>
    <section id="walk-box"><h2>${word("walk")}</h2><p class="soft">${word("walk_text")}</p>
      <div class="bar"><button id="walk-play" type="button"></button>
      <input id="walk-at" type="range" min="0" step="1" aria-label="${word("walk")}"></div><dl id="walk"></dl></section>
    <section><h2>${word("columns")}</h2><p class="keys"><i class="real"></i>${word("held_out")}
      <i class="made"></i>${word("generated")} <span id="asked-key"><i class="asked"></i>${word("asked")}</span></p><div id="columns"></div></section>
    <section id="ask"><h2>${word("ask")}</h2><p class="soft">${word("ask_text")}</p><div id="conditions"></div>
      <p id="asked-state" role="status" class="soft"></p><div id="asked" class="wide"></div></section>
    <section id="pairs-box"><h2>${word("pairs")}</h2><div id="pairs"></div></section>
    <section id="associations-box"><h2>${word("associations")}</h2><div id="associations"></div></section>`;
  at("replay-play").addEventListener("click", () => play(!playing));
  at("replay-step").addEventListener("input", () => {
    place = Number(at("replay-step").value);
    request();
    play(false);
  });
  at("walk-play").addEventListener("click", () => {
    walking = !walking;
    drawWalk();
  });
  at("walk-at").addEventListener("input", () => {
    walking = false;
    walked = Number(at("walk-at").value);
    drawWalk();
  });
  buildConditions();
  buildParts();
}

// What is drawn, each with its own place.
function buildParts() {
  const { columns, associations, pairs: counted } = run.real ?? { columns: [], associations: [], pairs: [] };
  const names = columns.slice(0, associations.length).map((column) => column.name);
  const put = (box, html, kind = "figure") => {
    const element = box.appendChild(document.createElement(kind));
    parts.add(element, () => (current() ? html() : ""));
    return element;
  };
  parts.clear();
  parts.add(at("telling"), () => (current() ? telling(columns) : ""));
  parts.add(at("course"), () => (current() ? course() : ""));
  parts.add(at("walk"), walkCard);
  parts.add(at("asked"), () => rowsAsked(columns));
  columns.slice(0, MOST).forEach((column, number) => {
    const box = at("columns").appendChild(document.createElement("figure"));
    box.append(Object.assign(document.createElement("figcaption"), { textContent: column.name }));
    put(box, () => {
      const extra = sampled && { counts: sampled.counts[number], rows: sampled.rows };
      return (column.axis.length ? curve : bars)(column, current(), number, run.real.rows, extra);
    }, "div");
  });
  counted.forEach((pair, number) => {
    const [x, y] = [axis(columns[pair.x], pair.x_groups), axis(columns[pair.y], pair.y_groups)];
    const box = at("pairs").appendChild(Object.assign(document.createElement("div"), { className: "two" }));
    put(box, () => pairs(pair.counts, x, y, word("held_out"), current().pairs[number]));
    put(box, () => pairs(current().pairs[number], x, y, word("generated"), pair.counts));
  });
  const apart = (now) => associations.map((row, i) => row.map((value, j) => now[i][j] - value));
  put(at("associations"), () => matrix(associations, "share", word("held_out"), names));
  put(at("associations"), () => matrix(current().associations, "share", word("generated"), names));
  put(at("associations"), () => matrix(apart(current().associations), "difference", word("difference"), names));
}

function play(wanted) {
  clearInterval(playing);
  playing = null;
  if (wanted) {
    if (place >= run.steps.length - 1) place = 0;
    playing = setInterval(() => {
      if (place >= run.steps.length - 1) play(false);
      else if (snapshots.has(run.steps[place + 1])) place++;
      draw();
    }, Math.min(PACE, LONGEST / run.steps.length));
  }
  draw();
}

function draw() {
  if (!run || at("replay").hidden) return;
  const steps = run.steps;
  at("state").textContent = steps.at(-1) >= run.total ? run.run : `${run.run}: ${word("in_training")}`;
  if (!steps.length) return;
  at("replay-play").textContent = word(playing ? "pause" : "play");
  Object.assign(at("replay-step"), { max: steps.length - 1, value: place });
  at("replay-at").textContent = `${word("step")} ${steps[place].toLocaleString("en")} / ${run.total.toLocaleString("en")}`;
  at("replay").dataset.step = steps[place];
  const one = current();
  if (!one) return;
  const { columns, associations, pairs: counted } = run.real;
  const score = one.metrics["holdout/score"];
  at("replay-figures").textContent = [
    one.detector === null ? "" : `${word("detector")} ${short(one.detector)}`,
    score === undefined ? "" : `${word("score")} ${short(score)}`,
    `${one.rows.toLocaleString("en")} ${word("rows_generated")}, ${run.real.rows.toLocaleString("en")} ${word("rows_held_out")}`,
  ].filter(Boolean).join(" · ");
  at("images").hidden = !one.images;
  if (one.images) at("images").firstElementChild.src = one.images;
  for (const id of ["walk-box", "ask", "asked-key"]) at(id).hidden = Boolean(one.images) || !columns.length;
  at("pairs-box").hidden = !counted.length;
  at("associations-box").hidden = associations.length < 2;
  showWalk();
  parts.changed();
}

export const loaded = () => snapshots.size;
const there = () => run.steps.map((step) => snapshots.get(step)).filter(Boolean);

function course() {
  const seen = there();
  return trend(seen.map((each) => each.step), [
    ["AUC", seen.map((each) => each.detector)],
    [word("score"), seen.map((each) => each.metrics["holdout/score"] ?? null)],
  ], run.steps[place]);
}

// For each column by which the detector ever went, what it loses without it at each snapshot, or at some of many.
function telling(columns) {
  const every = there();
  const count = Math.min(every.length, STRIP);
  const all = Array.from({ length: count }, (_, number) => every[Math.round((number * (every.length - 1)) / Math.max(count - 1, 1))]);
  const shown = all.findLast((one) => one.step <= run.steps[place]);
  const loss = (one, number) => one.telling.find(([column]) => column === number)?.[1] ?? 0;
  const ever = [...new Set(all.flatMap((one) => one.telling.map(([number]) => number)))]
    .map((number) => [number, Math.max(...all.map((one) => loss(one, number)))]).sort((a, b) => b[1] - a[1]).slice(0, 8);
  const most = Math.max(...ever.map(([, value]) => value), 1e-9);
  return `<table class="strip">${ever.map(([number]) => `<tr><th scope="row">${escaped(columns[number].name)}</th>` +
    `${all.map((one) => {
      const value = loss(one, number);
      const title = `${word("step")} ${one.step}: ${short(value)}`;
      return `<td title="${title}" class="${one === shown ? "now" : ""}"><i style="opacity:${(value / most).toFixed(2)}"></i></td>`;
    }).join("")}</tr>`).join("")}</table>${ever.length ? "" : `<p class="soft">${word("nothing_tells")}</p>`}`;
}

function showWalk() {
  const rows = current()?.walk ?? [];
  if (!rows.length) return;
  walked %= rows.length;
  at("walk-play").textContent = word(walking ? "pause" : "play");
  Object.assign(at("walk-at"), { max: rows.length - 1, value: walked });
}

function drawWalk() {
  showWalk();
  parts.changed([at("walk")]);
}

function walkCard() {
  const rows = current()?.walk ?? [];
  if (!rows.length) return "";
  const before = rows[(walked + rows.length - 1) % rows.length];
  return run.real.columns.slice(0, 24).map((column, number) => {
    const text = rows[walked][number];
    return `<div class="${text === before[number] ? "" : "changed"}"><dt>${escaped(column.name)}</dt><dd>${text === null ? "–" : escaped(text)}</dd></div>`;
  }).join("");
}
setInterval(() => {
  if (!walking || !run || document.hidden || !parts.seen(at("walk"))) return;
  walked++;
  drawWalk();
}, WALK);

function buildConditions() {
  const box = at("conditions");
  for (const column of (run.real?.columns ?? []).slice(0, CONTROLS)) {
    const field = document.createElement("fieldset");
    field.append(Object.assign(document.createElement("legend"), { textContent: column.name }));
    if (column.axis.length) field.append(...slider(column));
    else field.append(levels(column));
    box.append(field);
  }
}

function slider(column) {
  const [low, high] = column.axis;
  const step = column.kind === "numeric" ? (high - low) / 100 : Math.max(Math.round((high - low) / 100), 1);
  const label = document.createElement("output");
  const ends = ["low", "high"].map((end) => {
    const input = Object.assign(document.createElement("input"), { type: "range", min: low, max: high, step });
    input.value = end === "low" ? low : high;
    input.setAttribute("aria-label", `${column.name}: ${word(end)}`);
    input.dataset.end = end;
    return input;
  });
  const shown = (value) => (column.kind === "datetime" ? new Date(864e5 * value).toISOString().slice(0, 10) : short(value));
  const say_ = () => {
    const [from, to] = ends.map((input) => Number(input.value)).sort((a, b) => a - b);
    label.textContent = `${from > low ? shown(from) : "…"} – ${to < high ? shown(to) : "…"}`;
    const given = { low: from > low ? from : null, high: to < high ? to : null };
    ask(column.name, given.low === null && given.high === null ? null : given);
  };
  for (const input of ends) input.addEventListener("change", say_);
  for (const input of ends) input.addEventListener("input", () => {
    const [from, to] = ends.map((one) => Number(one.value)).sort((a, b) => a - b);
    label.textContent = `${shown(from)} – ${shown(to)}`;
  });
  label.textContent = "… – …";
  return [...ends, label];
}

function levels(column) {
  const input = document.createElement("select");
  input.setAttribute("aria-label", column.name);
  input.append(new Option(word("any"), ""), ...column.levels.map((level) => new Option(level, level)));
  input.addEventListener("change", () => ask(column.name, input.value === "" ? null : [input.value]));
  return input;
}

function ask(name, condition) {
  refuse("");
  if (condition === null) delete where[name];
  else where[name] = condition;
  if (!Object.keys(where).length) {
    sampled = null;
    at("asked-state").textContent = "";
    draw();
    return;
  }
  at("asked-state").textContent = word("sampling");
  say({ do: "sample", where });
}

function rowsAsked(columns) {
  return sampled ? `<table><tr>${columns.map((column) => `<th scope="col">${escaped(column.name)}</th>`).join("")}</tr>` +
    `${sampled.shown.map((row) => `<tr>${row.map((text) => `<td>${text === null ? "–" : escaped(text)}</td>`).join("")}</tr>`).join("")}</table>` : "";
}

whenTranslated(() => {
  if (!run) return;
  build();
  draw();
});
