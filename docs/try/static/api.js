// What the page asks for, answered on the visitor's own device; the local server's page has a
// module of the same name that asks the server.

import { detect } from "./detector.js";
import { estimate, LEVEL } from "./estimate.js";
import { openNetwork } from "./networks.js";
import { readPicture } from "./pixels.js";

export const LIVE_PAUSE = 0; // milliseconds between frames of the camera
export const NO_FACE =
  "No face was found. Here only faces are seen that are larger than about 1/8 of the photo; the package in Python finds smaller ones.";
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
    throw new Error(`The networks cannot be loaded: ${error.message || "a file is missing"}.`);
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
  const picture = await readPicture(photo);
  const faces = [];
  for (const { box, landmarks, score } of await detect(networks, picture, live)) {
    signal?.throwIfAborted();
    const place = { box, landmarks, score };
    const found = await estimate(ages[which], card, picture, landmarks);
    faces.push({ number: faces.length + 1, ...found, ...place, level: LEVEL, calibrated: true, warnings: [] });
  }
  const inPhoto = (numbers) => numbers.map((number) => number * picture.reduction);
  for (const face of faces) {
    face.box = inPhoto(face.box);
    face.landmarks = face.landmarks.map(inPhoto);
  }
  const [width, height] = inPhoto([picture.width, picture.height]).map(Math.round);
  const { task, unit, labels } = card;
  return { model: about.name, task, unit, level: LEVEL, width, height, left_out: 0, labels, faces };
}

// Keeps the page's files on the device, so that it opens without a network. Browsers allow it on
// pages of this machine (localhost) or by HTTPS.
navigator.serviceWorker?.register("offline.js").catch(() => {});
