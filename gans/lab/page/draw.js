// A density drawn by hand: 64 x 64 levels from 0 to 3, one more for each stroke that passes.

const SIDE = 64;
const RADIUS = 2.5;

let levels = new Uint8Array(SIDE * SIDE);
let stroke = new Set();
let down = false;
let last = null; // where the pointer was in this stroke

const canvas = () => document.getElementById("drawing");

export const isEmpty = () => !levels.some(Boolean);

export function clear() {
  levels = new Uint8Array(SIDE * SIDE);
  paint();
}

export function paint() {
  const context = canvas()?.getContext("2d");
  if (!context) return;
  const image = context.createImageData(SIDE, SIDE);
  levels.forEach((level, place) => image.data.set([0, 0, 0, [0, 90, 170, 255][level]], 4 * place));
  context.putImageData(image, 0, 0);
}

function dot(x, y) {
  for (let row = Math.floor(y - RADIUS); row <= y + RADIUS; row++) {
    for (let column = Math.floor(x - RADIUS); column <= x + RADIUS; column++) {
      const inside = row >= 0 && row < SIDE && column >= 0 && column < SIDE;
      const place = row * SIDE + column;
      if (!inside || stroke.has(place) || Math.hypot(column + 0.5 - x, row + 0.5 - y) > RADIUS) continue;
      stroke.add(place);
      levels[place] = Math.min(levels[place] + 1, 3);
    }
  }
}

// A line from where the pointer was: a fast one is seen at few places.
function touch(event) {
  const box = canvas().getBoundingClientRect();
  const [x, y] = [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  const [fromX, fromY] = last ?? [x, y];
  const parts = Math.max(Math.ceil(Math.hypot(x - fromX, y - fromY)), 1);
  for (let part = 1; part <= parts; part++) dot(fromX + ((x - fromX) * part) / parts, fromY + ((y - fromY) * part) / parts);
  last = [x, y];
  paint();
}

document.addEventListener("pointerdown", (event) => {
  if (event.target !== canvas()) return;
  event.preventDefault();
  down = true;
  stroke = new Set();
  last = null;
  touch(event);
});
document.addEventListener("pointermove", (event) => down && touch(event));
document.addEventListener("pointerup", () => (down = false));

// Four levels a byte, in base64.
export function encoded() {
  const bytes = new Uint8Array(levels.length / 4);
  levels.forEach((level, place) => (bytes[place >> 2] |= level << (6 - 2 * (place & 3))));
  return btoa(String.fromCharCode(...bytes));
}

export function decode(text) {
  let letters = "";
  try {
    letters = atob(text);
  } catch {
    // a damaged link: nothing is drawn
  }
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  levels = Uint8Array.from({ length: SIDE * SIDE }, (_, place) => (bytes[place >> 2] >> (6 - 2 * (place & 3))) & 3);
  paint();
}

// The drawing as `data=drawing data.path=FILE.png` reads it: as dense as it is dark.
export function png(call) {
  const out = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const context = out.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  levels.forEach((level, place) => image.data.set([...Array(3).fill(255 - 85 * level), 255], 4 * place));
  context.putImageData(image, 0, 0);
  out.toBlob(call);
}
