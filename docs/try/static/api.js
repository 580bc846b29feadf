// What the page asks for, answered on the visitor's own device; the local server's page has a
// module of the same name that asks the server.

import { scaled } from "./complex.js";
import { detect } from "./detector.js";
import { estimate, LEVEL, spanOf } from "./estimate.js";
import { openNetwork } from "./networks.js";
import { openPhoto } from "./pixels.js";

export const LIVE_PAUSE = 0; // milliseconds between frames of the camera
export const NO_FACE =
  "No face was found. Faces in profile, under about 20 pixels, or under 1/64 of the longer side, are not seen.";
export const attentionMap = null; // the model's file does not give it

const ready = load();

async function load() {
  const response = await fetch("networks/models.json");
  const models = await response.json();
  const [blazeface, mesh, ...ages] = await Promise.all(
    ["networks/blazeface.tflite", "networks/mesh.tflite", ...models.map(({ file }) => file)].map(openNetwork),
  );
  return { models, networks: { blazeface, mesh }, ages };
}

async function loaded() {
  try {
    return await ready;
  } catch (error) {
    throw new Error(
      `The networks cannot be loaded. Load the page again. Received: ${error.message || "no file"}`,
    );
  }
}

export async function listModels() {
  return (await loaded()).models.map(({ card, about }) => ({
    name: about.name, task: card.task, unit: card.unit, about,
  }));
}

// `live`: of a moving picture, where the next frame comes soon.
export async function findFaces(photo, name, signal, onSent = () => {}, live = false) {
  const { models, networks, ages } = await loaded();
  onSent(1);
  const which = Math.max(models.findIndex(({ about }) => about.name === name), 0);
  const { card, about } = models[which];
  const picture = await openPhoto(photo);
  const { width, height, pixels, reduction } = picture;
  const faces = [];
  for (const { box, landmarks, score } of await detect(networks, pixels, live, pacer(signal))) {
    signal?.throwIfAborted();
    // Where a crop needs more pixels than the reduced photo has, it is cut from the whole one.
    const needsMore = reduction > 1 && spanOf(card, landmarks) < 1;
    const factor = needsMore ? reduction : 1;
    const source = needsMore ? picture.whole() : pixels;
    const points = landmarks.map((point) => scaled(point, factor));
    const found = await estimate(ages[which], card, source, points);
    faces.push({
      number: faces.length + 1,
      ...found,
      level: LEVEL,
      box: scaled(box, reduction),
      landmarks: landmarks.map((point) => scaled(point, reduction)),
      score,
      calibrated: true,
      warnings: [],
    });
  }
  picture.close();
  const { task, unit, labels } = card;
  return { model: about.name, task, unit, level: LEVEL, width, height, left_out: 0, labels, faces };
}

// Lets the browser draw and take clicks between the steps of a long search.
function pacer(signal) {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > 50) {
      await new Promise((resolve) => setTimeout(resolve));
      last = performance.now();
    }
    signal?.throwIfAborted();
  };
}

// Keeps the page's files on the device, so that it opens without a network. Browsers allow it on
// pages of this machine (localhost) or by HTTPS.
navigator.serviceWorker?.register("offline.js").catch(() => {});
