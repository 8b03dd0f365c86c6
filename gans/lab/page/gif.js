// Pictures as an animated GIF (GIF89a, a palette of 6 x 7 x 6 colours for all frames, LZW).

const LEVELS = [6, 7, 6];
const COLOURS = 256;

function palette() {
  const out = new Uint8Array(3 * COLOURS);
  for (let place = 0; place < LEVELS[0] * LEVELS[1] * LEVELS[2]; place++) {
    const parts = [Math.floor(place / (LEVELS[1] * LEVELS[2])), Math.floor(place / LEVELS[2]) % LEVELS[1], place % LEVELS[2]];
    parts.forEach((part, channel) => (out[3 * place + channel] = Math.round((255 * part) / (LEVELS[channel] - 1))));
  }
  return out;
}

function indices(pixels) {
  const out = new Uint8Array(pixels.length / 4);
  for (let place = 0; place < out.length; place++) {
    const [red, green, blue] = LEVELS.map((levels, channel) => Math.round((pixels[4 * place + channel] / 255) * (levels - 1)));
    out[place] = (red * LEVELS[1] + green) * LEVELS[2] + blue;
  }
  return out;
}

function compressed(places) {
  const out = [];
  let [buffer, bits, size, next] = [0, 0, 9, COLOURS + 2];
  let table = new Map();
  const write = (code) => {
    buffer |= code << bits;
    bits += size;
    for (; bits >= 8; bits -= 8, buffer >>>= 8) out.push(buffer & 255);
  };
  write(COLOURS);
  let run = places[0];
  for (let place = 1; place < places.length; place++) {
    const key = (run << 8) | places[place];
    if (table.has(key)) {
      run = table.get(key);
      continue;
    }
    write(run);
    table.set(key, next++);
    if (next > 4095) {
      write(COLOURS);
      table = new Map();
      [size, next] = [9, COLOURS + 2];
    } else if (next > 1 << size) size++;
    run = places[place];
  }
  write(run);
  write(COLOURS + 1);
  if (bits) out.push(buffer & 255);
  return out;
}

// A Blob of frames (ImageData of one size), each shown for so many hundredths of a second.
export function gif(frames, hundredths) {
  const { width, height } = frames[0];
  const two = (value) => [value & 255, value >> 8];
  const parts = [new TextEncoder().encode("GIF89a"), Uint8Array.of(...two(width), ...two(height), 0xf7, 0, 0), palette()];
  parts.push(Uint8Array.of(0x21, 0xff, 11), new TextEncoder().encode("NETSCAPE2.0"), Uint8Array.of(3, 1, 0, 0, 0));
  for (const frame of frames) {
    const data = compressed(indices(frame.data));
    parts.push(Uint8Array.of(0x21, 0xf9, 4, 0, ...two(hundredths), 0, 0, 0x2c, 0, 0, 0, 0, ...two(width), ...two(height), 0, 8));
    for (let start = 0; start < data.length; start += 255) {
      const block = data.slice(start, start + 255);
      parts.push(Uint8Array.of(block.length, ...block));
    }
    parts.push(Uint8Array.of(0));
  }
  parts.push(Uint8Array.of(0x3b));
  return new Blob(parts, { type: "image/gif" });
}
