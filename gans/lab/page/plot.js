// The plane of a toy: the discriminator's surface, real and generated points, arrows, and the grid of latents.

const REAL = "#0072b2";
const MADE = "#d55e00";
const LAYERS = ["surface", "real", "points", "arrows", "grid"];
export const layers = Object.fromEntries(LAYERS.map((name) => [name, true]));

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

const SHADES = 256;
const BENT = Math.tanh(2);

// Shades from what the discriminator takes for generated (orange) by the middle to what it takes for real (blue), RGB each.
const shades = {};
for (const [name, [low, middle, high]] of Object.entries({
  dark: [[122, 62, 20], [30, 32, 38], [16, 78, 122]],
  light: [[249, 196, 150], [250, 250, 250], [150, 202, 235]],
})) {
  shades[name] = new Uint8Array(3 * SHADES);
  for (let place = 0; place < SHADES; place++) {
    const share = place / (SHADES - 1);
    const [from, to, part] = share < 0.5 ? [low, middle, 2 * share] : [middle, high, 2 * share - 1];
    for (let part_ = 0; part_ < 3; part_++) shades[name][3 * place + part_] = from[part_] + part * (to[part_] - from[part_]);
  }
}

export class Plot {
  constructor(canvas) {
    this.canvas = canvas;
    this.extent = 1;
    this.real = null;
    this.seen = null;
    this.before = null;
    this.between = null;
    this.cells = document.createElement("canvas");
    this.back = Object.assign(document.createElement("canvas"), { width: 0, height: 0 });
    [this.plane, this.behind, this.small] = [canvas, this.back, this.cells].map((one) => one.getContext("2d", { alpha: false }));
  }

  show(seen) {
    this.before = this.seen && this.seen.step < seen.step ? this.#points(performance.now()).slice() : seen.points;
    this.gap = Math.min(performance.now() - (this.came ?? 0), 500);
    this.came = performance.now();
    this.seen = seen;
    this.#paintCells();
    this.changed = true;
  }

  // Whether there is anything new to draw at this time.
  due(time) {
    return this.changed || (!still.matches && this.seen && time - this.came < this.gap);
  }

  // Generated points between the last two looks, which are of the same latents.
  #points(time) {
    const { before, seen: { points } } = this;
    const share = still.matches ? 1 : Math.min((time - this.came) / this.gap, 1);
    if (share >= 1 || before.length !== points.length) return points;
    if (this.between?.length !== points.length) this.between = new Float32Array(points.length);
    for (let place = 0; place < points.length; place++) {
      this.between[place] = before[place] + share * (points[place] - before[place]);
    }
    return this.between;
  }

  #paintCells() {
    const { surface, middle } = this.seen;
    const side = surface.shape[0];
    if (this.cells.width !== side) {
      this.cells.width = this.cells.height = side;
      this.pixels = this.small.createImageData(side, side);
      this.pixels.data.fill(255);
    }
    let spread = 1e-6;
    for (const value of surface) spread = Math.max(spread, Math.abs(value - middle));
    const [table, pixels] = [shades[dark.matches ? "dark" : "light"], this.pixels.data];
    for (let place = 0; place < surface.length; place++) {
      const column = place % side;
      const at = 4 * ((side - 1 - (place - column) / side) * side + column);
      const share = 0.5 + (0.5 * Math.tanh((2 * (surface[place] - middle)) / spread)) / BENT;
      const from = 3 * Math.round(share * (SHADES - 1));
      for (let part = 0; part < 3; part++) pixels[at + part] = table[from + part];
    }
    this.small.putImageData(this.pixels, 0, 0);
  }

  draw(time) {
    const { canvas, back } = this;
    const size = Math.round(canvas.clientWidth * Math.min(devicePixelRatio, 2));
    if (!size || !this.seen) return;
    if (canvas.width !== size) canvas.width = canvas.height = back.width = back.height = size;
    const scale = size / (2 * this.extent);
    const x = (value) => size / 2 + value * scale;
    const y = (value) => size / 2 - value * scale;
    const unit = size / 400;
    if (this.changed) this.#drawBack(x, y, unit, size);
    this.changed = false;
    const context = this.plane;
    context.drawImage(back, 0, 0);
    const points = this.#points(time);
    if (layers.points) dots(context, points, x, y, 1.6 * unit, dark.matches ? "#ff9a4d" : MADE);
    if (layers.arrows) this.#drawArrows(context, points, x, y, unit, size);
  }

  // What stays as it is between two looks.
  #drawBack(x, y, unit, size) {
    const context = this.behind;
    context.fillStyle = dark.matches ? "#1e2026" : "#fafafa";
    context.fillRect(0, 0, size, size);
    if (layers.surface) context.drawImage(this.cells, 0, 0, size, size);
    if (layers.grid && this.seen.grid) this.#drawGrid(context, x, y, unit);
    if (layers.real && this.real) dots(context, this.real, x, y, 1.6 * unit, dark.matches ? "#56b4e9" : REAL);
  }

  #drawGrid(context, x, y, unit) {
    const grid = this.seen.grid;
    const count = grid.shape[0];
    const side = Math.round(Math.sqrt(count));
    context.strokeStyle = dark.matches ? "rgba(220,220,230,.45)" : "rgba(60,60,70,.4)";
    context.lineWidth = thin(unit);
    context.beginPath();
    const line = (places) => places.forEach((place, number) => {
      context[number ? "lineTo" : "moveTo"](x(grid[2 * place]), y(grid[2 * place + 1]));
    });
    const along = [...Array(side).keys()];
    if (this.seen.flat) {
      along.forEach((row) => line(along.map((column) => row * side + column)));
      along.forEach((column) => line(along.map((row) => row * side + column)));
    } else {
      line([...Array(count).keys()]);
    }
    context.stroke();
  }

  #drawArrows(context, points, x, y, unit, size) {
    const arrows = this.seen.arrows;
    const count = arrows.length / 2;
    const lengths = [...Array(count).keys()].map((place) => Math.hypot(arrows[2 * place], arrows[2 * place + 1]));
    const longest = [...lengths].sort((a, b) => a - b)[Math.floor(0.9 * count)] || 1e-12;
    context.strokeStyle = dark.matches ? "rgba(255,225,120,.85)" : "rgba(90,40,120,.75)";
    context.lineWidth = thin(unit);
    context.beginPath();
    for (let place = 0; place < count; place++) {
      const length = (Math.min(lengths[place] / longest, 1.5) * size) / 22;
      const angle = Math.atan2(-arrows[2 * place + 1], arrows[2 * place]);
      const [left, top] = [x(points[2 * place]), y(points[2 * place + 1])];
      const [right, bottom] = [left + length * Math.cos(angle), top + length * Math.sin(angle)];
      context.moveTo(left, top);
      context.lineTo(right, bottom);
      for (const turn of [2.6, -2.6]) {
        context.moveTo(right, bottom);
        context.lineTo(right + (length / 3) * Math.cos(angle + turn), bottom + (length / 3) * Math.sin(angle + turn));
      }
    }
    context.stroke();
  }
}

// Lines of one pixel are drawn by software many times as fast as wider ones.
const thin = (unit) => (unit < 2 ? 1 : unit);

// Squares on whole pixels, which need no smoothing.
function dots(context, points, x, y, radius, colour) {
  const side = Math.round(2 * radius);
  context.fillStyle = colour;
  context.globalAlpha = 0.7;
  for (let place = 0; place < points.length; place += 2) {
    context.fillRect(Math.round(x(points[place]) - radius), Math.round(y(points[place + 1]) - radius), side, side);
  }
  context.globalAlpha = 1;
}
