// From a face to its age: the alignment of keras_dldl/faces/alignment.py, the mean over image and
// mirror image, the expectation, and the interval of keras_dldl/calibration.

import { length, similarity } from "./complex.js";
import { mirrored } from "./detector.js";
import { asNumbers, cut } from "./pixels.js";

export const LEVEL = 0.9; // a column of the calibration's tables
const COLUMN = 7;

// `card` is what the model's file says of itself.
export async function estimate(network, card, picture, landmarks) {
  const side = card.input_size;
  const [scale, shift] = similarity(card.alignment.five_points, landmarks);
  const crop = cut(picture, scale, shift, side);
  const image = (await network(asNumbers(crop))).distribution;
  const mirror = (await network(asNumbers(mirrored(crop, side)))).distribution;
  const sum = image.reduce((total, p, i) => total + p + mirror[i], 0);
  const distribution = Array.from(image, (p, i) => (p + mirror[i]) / sum);
  const expected = (of) => distribution.reduce((total, p, i) => total + p * of(card.labels[i]), 0);
  const value = expected((label) => label);
  const std = Math.sqrt(expected((label) => (label - value) ** 2));
  return { value, std, interval: interval(card.calibration, value, std), distribution };
}

// How many pixels of the picture one of the crop spans.
export function spanOf(card, landmarks) {
  return length(similarity(card.alignment.five_points, landmarks)[0]);
}

// The labels for which this value is no surprise: where the standardised residual lies between the
// two quantiles, which are straight lines between the knots.
function interval({ grid, lower, upper, offset }, value, std) {
  const knots = lower.map((_, i) => grid.start + ((grid.stop - grid.start) * i) / (lower.length - 1));
  const z = knots.map((knot) => (knot - value) / (std + offset));
  const ends = [value];
  for (let i = 1; i < knots.length; i++) {
    const [one, other] = [(k) => z[k] - lower[k][COLUMN], (k) => upper[k][COLUMN] - z[k]].map((g) =>
      whereNotNegative(g(i - 1), g(i)),
    );
    const [first, last] = [Math.max(one[0], other[0]), Math.min(one[1], other[1])];
    const width = knots[i] - knots[i - 1];
    if (first <= last) ends.push(knots[i - 1] + first * width, knots[i - 1] + last * width);
  }
  const inGrid = (label) => Math.min(Math.max(label, grid.start), grid.stop);
  return [inGrid(Math.min(...ends)), inGrid(Math.max(...ends))];
}

function whereNotNegative(left, right) {
  if (left < 0 && right < 0) return [2, -1];
  return [left >= 0 ? 0 : left / (left - right), right >= 0 ? 1 : left / (left - right)];
}
