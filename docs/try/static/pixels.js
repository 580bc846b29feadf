// Pictures and squares cut out of them: keras_dldl/faces/cutting.py and what it uses of Pillow,
// to the rounding, so that the networks see what they see in Python.

import { add, column, length, scaled, subtract, times } from "./complex.js";

const LEAST_SIDE = 1280; // of the longer side: a large JPEG file is not reduced further
const BAND_PIXELS = 2 ** 20; // read at once: canvases of whole photos are too large for some phones
const UNREADABLE = "The picture cannot be read. Choose a JPEG, PNG or WebP file.";

// Gives the photo upright: its width and height, its `pixels`, perhaps reduced, by how much
// (`reduction`), and `whole()` and `close()`. Pixels are {data, width, height}: RGB bytes.
export async function openPhoto(blob) {
  let bitmap;
  try {
    // Colour profiles are left out of account, as in training.
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${UNREADABLE} Received: ${blob.name || "a picture without a name"}, ${blob.size} bytes`);
  }
  const { width, height } = bitmap;
  const longest = Math.max(width, height);
  const most = blob.type === "image/jpeg" ? Math.floor(longest / LEAST_SIDE) : 1;
  const reduction = [8, 4, 2].find((blocks) => blocks <= most) ?? 1;
  const pixels = read(bitmap, reduction);
  let all = reduction > 1 ? undefined : pixels;
  const whole = () => (all ??= read(bitmap, 1)); // once, for all small faces
  return { width, height, pixels, reduction, whole, close: () => bitmap.close() };
}

// Transparency is laid over white. `blocks` reduces the sides.
function read(bitmap, blocks) {
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.ceil(side / blocks));
  const data = new Uint8Array(width * height * 3);
  const band = blocks * Math.max(1, Math.floor(BAND_PIXELS / bitmap.width / blocks));
  const canvas = new OffscreenCanvas(bitmap.width, Math.min(band, bitmap.height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < bitmap.height; top += band) {
    const rows = Math.min(band, bitmap.height - top);
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, bitmap.width, rows);
    context.drawImage(bitmap, 0, -top);
    const part = context.getImageData(0, 0, bitmap.width, rows).data;
    const mean = reduced(part, 4, bitmap.width, 0, 0, bitmap.width, rows, blocks);
    data.set(mean.data, (top / blocks) * width * 3);
  }
  return { data, width, height };
}

// A turned and scaled square: (size, size, 3) bytes; edge pixels fill what lies outside. `scale` is
// how many pixels of the picture one of the square spans, times the turn; `shift` its upper left
// corner. `quick` is less sharp: for the networks that find faces. Those look at a picture many times:
// they cut from its half, quarter and so on, which are kept (`Picture` in keras_dldl/faces/cutting.py).
export function cut(picture, scale, shift, size, quick = false) {
  if (quick && length(scale) >= 2) {
    picture.half ??= reduced(picture.data, 3, picture.width, 0, 0, picture.width, picture.height, 2);
    return cut(picture.half, scaled(scale, 1 / 2), scaled(shift, 1 / 2), size, true);
  }
  const blocks = Math.max(1, Math.floor(length(scale) / 2));
  const finer = quick || length(scale) < 1 + 1e-6 ? 1 : 2;
  const fine = size * finer;
  const step = scaled(scale, 1 / finer);
  const corners = [[0, 0], [fine, 0], [0, fine], [fine, fine]].map((c) => add(times(c, step), shift));
  const [left, right] = span(column(corners, 0), blocks, picture.width);
  const [top, bottom] = span(column(corners, 1), blocks, picture.height);
  const part = reduced(picture.data, 3, picture.width, left, top, right, bottom, blocks);
  const sample = quick || length(scale) > 2 ? bilinear : bicubic;
  const place = scaled(subtract(shift, [left, top]), 1 / blocks);
  const square = sample(part, scaled(step, 1 / blocks), place, fine);
  return finer > 1 ? reduced(square, 3, fine, 0, 0, fine, fine, finer).data : square;
}

function span(places, blocks, side) {
  const inside = (place) => Math.min(Math.max(place, 0), side - 1);
  const low = inside(Math.floor(Math.min(...places)) - 2 * blocks);
  return [low, inside(Math.ceil(Math.max(...places)) + 3 * blocks) + 1];
}

// The mean of every square of `blocks` x `blocks` pixels, as Pillow's `reduce` rounds it.
function reduced(data, channels, across, left, top, right, bottom, blocks) {
  const width = Math.ceil((right - left) / blocks);
  const height = Math.ceil((bottom - top) / blocks);
  const result = new Uint8Array(width * height * 3);
  const sums = new Uint32Array(width * 3);
  for (let row = 0; row < height; row++) {
    sums.fill(0);
    const first = top + row * blocks;
    const last = Math.min(first + blocks, bottom);
    for (let y = first; y < last; y++) {
      let from = (y * across + left) * channels;
      for (let i = 0, x = left; x < right; i += 3) {
        for (const end = Math.min(x + blocks, right); x < end; x++, from += channels) {
          sums[i] += data[from];
          sums[i + 1] += data[from + 1];
          sums[i + 2] += data[from + 2];
        }
      }
    }
    for (let i = 0; i < sums.length; i++) {
      const pixels = Math.min(blocks, right - left - Math.floor(i / 3) * blocks) * (last - first);
      const share = Math.floor(2 ** 24 / pixels); // Pillow's integers: now and then one less
      result[row * sums.length + i] = ((sums[i] + (pixels >> 1)) * share) / 2 ** 24;
    }
  }
  return { data: result, width, height };
}

// The square's pixel (k, row) has its middle at (x, y) of the part. Both functions do without arrays
// and callbacks for a pixel: these take most of a frame's time.
function bilinear({ data, width, height }, step, place, size) {
  const square = new Uint8Array(size * size * 3);
  for (let row = 0, to = 0; row < size; row++) {
    for (let k = 0; k < size; k++, to += 3) {
      const x = step[0] * (k + 0.5) - step[1] * (row + 0.5) + place[0] - 0.5;
      const y = step[1] * (k + 0.5) + step[0] * (row + 0.5) + place[1] - 0.5;
      const i = Math.floor(x);
      const j = Math.floor(y);
      const left = 3 * clamp(i, width);
      const right = 3 * clamp(i + 1, width);
      const upper = 3 * width * clamp(j, height);
      const lower = 3 * width * clamp(j + 1, height);
      for (let c = 0; c < 3; c++) {
        const one = mix(data[upper + left + c], data[upper + right + c], x - i);
        const other = mix(data[lower + left + c], data[lower + right + c], x - i);
        square[to + c] = mix(one, other, y - j);
      }
    }
  }
  return square;
}

function bicubic({ data, width, height }, step, place, size) {
  const square = new Uint8Array(size * size * 3);
  for (let row = 0, to = 0; row < size; row++) {
    for (let k = 0; k < size; k++, to += 3) {
      const x = step[0] * (k + 0.5) - step[1] * (row + 0.5) + place[0] - 0.5;
      const y = step[1] * (k + 0.5) + step[0] * (row + 0.5) + place[1] - 0.5;
      const i = Math.floor(x);
      const j = Math.floor(y);
      const a = 3 * clamp(i - 1, width);
      const b = 3 * clamp(i, width);
      const c = 3 * clamp(i + 1, width);
      const d = 3 * clamp(i + 2, width);
      const first = 3 * width * clamp(j - 1, height);
      const second = 3 * width * clamp(j, height);
      const third = 3 * width * clamp(j + 1, height);
      const fourth = 3 * width * clamp(j + 2, height);
      for (let channel = 0; channel < 3; channel++) {
        const value = cubic(
          along(data, first + channel, a, b, c, d, x - i),
          along(data, second + channel, a, b, c, d, x - i),
          along(data, third + channel, a, b, c, d, x - i),
          along(data, fourth + channel, a, b, c, d, x - i),
          y - j,
        );
        square[to + channel] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  }
  return square;
}

const clamp = (i, count) => (i < 0 ? 0 : i >= count ? count - 1 : i);
const mix = (a, b, share) => a + (b - a) * share;
const cubic = (a, b, c, d, share) =>
  b + share * (c - a + share * (2 * (a - b) + c - d + share * (b - a - c + d)));
const along = (data, from, a, b, c, d, share) =>
  cubic(data[from + a], data[from + b], data[from + c], data[from + d], share);

// The bytes as a network takes them.
export function asNumbers(bytes, scale = 1, offset = 0) {
  const numbers = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) numbers[i] = bytes[i] / scale + offset;
  return numbers;
}
