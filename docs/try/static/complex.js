// Points and turns of the plane as complex numbers, [re, im], as in keras_dldl/faces.

export const add = ([a, b], [c, d]) => [a + c, b + d];
export const subtract = ([a, b], [c, d]) => [a - c, b - d];
export const times = ([a, b], [c, d]) => [a * c - b * d, a * d + b * c];
export const scaled = (numbers, factor) => numbers.map((number) => number * factor);
export const conjugate = ([a, b]) => [a, -b];
export const length = ([a, b]) => Math.hypot(a, b);
export const mean = (points) => scaled(points.reduce(add), 1 / points.length);
export const column = (points, k) => points.map((point) => point[k]);

// The scale and shift of the least-squares similarity that takes points to others.
export function similarity(points, others) {
  const [from, to] = [mean(points), mean(others)];
  const centred = points.map((point) => subtract(point, from));
  const products = others.map((point, i) => times(conjugate(centred[i]), subtract(point, to)));
  const spread = centred.reduce((total, point) => total + length(point) ** 2, 0);
  const scale = scaled(mean(products), products.length / spread);
  return [scale, subtract(to, times(scale, from))];
}
