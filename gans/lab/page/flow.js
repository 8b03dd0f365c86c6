// How data flow through a step, with the part lit that is at work; slow motion goes through it part by part.

import { say } from "./socket.js";
import { whenTranslated, word } from "./words.js";

const BOXES = {
  noise: [10, 3, 100], generator: [150, 3, 100], made: [290, 3, 120], real: [290, 63, 120],
  discriminator: [450, 33, 120], loss_discriminator: [620, 3, 130], loss_generator: [620, 63, 130],
};
const EDGES = [
  ["noise", "generator"], ["generator", "made"], ["made", "discriminator"], ["real", "discriminator"],
  ["discriminator", "loss_discriminator"], ["discriminator", "loss_generator"],
];
// The phases of the two updates: what is lit, and which network learns at the end.
const PHASES = [
  ["noise", "noise"], ["generator", "generator"], ["made", "made"], ["real", "real"],
  ["discriminator", "discriminator"], ["loss_discriminator", "loss_discriminator"],
  ["update_discriminator", "discriminator", "discriminator"],
  ["noise", "noise"], ["generator", "generator"], ["made", "made"], ["discriminator", "discriminator"],
  ["loss_generator", "loss_generator"], ["update_generator", "generator", "generator"],
];
const SECONDS = 1;

let timer = null;
let phase = 0;

export function drawFlow() {
  const svg = document.getElementById("flow");
  const middle = ([x, y, width]) => [x + width / 2, y + 17];
  const lines = EDGES.map(([from, to]) => {
    const [x1, y1] = [BOXES[from][0] + BOXES[from][2], middle(BOXES[from])[1]];
    const [x2, y2] = [BOXES[to][0], middle(BOXES[to])[1]];
    return `<path class="edge" d="M${x1} ${y1} C${x1 + 20} ${y1} ${x2 - 20} ${y2} ${x2} ${y2}"/>`;
  });
  const boxes = Object.entries(BOXES).map(([name, [x, y, width]]) => {
    const kind = name === "generator" || name === "discriminator" ? "network" : "";
    return `<g id="part-${name}" class="part ${kind}"><rect x="${x}" y="${y}" width="${width}" height="34" rx="6"/>` +
      `<text x="${x + width / 2}" y="${y + 22}">${word(`part_${name}`)}</text></g>`;
  });
  svg.innerHTML = lines.join("") + boxes.join("");
  svg.setAttribute("aria-label", word("flow"));
}
whenTranslated(drawFlow);

function light(name) {
  const box = document.getElementById("flow-box"); // narrower than the drawing on a phone
  if (name) box.scrollLeft = (BOXES[name][0] / 760) * box.scrollWidth - box.clientWidth / 2;
  for (const part of document.querySelectorAll(".part")) part.classList.toggle("lit", part.id === `part-${name}`);
}

export function slow(wanted) {
  clearInterval(timer);
  timer = null;
  document.getElementById("slow").setAttribute("aria-pressed", String(wanted));
  if (!wanted) {
    light(null);
    document.getElementById("phase").textContent = "";
    return;
  }
  phase = 0;
  const next = () => {
    const [text, part, learns] = PHASES[phase];
    light(part);
    document.getElementById("phase").textContent = word(`phase_${text}`);
    if (learns) say({ do: "step", part: learns });
    phase = (phase + 1) % PHASES.length;
  };
  say({ do: "pause" });
  next();
  timer = setInterval(next, 1000 * SECONDS);
}

export const isSlow = () => timer !== null;
