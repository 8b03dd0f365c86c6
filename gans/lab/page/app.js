// The page of toys: what the server says is shown, what people do is said to the server.

import { Chart } from "./chart.js";
import * as drawing from "./draw.js";
import { isSlow, slow } from "./flow.js";
import { begin, fromHash, setting as formSetting, show, toHash } from "./form.js";
import { gif } from "./gif.js";
import { layers, Plot } from "./plot.js";
import { refuse } from "./refuse.js";
import { loaded } from "./replay.js";
import { connect, drop, on, say, unpacked } from "./socket.js";
import { firstLanguage, language, speak, translate, whenTranslated, word } from "./words.js";

const FRAME = 1000 / 30; // milliseconds: more would take time from training on the same processor
const WRITTEN = 250; // milliseconds between two times that figures and charts follow
const SIDES = ["A", "B"];
const SPEEDS = [1, 10, 100, 1000, 0];
const AHEAD = 5000; // steps
const at = (id) => document.getElementById(id);

let options = null;
let controls = null;
let usual = null;
let edited = 0;
let undrawn = null; // a setting that waits for its drawing
let wasDiverged = false;
let linked = location.hash.slice(1);
let sides = [];
let drawn = 0;

class Side {
  constructor(number) {
    this.number = number;
    this.box = document.createElement("article");
    this.box.className = "side";
    this.box.innerHTML = `
      <h2><button type="button" class="edit"></button></h2>
      <canvas class="plane" role="img"></canvas>
      <p class="figures"></p>
      <canvas class="chart losses" role="img"></canvas>
      <canvas class="chart divergences" role="img"></canvas>`;
    const [plane, losses, divergences] = this.box.querySelectorAll("canvas");
    this.plot = new Plot(plane);
    this.charts = [
      new Chart(losses, [() => word("loss_discriminator"), () => word("loss_generator")]),
      new Chart(divergences, [() => "KL", () => "JS"]),
    ];
    this.box.querySelector(".edit").addEventListener("click", () => {
      edited = number;
      undrawn = null;
      showControls();
    });
    at("sides").append(this.box);
  }

  see(message) {
    const seen = { ...message };
    for (const name of ["points", "arrows", "surface", "grid"]) if (seen[name]) seen[name] = unpacked(seen[name]);
    seen.flat = controls?.settings[this.number]?.["network.latent"] === 2;
    const now = performance.now();
    if (this.last && seen.step > this.last.step) {
      this.rate = (1000 * (seen.step - this.last.step)) / (now - this.last.time);
    }
    this.last = { step: seen.step, time: now };
    this.plot.show(seen);
    const { metrics } = seen;
    this.charts[0].add(seen.step, [metrics["loss/discriminator"] ?? null, metrics["loss/generator"] ?? null]);
    this.charts[1].add(seen.step, [seen.kl, seen.js]);
    this.box.dataset.step = seen.step;
    this.changed = true;
  }

  // Figures and charts as they are now.
  write() {
    this.changed = false;
    for (const chart of this.charts) if (chart.changed) chart.draw();
    const { seen } = this.plot;
    if (!seen) return;
    const found = seen.modes === undefined ? [] : [
      [word("modes"), `${seen.modes} / ${this.modes}`], [word("high_quality"), `${Math.round(100 * seen.high_quality)}%`],
    ];
    const rate = controls?.playing && this.rate ? [[word("rate"), Math.round(this.rate).toLocaleString("en")]] : [];
    const pairs = [[word("step"), seen.step.toLocaleString("en")], ...rate, ...found];
    const box = this.box.querySelector(".figures");
    const texts = pairs.flat();
    if (box.childElementCount !== texts.length) {
      box.replaceChildren(...texts.map((_, place) => document.createElement(place % 2 ? "b" : "span")));
    }
    texts.forEach((text, place) => {
      if (box.children[place].textContent !== text) box.children[place].textContent = text;
    });
    this.box.querySelector(".plane").setAttribute("aria-label", `${word("plane")} ${pairs.map((pair) => pair.join(" ")).join(", ")}`);
  }
}

function matchSides(count) {
  while (sides.length < count) sides.push(new Side(sides.length));
  while (sides.length > count) sides.pop().box.remove();
  edited = Math.min(edited, count - 1);
  at("sides").classList.toggle("two", count > 1);
}

function showControls() {
  if (!controls || !options) return;
  const { playing, compiling, diverged, settings, speed, average, ahead } = controls;
  if (diverged !== wasDiverged) refuse(diverged ? "diverged" : "");
  wasDiverged = diverged;
  at("play").textContent = word(playing || ahead !== null ? "pause" : "play");
  at("ahead").textContent = word("ahead", { steps: AHEAD.toLocaleString("en") });
  at("ahead-done").hidden = ahead === null;
  at("ahead-done").value = ahead ?? 0;
  at("speed").value = speed;
  at("average").checked = average;
  at("compare").checked = settings.length > 1;
  at("state").textContent = compiling !== null ? word("compiling") : ahead !== null ? word("ahead_state") : "";
  document.body.classList.toggle("compiling", compiling !== null);
  matchSides(settings.length);
  sides.forEach((side, number) => {
    const button = side.box.querySelector(".edit");
    const { objective, penalty } = settings[number];
    const name = [objective, ...penalty].map((one) => word(`value_${one}`)).join(" + ");
    button.textContent = settings.length > 1 ? `${SIDES[number]}: ${name}` : name;
    button.setAttribute("aria-pressed", String(number === edited && settings.length > 1));
    side.changed = true;
  });
  show(undrawn ?? settings[edited]);
  drawing.paint();
  at("save-drawing").hidden = settings[edited].data !== "drawing";
  at("command").textContent = controls.commands[edited];
  writeHash();
}

function writeHash() {
  const parts = controls.settings.flatMap((one, number) => [
    ...(number ? ["compare=true"] : []), ...toHash(one, usual, number ? "b." : ""),
  ]);
  if (controls.settings[0].data === "drawing") parts.push(`drawing=${encodeURIComponent(drawing.encoded())}`);
  history.replaceState(null, "", `${location.pathname}${location.search}${parts.length ? `#${parts.join("&")}` : ""}`);
}

// The setting of a link is said once, to a page that has another one.
function followLink() {
  if (!linked || !options || !controls) return;
  const text = linked;
  linked = "";
  const given = new URLSearchParams(text);
  if (given.get("drawing")) drawing.decode(given.get("drawing"));
  const first = fromHash(text, usual);
  const same = JSON.stringify(first) === JSON.stringify(controls.settings[0]);
  if (given.get("compare") !== "true" && controls.settings.length > 1) say({ do: "compare", on: false });
  if (!same || given.get("drawing")) send(0, first);
  if (given.get("compare") === "true") {
    if (controls.settings.length < 2) say({ do: "compare", on: true });
    send(1, fromHash(text, usual, "b."));
  }
}

addEventListener("hashchange", () => {
  linked = location.hash.slice(1);
  followLink();
});

function send(side, setting) {
  refuse("");
  undrawn = null;
  const extra = setting.data === "drawing" ? { drawing: drawing.encoded() } : {};
  if (setting.data === "drawing" && drawing.isEmpty()) {
    undrawn = setting;
    show(setting);
    refuse("refused_draw_first");
    return;
  }
  say({ do: "set", side, setting, ...extra });
}

on("options", (message) => {
  options = message;
  at("toys").hidden = false;
  begin(message, (next) => send(edited, next));
  usual = message.usual;
  showControls();
  followLink();
});
on("controls", (message) => {
  controls = message;
  showControls();
  followLink();
});
on("real", (message) => {
  matchSides(Math.max(sides.length, message.side + 1));
  const side = sides[message.side];
  side.plot.real = unpacked(message.real);
  side.plot.extent = message.extent;
  side.modes = message.modes.shape[0];
  side.plot.changed = true;
});
on("toy", (message) => sides[message.side]?.see(message));
on("past", ({ side, past }) => {
  sides[side]?.charts[0].begin(past.map(([step, d, g]) => [step, d, g]));
  sides[side]?.charts[1].begin(past.map(([step, , , kl, js]) => [step, kl, js]));
});
on("refused", ({ key, values }) => {
  refuse(`refused_${key}`, values);
  showControls();
});

at("play").addEventListener("click", () => {
  slow(false);
  say({ do: controls?.playing || (controls?.ahead ?? null) !== null ? "pause" : "play" });
});
at("ahead").addEventListener("click", () => {
  slow(false);
  say({ do: "ahead", steps: AHEAD });
});
for (const part of ["discriminator", "generator", "both"]) {
  at(`step-${part}`).addEventListener("click", () => {
    slow(false);
    say({ do: "step", part });
  });
}
at("slow").addEventListener("click", () => slow(!isSlow()));
at("reset").addEventListener("click", () => {
  slow(false);
  refuse("");
  say({ do: "reset" });
});
at("speed").addEventListener("change", () => say({ do: "speed", steps: Number(at("speed").value) }));
at("compare").addEventListener("change", () => say({ do: "compare", on: at("compare").checked }));
at("average").addEventListener("change", () => say({ do: "average", on: at("average").checked }));
at("language").addEventListener("click", () => speak(language() === "zh" ? "en" : "zh"));
at("setting").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("draw-clear", () => drawing.clear());
document.addEventListener("draw-use", () => send(edited, { ...formSetting(), data: "drawing" }));

const KEYS = {
  " ": "play", d: "step-discriminator", g: "step-generator", b: "step-both", s: "slow", a: "ahead", r: "reset", c: "compare",
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, button, summary");
  if (event.ctrlKey || event.metaKey || event.altKey || (typing && (event.key === " " || typing.matches("input, select")))) return;
  if (KEYS[event.key]) {
    event.preventDefault();
    at(KEYS[event.key]).click();
  }
});

async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  button.textContent = word("copied");
  setTimeout(() => translate(button.parentElement), 1500);
}
at("copy-command").addEventListener("click", () => copy(at("command").textContent, at("copy-command")));
at("copy-link").addEventListener("click", () => {
  const link = new URL(location.href);
  link.searchParams.delete("token");
  copy(link.hash || "#", at("copy-link"));
});

function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// The planes side by side as one canvas.
function picture() {
  const planes = sides.map((side) => side.plot.canvas);
  const size = 360;
  const out = Object.assign(document.createElement("canvas"), { width: size * planes.length, height: size });
  planes.forEach((plane, number) => out.getContext("2d").drawImage(plane, number * size, 0, size, size));
  return out;
}
at("save-png").addEventListener("click", () => picture().toBlob((blob) => save(blob, "lab.png")));
at("save-gif").addEventListener("click", () => {
  const frames = [];
  at("save-gif").disabled = true;
  const timer = setInterval(() => {
    const one = picture();
    frames.push(one.getContext("2d").getImageData(0, 0, one.width, one.height));
    at("save-gif").textContent = `${word("recording")} ${frames.length} / 40`;
    if (frames.length < 40) return;
    clearInterval(timer);
    save(gif(frames, 10), "lab.gif");
    at("save-gif").disabled = false;
    translate(at("share"));
  }, 100);
});
at("save-drawing").addEventListener("click", () => drawing.png((blob) => save(blob, "drawing.png")));

function legend() {
  document.querySelector(".legend")?.remove();
  const box = Object.assign(document.createElement("div"), { className: "legend bar" });
  for (const name of Object.keys(layers)) {
    const label = Object.assign(document.createElement("label"), { className: `check layer-${name}` });
    const input = Object.assign(document.createElement("input"), { type: "checkbox", checked: layers[name], id: `layer-${name}` });
    input.addEventListener("change", () => {
      layers[name] = input.checked;
      sides.forEach((side) => (side.plot.changed = true));
    });
    label.append(input, Object.assign(document.createElement("i"), {}), document.createTextNode(word(`layer_${name}`)));
    box.append(label);
  }
  at("sides").before(box);
}

whenTranslated(() => {
  at("speed").replaceChildren(...SPEEDS.map((steps) => Object.assign(document.createElement("option"), {
    value: steps, textContent: steps ? steps.toLocaleString("en") : word("fastest"),
  })));
  legend();
  showControls();
});

// A frame is asked for where something is due: one that shows nothing new would cost as much again.
let written = 0;
function frame() {
  const now = performance.now();
  for (const { plot } of sides) {
    if (!plot.due(now)) continue;
    plot.draw(now);
    drawn++;
  }
  if (now - written > WRITTEN) {
    written = now;
    for (const side of sides) side.write();
  }
  schedule(now);
}
function schedule(began) {
  setTimeout(() => {
    const now = performance.now();
    const due = sides.some((side) => side.plot.due(now) || (side.changed && now - written > WRITTEN));
    if (due && !document.hidden) requestAnimationFrame(frame);
    else schedule(now);
  }, Math.max(began + FRAME - performance.now() - 8, 1));
}
function drawAgain() {
  for (const side of sides) for (const one of [side, side.plot, ...side.charts]) one.changed = true;
}
addEventListener("resize", drawAgain);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);

// For whoever asks in the console, and for the tests.
window.lab = {
  controls: () => controls, drop, frames: () => drawn, say, seen: (side) => sides[side]?.plot.seen, snapshots: loaded,
  usual: () => usual,
};
await speak(firstLanguage());
schedule(0);
connect((there) => {
  document.body.classList.toggle("lost", !there);
  at("state").textContent = there ? "" : word("lost");
  if (there) say({ do: "past" });
});
