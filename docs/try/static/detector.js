// Finds faces: keras_dldl/faces/detectors/auto.py, blazeface.py and mesh.py. Small ones, which Python
// finds by MTCNN, are found by the same two networks in squares of the picture; profiles are not.

import { add, column, conjugate, length, mean, scaled, similarity, subtract, times } from "./complex.js";
import { asNumbers, cut } from "./pixels.js";

const BORDER = 0.15; // around the picture, as a share of its longer side
const BORDER_OF_CLOSE_UPS = 0.5; // where nothing is found: for faces that are larger than the picture
const LEAST_CLOSE_UP = 0.45; // share of the picture's longer side
const SURE = 0.88; // BlazeFace was never this sure of an upside-down face
const LEAST_PRESENCE = 0.7;
const CLEAR_PRESENCE = 1 - 1e-6;
const SURE_PRESENCE = 0.99999;

const BLAZE_SIDE = 128;
const CELLS = [[16, 2], [8, 6]];
const LEAST_SCORE = 0.5;
const OVERLAP = 0.3; // boxes of one face that overlap by more are averaged, by their scores

const MESH_SIDE = 192;
const MESH_CROP = 1.5; // sides of the face
const BOX_SIDE = 3.3; // of the face, in units of its points' spread around their mean
const BOX_ABOVE = 0.07; // its middle, above that mean
const FIVE_POINTS = [
  [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246],
  [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466],
  [1, 4],
  [61],
  [291],
];
const MIRRORED = [1, 0, 2, 4, 3];
const MEAN_SHAPE = [[-0.5, 0], [0.5, 0], [0, 0.6], [-0.445, 1.04], [0.445, 1.04]];
const QUARTER = [0, 1];
const QUARTERS = 4;
const LEAST_TILE = 160; // pixels; BlazeFace knows faces of an eighth of a square and more
const SHARED = 0.25; // of neighbouring squares
const SURROUNDINGS = 2.5; // sides of a small face

const ANCHORS = CELLS.flatMap(([cells, boxes]) =>
  Array.from({ length: cells * cells * boxes }, (_, i) => {
    const cell = Math.floor(i / boxes);
    return [((cell % cells) + 0.5) / cells, (Math.floor(cell / cells) + 0.5) / cells];
  }),
);

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// Gives {box, landmarks, score} of each face, left to right. Of a moving picture (`live`) only the
// large faces, and other quarter turns only where no sure face has been seen. `pause` is awaited now
// and then, so that the page stays awake.
export async function detect(networks, picture, live, pause) {
  const { width, height } = picture;
  const within = (border) => ({ centre: [width / 2, height / 2], side: Math.max(width, height) * (1 + 2 * border) });
  const whole = within(BORDER);
  let faces = await search(networks, picture, whole, QUARTERS, live);
  if (live) {
    const unsure = faces.some(({ score }) => score < SURE_PRESENCE);
    if (unsure) faces = await search(networks, picture, whole, QUARTERS);
  } else {
    faces = await surer(networks, picture, faces);
    faces = await withSmall(networks, picture, faces, pause, false);
    // As in Python, small faces at all angles are sought where there is no other.
    if (!faces.length) faces = await withSmall(networks, picture, faces, pause, true);
  }
  if (!faces.length) {
    const closeUps = await search(networks, picture, within(BORDER_OF_CLOSE_UPS), QUARTERS);
    const least = LEAST_CLOSE_UP * Math.max(width, height);
    faces = closeUps.filter(({ box }) => Math.max(box[2], box[3]) >= least);
  }
  return faces.sort((one, other) => one.box[0] - other.box[0]);
}

// The faces with those of smaller squares; `turned`: at the angles that the first search leaves out.
// Each is looked at once more in a square around it, as Python does with what MTCNN has found: where
// the mesh begins can move an age by a year.
async function withSmall(networks, picture, known, pause, turned) {
  let faces = known;
  for (const { turns, ...square } of tiles(picture.width, picture.height)) {
    if (turned && turns === QUARTERS) continue;
    const angles = turned ? QUARTERS : turns;
    for (const face of await search(networks, picture, square, angles, false, faces)) {
      const confirmed = await closer(networks, picture, face);
      if (!isKnown(faces, squareOf(confirmed))) faces = [...faces, confirmed];
    }
    await pause();
  }
  return faces;
}

// The faces, the unsure ones as they are seen from closer by, if the mesh is surer of them there: of a
// face that is small in the square BlazeFace may see the wrong way up alone.
async function surer(networks, picture, faces) {
  const found = [];
  for (const face of faces) {
    const again = face.score < SURE_PRESENCE ? await closer(networks, picture, face) : face;
    found.push(again.score < face.score ? face : again);
  }
  return found;
}

async function closer(networks, picture, face) {
  const { centre, side } = squareOf(face);
  const around = { centre, side: SURROUNDINGS * side };
  const found = await search(networks, picture, around, QUARTERS, true);
  const same = found.filter((other) => isNear(other, { centre, side }));
  const area = ({ box }) => box[2] * box[3];
  return same.sort((one, other) => area(other) - area(one))[0] ?? face;
}

// Squares of a half, a quarter and an eighth of the picture's longer side. A face of up to a quarter
// of a square lies in one of them as a whole; larger ones are found in the squares before.
function* tiles(width, height) {
  for (const parts of [2, 4, 8]) {
    const side = Math.max(width, height) / parts;
    if (side < LEAST_TILE) return;
    const turns = parts === 2 ? QUARTERS : 1; // as in Python small faces are sought upright alone
    for (const y of middles(height, side)) {
      for (const x of middles(width, side)) yield { centre: [x, y], side, turns };
    }
  }
}

function middles(length, side) {
  if (length <= side) return [length / 2];
  const steps = Math.ceil((length - side) / (side * (1 - SHARED)) - 1e-9);
  return Array.from({ length: steps + 1 }, (_, i) => side / 2 + ((length - side) * i) / steps);
}

// The faces in a square of the picture, without those at places of known ones.
async function search(networks, picture, square, turns, untilSure = false, known = []) {
  const candidates = await propose(networks.blazeface, picture, square, turns, untilSure);
  let faces = [];
  // Of several at one place, such as a face and the same seen on its head, it is the one that the
  // mesh is surest of.
  for (const candidate of candidates.sort((one, other) => other.score - one.score)) {
    const clear = faces.filter(({ score }) => score >= CLEAR_PRESENCE);
    if (isKnown([...known, ...clear], candidate)) continue;
    let mesh = await fit(networks.mesh, picture, candidate, false);
    if (mesh.presence >= LEAST_PRESENCE) mesh = await fit(networks.mesh, picture, placeOf(mesh), true);
    if (mesh.presence < LEAST_PRESENCE) continue;
    const found = faceOf(mesh, picture);
    if (isKnown(known, squareOf(found))) continue; // the mesh has moved onto the face beside it
    const twins = faces.filter((face) => isNear(face, squareOf(found)));
    if (twins.every((twin) => twin.score < found.score))
      faces = [...faces.filter((face) => !twins.includes(face)), found];
  }
  return faces;
}

// Candidates {centre, side, up, score}; `up` leads from chin to forehead and has length 1.
async function propose(network, picture, { centre, side }, turns, untilSure) {
  const scale = side / BLAZE_SIDE;
  const half = [BLAZE_SIDE / 2, BLAZE_SIDE / 2];
  let square = cut(picture, [scale, 0], subtract(centre, scaled(half, scale)), BLAZE_SIDE, true);
  const found = [];
  let back = [1, 0];
  for (let turn = 0; turn < turns; turn++) {
    const boxes = await boxesIn(network, square);
    for (const { middle, size, up, score } of boxes) {
      const place = add(centre, scaled(times(back, subtract(middle, half)), scale));
      found.push({ centre: place, side: scale * size, up: times(back, up), score });
    }
    if (untilSure && boxes.some(({ score }) => score > SURE)) break;
    square = turnedLeft(square, BLAZE_SIDE);
    back = times(back, QUARTER);
  }
  return found;
}

async function boxesIn(network, square) {
  const outputs = await network(asNumbers(square, 127.5, -1));
  const { classificators, regressors } = outputs;
  const rows = [];
  classificators.forEach((logit, i) => {
    const score = sigmoid(logit);
    if (score < LEAST_SCORE) return;
    const numbers = regressors.slice(16 * i, 16 * i + 16);
    const points = Array.from({ length: 8 }, (_, k) => {
      const point = [numbers[2 * k], numbers[2 * k + 1]];
      return k === 1 ? point : add(point, scaled(ANCHORS[i], BLAZE_SIDE)); // 1: width and height
    });
    if (numbers.every(Number.isFinite) && Math.min(...points[1]) > 0) rows.push({ points, score });
  });
  return merged(rows.sort((one, other) => other.score - one.score));
}

function merged(rows) {
  const boxes = [];
  for (let left = rows; left.length; ) {
    const [best] = left;
    const isSame = (row) => row === best || overlap(best.points, row.points) > OVERLAP;
    const same = left.filter(isSame);
    left = left.filter((row) => !isSame(row));
    const weight = same.reduce((sum, { score }) => sum + score, 0);
    const average = (k) =>
      same.map(({ points, score }) => scaled(points[k], score / weight)).reduce(add);
    const eyes = subtract(average(3), average(2));
    boxes.push({
      middle: average(0),
      size: Math.max(...average(1)),
      up: upOf(eyes),
      score: best.score,
    });
  }
  return boxes;
}

// A quarter turn to the left of the way from the left eye to the right one.
function upOf(eyes) {
  const distance = length(eyes);
  return distance > 0 ? times([0, -1], scaled(eyes, 1 / distance)) : [0, -1];
}

function overlap([one, size], [other, otherSize]) {
  const [side, otherSide] = [Math.max(...size), Math.max(...otherSize)];
  const shared = [0, 1].map((k) => {
    const upper = Math.min(one[k] + side / 2, other[k] + otherSide / 2);
    return Math.max(upper - Math.max(one[k] - side / 2, other[k] - otherSide / 2), 0);
  });
  const both = shared[0] * shared[1];
  return both / (side ** 2 + otherSide ** 2 - both);
}

function turnedLeft(square, side) {
  const turned = new Uint8Array(square.length);
  for (let row = 0; row < side; row++) {
    for (let k = 0; k < side; k++) {
      const from = 3 * (k * side + side - 1 - row);
      turned.set(square.subarray(from, from + 3), 3 * (row * side + k));
    }
  }
  return turned;
}

// The mesh of one face, as seen in the crop and, with `mirror`, in its mirror image; the five points
// are the mean of both, so that a face and its mirror image get the same points.
async function fit(network, picture, { centre, side, up }, mirror) {
  const scale = scaled(times(up, QUARTER), (MESH_CROP * side) / MESH_SIDE);
  const shift = subtract(centre, times(scale, [MESH_SIDE / 2, MESH_SIDE / 2]));
  const crop = cut(picture, scale, shift, MESH_SIDE, true);
  const first = await meshIn(network, crop);
  let { five, logit } = first;
  const views = [first.points];
  if (mirror) {
    const second = await meshIn(network, mirrored(crop, MESH_SIDE));
    const across = (point) => subtract([MESH_SIDE, 0], conjugate(point));
    five = five.map((point, k) => mean([point, across(second.five[MIRRORED[k]])]));
    views.push(second.points.map(across));
    logit = (logit + second.logit) / 2;
  }
  const inPicture = (point) => add(times(scale, point), shift);
  return {
    views: views.map((points) => points.map(inPicture)),
    five: five.map(inPicture),
    presence: sigmoid(logit),
  };
}

async function meshIn(network, crop) {
  const outputs = await network(asNumbers(crop, 255));
  const [[logit], numbers] = Object.values(outputs).sort((one, other) => one.length - other.length);
  const points = Array.from({ length: 468 }, (_, k) => [numbers[3 * k], numbers[3 * k + 1]]);
  return { points, five: FIVE_POINTS.map((of) => mean(of.map((k) => points[k]))), logit };
}

export function mirrored(square, side) {
  const turned = new Uint8Array(square.length);
  for (let from = 0; from < square.length; from += 3) {
    const k = (from / 3) % side;
    turned.set(square.subarray(from, from + 3), from + 3 * (side - 1 - 2 * k));
  }
  return turned;
}

// Where a mesh lies, turned as the face is.
function placeOf({ views, five }) {
  const [turn] = similarity(MEAN_SHAPE, five);
  const up = upOf(turn);
  const middles = views.map(mean);
  const squares = views.flatMap((points, i) => points.map((p) => length(subtract(p, middles[i])) ** 2));
  const spread = Math.sqrt(squares.reduce((sum, square) => sum + square) / squares.length);
  return { centre: add(mean(middles), scaled(up, BOX_ABOVE * spread)), side: BOX_SIDE * spread, up };
}

function bounds(points) {
  const low = [0, 1].map((k) => Math.min(...column(points, k)));
  return [low, [0, 1].map((k) => Math.max(...column(points, k)) - low[k])];
}

function faceOf({ views, five, presence }, { width, height }) {
  const [low, size] = [0, 1].map((k) => mean(views.map((points) => bounds(points)[k])));
  const inside = ([x, y]) => [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
  const corner = inside(low);
  const box = [...corner, ...subtract(inside(add(low, size)), corner)];
  return { box, landmarks: five, score: presence };
}

function squareOf({ box: [x, y, width, height] }) {
  return { centre: [x + width / 2, y + height / 2], side: Math.max(width, height) };
}

function isKnown(faces, place) {
  return faces.some((face) => isNear(face, place));
}

function isNear(face, { centre, side }) {
  const own = squareOf(face);
  return length(subtract(own.centre, centre)) < Math.max(own.side, side) / 2;
}
