// The setting of a toy: a field for each key that the server offers, and the rules of what goes together.

import { whenTranslated, word } from "./words.js";

const GROUPS = {
  data: ["data", "seed"],
  loss: ["objective", "penalty"],
  networks: ["network.generator_widths", "network.discriminator_widths", "network.latent", "network.prior",
    "network.spectral_norm", "network.pack"],
  training: ["optimizer", "optimizer.learning_rate", "optimizer.discriminator_learning_rate", "optimizer.clip",
    "trainer.critic_steps", "trainer.generator_steps", "trainer.batch_size"],
};
const RATES = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1];

let options = null;
let current = {};
let changed = () => {};

export function begin(offered, call) {
  options = offered;
  changed = call;
  build();
}
whenTranslated(() => options && build());

export function show(setting) {
  const structure = JSON.stringify([current.penalty, Object.keys(current).length]);
  current = structuredClone(setting);
  if (JSON.stringify([current.penalty, Object.keys(current).length]) !== structure) build();
  else fill();
}

export const setting = () => structuredClone(current);

const weightKey = (penalty) => Object.keys(options.keys).find((key) => key.startsWith(`penalty.${penalty}.`));

function build() {
  const form = document.getElementById("setting");
  const focused = document.activeElement?.id;
  form.replaceChildren();
  for (const [group, keys] of Object.entries(GROUPS)) {
    const box = document.createElement("fieldset");
    box.append(Object.assign(document.createElement("legend"), { textContent: word(`group_${group}`) }));
    for (const key of keys) {
      box.append(key === "penalty" ? penalties() : row(key));
      if (key === "data") box.append(pad());
    }
    form.append(box);
  }
  fill();
  if (focused) document.getElementById(focused)?.focus();
}

function row(key) {
  const label = document.createElement("label");
  label.className = "row";
  label.append(Object.assign(document.createElement("span"), { textContent: word(`key_${key}`) }), field(key));
  return label;
}

function field(key) {
  const allowed = options.keys[key];
  let input;
  if (key.endsWith("learning_rate")) {
    input = select(RATES.map((rate) => [rate, String(rate)]));
  } else if (allowed.words?.includes(true)) {
    input = Object.assign(document.createElement("input"), { type: "checkbox" });
  } else if (allowed.words) {
    input = select(allowed.words.map((value) => [value, translated(key, value)]));
  } else {
    input = document.createElement("input");
    input.type = allowed.most ? "text" : "number";
    if (!allowed.most) Object.assign(input, { min: allowed.low, max: allowed.high, step: allowed.whole ? 1 : "any" });
    if (allowed.null || allowed.most) input.placeholder = word("none");
  }
  input.id = `key-${key}`;
  input.addEventListener("input", () => (input.dataset.edited = "")); // not to be written over
  for (const end of ["change", "blur"]) input.addEventListener(end, () => delete input.dataset.edited);
  input.addEventListener("change", () => change(key, read(key, input)));
  return input;
}

function translated(key, value) {
  const name = `value_${value}`;
  return word(name) === name ? String(value) : word(name);
}

function select(pairs) {
  const out = document.createElement("select");
  out.append(...pairs.map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })));
  return out;
}

function penalties() {
  const box = document.createElement("div");
  for (const name of options.keys.penalty.words) {
    const label = document.createElement("label");
    label.className = "row check";
    const input = Object.assign(document.createElement("input"), { type: "checkbox", id: `penalty-${name}` });
    input.addEventListener("change", () => {
      const rest = current.penalty.filter((one) => one !== name);
      change("penalty", input.checked ? [...rest, name] : rest);
    });
    label.append(input, Object.assign(document.createElement("span"), { textContent: translated("penalty", name) }));
    box.append(label);
    if (current.penalty?.includes(name)) {
      const weight = row(weightKey(name));
      weight.firstChild.textContent = word("weight");
      box.append(weight);
    }
  }
  return box;
}

function pad() {
  const box = Object.assign(document.createElement("div"), { id: "pad", hidden: true });
  box.innerHTML = '<canvas id="drawing" width="64" height="64" tabindex="0"></canvas><div class="bar">' +
    '<button type="button" id="draw-clear"></button><button type="button" id="draw-use"></button></div>';
  box.querySelector("#draw-clear").textContent = word("draw_clear");
  box.querySelector("#draw-use").textContent = word("draw_use");
  box.querySelector("#drawing").setAttribute("aria-label", word("draw_here"));
  box.addEventListener("click", ({ target }) => {
    if (target.id) document.dispatchEvent(new CustomEvent(target.id));
  });
  return box;
}

function read(key, input) {
  const allowed = options.keys[key];
  if (input.type === "checkbox") return input.checked;
  if (allowed.most) return input.value.split(/[\s,;x]+/).filter(Boolean).map(Number);
  if (allowed.words) return allowed.words.find((word) => String(word) === input.value);
  return input.value === "" && allowed.null ? null : Number(input.value);
}

function fill() {
  for (const key of Object.keys(options?.keys ?? {})) {
    const input = document.getElementById(`key-${key}`);
    if (!input || !(key in current) || "edited" in input.dataset) continue;
    const value = current[key];
    if (input.type === "checkbox") input.checked = value;
    else if (Array.isArray(value)) input.value = value.join(", ");
    else {
      if (input.tagName === "SELECT" && ![...input.options].some((one) => one.value === String(value))) {
        input.append(Object.assign(document.createElement("option"), { value, textContent: String(value) }));
      }
      input.value = value ?? "";
    }
  }
  const takes = options?.objectives[current.objective]?.takes;
  for (const name of options?.keys.penalty.words ?? []) {
    const input = document.getElementById(`penalty-${name}`);
    input.checked = current.penalty?.includes(name) ?? false;
    input.disabled = Boolean(takes) && !takes.includes(name);
  }
  document.getElementById("pad").hidden = current.data !== "drawing";
}

// Another value, and what follows from it: penalties that an objective does not take go, one that it needs comes.
function change(key, value) {
  const next = { ...current, [key]: value };
  const { takes, needs } = options.objectives[next.objective];
  if (takes) next.penalty = next.penalty.filter((name) => takes.includes(name));
  const there = next.penalty.some((name) => needs.includes(name)) ||
    (needs.includes("optimizer.clip") && next["optimizer.clip"] !== null) ||
    (needs.includes("network.spectral_norm") && next["network.spectral_norm"]);
  if (needs.length && !there && key === "objective") next.penalty = [...next.penalty, needs[0]];
  changed(next);
}

// A setting as a part of an address, without what is as usual; and back.
export function toHash(setting, usual, prefix = "") {
  return Object.entries(setting)
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(usual[key]))
    .map(([key, value]) => `${prefix}${key}=${encodeURIComponent(Array.isArray(value) ? value.join(",") : String(value))}`);
}

export function fromHash(text, usual, prefix = "") {
  const out = structuredClone(usual);
  for (const [name, value] of new URLSearchParams(text)) {
    const key = name.slice(prefix.length);
    if (!name.startsWith(prefix) || !Object.hasOwn(options.keys, key)) continue;
    const allowed = options.keys[key];
    if (Array.isArray(usual[key])) {
      const parts = value.split(",").filter(Boolean);
      out[key] = allowed.most ? parts.map(Number) : parts;
    } else if (value === "null") out[key] = null;
    else if (allowed.words) out[key] = allowed.words.find((one) => String(one) === value) ?? value;
    else out[key] = Number(value);
  }
  return out;
}
