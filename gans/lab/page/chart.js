// Small line charts of figures over steps.

const dark = matchMedia("(prefers-color-scheme: dark)");
const COLOURS = { light: ["#0072b2", "#d55e00"], dark: ["#56b4e9", "#ff9a4d"] };

export class Chart {
  constructor(canvas, names) {
    this.canvas = canvas;
    this.names = names;
    this.rows = [];
  }

  // Add (step, values); a step before the last one begins anew.
  add(step, values) {
    if (this.rows.length && this.rows.at(-1)[0] > step) this.rows = [];
    if (this.rows.length && this.rows.at(-1)[0] === step) this.rows.pop();
    this.rows.push([step, ...values]);
    if (this.rows.length > 800) this.rows = this.rows.filter((_, place) => place % 2 || place > 700);
    this.changed = true;
  }

  begin(rows) {
    this.rows = rows;
    this.changed = true;
  }

  draw() {
    this.changed = false;
    const { canvas, rows } = this;
    const ratio = Math.min(devicePixelRatio, 2);
    const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio].map(Math.round);
    if (!width) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    const ink = dark.matches ? "#b9bcc6" : "#555";
    const font = 11 * ratio;
    context.font = `${font}px system-ui, sans-serif`;
    const values = rows.flatMap((row) => row.slice(1)).filter((value) => value !== null);
    if (!values.length) return;
    const sorted = [...values].sort((a, b) => a - b);
    const low = Math.min(sorted[Math.floor(0.01 * sorted.length)], 0);
    const high = Math.max(sorted[Math.ceil(0.99 * (sorted.length - 1))], low + 1e-6);
    const [left, bottom, top] = [38 * ratio, height - font - 6 * ratio, font + 6 * ratio];
    const first = rows[0][0];
    const last = Math.max(rows.at(-1)[0], first + 1);
    const x = (step) => left + ((step - first) / (last - first)) * (width - left - 4 * ratio);
    const y = (value) => bottom - ((Math.min(Math.max(value, low), high) - low) / (high - low)) * (bottom - top);
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = ratio * 0.5;
    for (const value of [low, high]) {
      context.beginPath();
      context.moveTo(left, y(value));
      context.lineTo(width, y(value));
      context.stroke();
      context.fillText(short(value), 2 * ratio, y(value) + font / 3);
    }
    context.textAlign = "right";
    context.fillText(rows.at(-1)[0].toLocaleString("en"), width - 4 * ratio, height - 3 * ratio);
    context.textAlign = "left";
    const colours = COLOURS[dark.matches ? "dark" : "light"];
    this.names.forEach((name, place) => {
      context.strokeStyle = context.fillStyle = colours[place];
      context.lineWidth = 1.5 * ratio;
      context.setLineDash(place ? [5 * ratio, 3 * ratio] : []);
      context.beginPath();
      rows.forEach((row, number) => {
        if (row[place + 1] !== null) context[number ? "lineTo" : "moveTo"](x(row[0]), y(row[place + 1]));
      });
      context.stroke();
      const label = `${name()} ${short(rows.at(-1)[place + 1])}`;
      context.fillText(label, left + (place * (width - left)) / 2, font);
    });
    context.setLineDash([]);
    canvas.setAttribute("aria-label", this.names.map((name, place) => `${name()} ${short(rows.at(-1)[place + 1])}`).join(", "));
  }
}

export function short(value) {
  if (value === null || value === undefined) return "";
  if (Math.abs(value) >= 1e6) return value.toExponential(2);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
