// Pictures as an animated GIF (GIF89a, one palette for all frames, LZW).

const COLOURS = 256;
const BITS = 5; // of each channel, by which colours are counted

const key = (pixels, at) => ((pixels[at] >> 3) << 10) | ((pixels[at + 1] >> 3) << 5) | (pixels[at + 2] >> 3);
const colour = (one) => [one >> 10, (one >> 5) & 31, one & 31].map((part) => (part << 3) | (part >> 2));

// The most frequent colours of all frames, and for each other one the nearest of them.
function palette(frames) {
  const counts = new Uint32Array(1 << (3 * BITS));
  for (const { data } of frames) for (let at = 0; at < data.length; at += 4) counts[key(data, at)]++;
  const there = [...counts.keys()].filter((one) => counts[one]).sort((a, b) => counts[b] - counts[a]);
  const chosen = there.slice(0, COLOURS).map(colour);
  const nearest = new Uint8Array(counts.length);
  for (const one of there) {
    const parts = colour(one);
    const apart = chosen.map((other) => other.reduce((sum, part, channel) => sum + (part - parts[channel]) ** 2, 0));
    nearest[one] = apart.indexOf(Math.min(...apart));
  }
  const bytes = new Uint8Array(3 * COLOURS);
  chosen.forEach((parts, place) => bytes.set(parts, 3 * place));
  return { bytes, nearest };
}

function indices(pixels, nearest) {
  return Uint8Array.from({ length: pixels.length / 4 }, (_, place) => nearest[key(pixels, 4 * place)]);
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
  const { bytes, nearest } = palette(frames);
  const parts = [new TextEncoder().encode("GIF89a"), Uint8Array.of(...two(width), ...two(height), 0xf7, 0, 0), bytes];
  parts.push(Uint8Array.of(0x21, 0xff, 11), new TextEncoder().encode("NETSCAPE2.0"), Uint8Array.of(3, 1, 0, 0, 0));
  for (const frame of frames) {
    const data = compressed(indices(frame.data, nearest));
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
