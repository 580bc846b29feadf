// The page: from photos to faces, and from a face to its distribution and attention map.

import { attentionMap, findFaces, listModels, NO_FACE } from "./api.js";
import { takePicture } from "./camera.js";
import { cardElements } from "./card.js";
import { drawChart } from "./chart.js";
import { clearMap, drawBoxes, drawMap, fadeMap, format, markBox } from "./overlay.js";
import * as share from "./share.js";

const LARGEST_ZOOM = 6; // of small photos
const LEAST_HEIGHT = 220; // of the photo, on the lowest of screens
const STRIP = 48; // photos that would be narrower, such as panoramas, are shown in a window instead,
const WINDOW = 140; // their narrow side so wide

const UNSHOWN = "This browser cannot show this photo: only the boxes are drawn.";

const at = (id) => document.getElementById(id);
// A photo is {file, address, answer, error}; `shown` and `chosen` are places in the lists.
const state = { models: [], photos: [], shown: -1, chosen: -1, asking: null };
const current = () => state.photos[state.shown];

function say(text) {
  at("status").textContent = text;
}

function complain(error) {
  at("error").textContent = error ? error.message : "";
  if (error) say("");
}

function busy(text, done) {
  at("busy").hidden = !text;
  at("busy-text").textContent = text ?? "";
  if (done === undefined) at("progress").removeAttribute("value");
  else at("progress").value = done;
}

// Finds the faces of photos, of the one at `wanted` first, which is shown.
async function look(files, wanted = 0) {
  state.asking?.abort();
  const asking = new AbortController();
  const { signal } = asking;
  for (const { address } of state.photos) URL.revokeObjectURL(address);
  const photos = files.map((file) => ({ file, address: URL.createObjectURL(file) }));
  Object.assign(state, { asking, photos, shown: -1 });
  complain(null);
  at("result").hidden = true;
  const order = [...photos.keys()];
  order.unshift(...order.splice(wanted, 1));
  for (const [done, i] of order.entries()) {
    const photo = photos[i];
    const which = photos.length > 1 ? `Photo ${done + 1} of ${photos.length}` : "The photo";
    listPhotos();
    say(`${which}: looking for faces.`);
    busy(`${which}: sending …`, 0);
    const start = performance.now();
    try {
      photo.answer = await answerOf(photo.file, signal, (sent) =>
        sent < 1 ? busy(`${which}: sending …`, sent) : busy(`${which}: looking for faces …`),
      );
      photo.milliseconds = Math.round(performance.now() - start);
    } catch (error) {
      if (error.name === "AbortError") return;
      photo.error = new Error(withName(error.message, photo.file));
    }
    if (signal.aborted) return;
    listPhotos();
    if (state.shown < 0 && (photo.answer || done === photos.length - 1)) await show(i);
  }
  busy(null);
}

// Says which photo an error is about, in the words of the server or of this page.
function withName(message, file) {
  const text = message.replace(/^the picture: /, `${nameOf(file)}: `);
  return text.includes(nameOf(file)) || state.photos.length < 2 ? text : `${nameOf(file)}: ${text}`;
}

function nameOf(file) {
  return file.name || "the photo";
}

async function answerOf(file, signal, onSent) {
  // Browsers go by the name's ending: without a known one there is no type.
  if (file.type && !file.type.startsWith("image/")) {
    throw new Error(`That is not a picture. Choose JPEG, PNG or WebP files. Received: ${nameOf(file)}`);
  }
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error(
      `This cannot be read: a folder, or a file that is gone or has changed. Choose picture files. Received: ${nameOf(file)}`,
    );
  }
  signal.throwIfAborted();
  return findFaces(file, at("model").value, signal, onSent);
}

function listPhotos() {
  const { photos, shown } = state;
  at("gallery").hidden = photos.length < 2;
  const buttons = photos.map(({ file, address, answer, error }, i) => {
    const button = document.createElement("button");
    const image = document.createElement("img");
    const count = document.createElement("span");
    button.type = "button";
    button.setAttribute("aria-pressed", String(i === shown));
    image.src = address;
    image.alt = "";
    image.addEventListener("error", () => image.replaceWith(file.name)); // not a picture of the browser's
    button.title = file.name;
    count.textContent = error ? "!" : answer ? answer.faces.length : "…";
    const told = error ? "failed" : answer ? found(answer) : "waiting";
    button.setAttribute("aria-label", `${file.name || "photo"}: ${told}`);
    button.disabled = !answer && !error;
    button.append(image, count);
    button.addEventListener("click", () => show(i));
    return button;
  });
  at("gallery").replaceChildren(...buttons);
}

function found({ faces, left_out: more }) {
  const rest = more ? `, the largest; ${more} more ${more === 1 ? "is" : "are"} left out` : "";
  return faces.length === 0 ? "No face was found" : faces.length === 1 ? "One face" : `${faces.length} faces${rest}`;
}

async function show(index) {
  const photo = state.photos[index];
  const { answer, error, address, milliseconds } = photo;
  const first = !document.body.classList.contains("looked");
  Object.assign(state, { shown: index, chosen: -1 });
  if (state.photos.length > 1) listPhotos();
  complain(error);
  at("result").hidden = Boolean(error);
  if (error) return;
  document.body.classList.add("looked");
  at("choose").textContent = "Another photo";
  at("camera").textContent = "Camera";
  if (first) at("notice").open = false;
  const image = at("photo");
  image.src = address;
  image.alt = `Your photo. ${found(answer)}.`;
  await image.decode().catch(() => {}); // some formats only the server can read
  if (photo !== current()) return; // another one was asked for meanwhile
  photo.unseen = !isShown(image, answer);
  image.classList.toggle("unshown", photo.unseen);
  at("caption").textContent = answer.faces.length
    ? `${found(answer)}${answer.faces.length > 1 ? ", numbered from left to right" : ""}, in ${milliseconds} ms.`
    : NO_FACE;
  if (photo.unseen) at("caption").textContent += ` ${UNSHOWN}`;
  clearMap(at("overlay"));
  listFaces(answer);
  at("face").hidden = !answer.faces.length;
  draw();
  if (answer.faces.length) choose(largest(answer.faces));
  say(`${found(answer)}. ${answer.faces.map((face) => inWords(answer, face)).join(" ")}`.trim());
  at("result-title").focus({ preventScroll: true });
  if (first) window.scrollTo(0, 0);
}

// Whether the browser shows the photo as the server sees it: some formats it cannot show, and of some
// it does not heed in which direction the camera was held.
function isShown({ naturalWidth, naturalHeight }, { width, height }) {
  return Math.abs(naturalWidth * height - naturalHeight * width) < 0.02 * naturalWidth * height;
}

// What depends on the width of the window.
function draw() {
  if (!current()?.answer || at("result").hidden) return;
  const { answer } = current();
  const room = at("figure").clientWidth;
  const wide = window.matchMedia("(min-width: 52rem)").matches;
  const high = Math.max(window.innerHeight * (wide ? 0.75 : 0.4), LEAST_HEIGHT);
  const narrow = Math.min(answer.width, answer.height);
  const whole = Math.min(room / answer.width, high / answer.height, LARGEST_ZOOM);
  const strip = narrow * whole < STRIP;
  const scale = strip ? Math.min(WINDOW / narrow, LARGEST_ZOOM) : whole;
  at("window").style.maxHeight = strip ? `${high}px` : "";
  at("window").classList.toggle("strip", strip);
  at("photo").width = Math.round(answer.width * scale);
  at("photo").height = Math.round(answer.height * scale);
  drawBoxes(at("overlay"), answer, answer.width * scale, choose);
  if (state.chosen < 0) return;
  markBox(at("overlay"), state.chosen);
  const face = answer.faces[state.chosen];
  drawChart(at("chart"), face, answer, `Distribution of face ${face.number}. ${inWords(answer, face)}`);
}

// Brings a face into the window on a panorama.
function showFace({ box: [x, y, width, height] }) {
  const frame = at("window");
  const scale = at("photo").width / current().answer.width;
  frame.scrollLeft = (x + width / 2) * scale - frame.clientWidth / 2;
  frame.scrollTop = (y + height / 2) * scale - frame.clientHeight / 2;
}

function listFaces(answer) {
  at("faces").hidden = answer.faces.length < 2;
  const buttons = answer.faces.map((face, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${face.number}: ${format(answer, face.value)}`;
    button.setAttribute("aria-label", inWords(answer, face));
    button.addEventListener("click", () => choose(i));
    return button;
  });
  at("faces").replaceChildren(...buttons);
}

function choose(index) {
  const { answer } = current();
  const face = answer.faces[index];
  const wanted = at("attention")?.getAttribute("aria-pressed") === "true";
  const changed = index !== state.chosen;
  state.chosen = index;
  [...at("faces").children].forEach((button, i) =>
    button.setAttribute("aria-pressed", String(i === index)),
  );
  const chip = at("faces").children[index];
  const list = at("faces");
  list.scrollLeft = chip.offsetLeft - list.offsetLeft - list.clientWidth / 2;
  list.scrollTop = chip.offsetTop - list.offsetTop - list.clientHeight / 2;
  at("value").textContent = format(answer, face.value);
  at("unit").textContent = answer.unit;
  at("interval").textContent = between(answer, face);
  at("warnings").textContent = doubts(face);
  at("warnings").hidden = face.warnings.length === 0;
  draw();
  showFace(face);
  fillTable(at("table"), answer.labels.map((label, i) => [label, `${(100 * face.distribution[i]).toFixed(1)} %`]));
  at("table-unit").textContent = answer.unit;
  if (changed && attentionMap) showMap(wanted);
}

function fillTable(body, rows) {
  const made = rows.map((texts) => {
    const row = document.createElement("tr");
    for (const [i, text] of texts.entries()) {
      const cell = document.createElement(i ? "td" : "th");
      if (!i) cell.scope = "row";
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  });
  body.replaceChildren(...made);
}

async function showMap(wanted) {
  const { chosen } = state;
  const { file, answer } = current();
  clearMap(at("overlay"));
  at("attention").setAttribute("aria-pressed", String(wanted));
  at("attention-wait").hidden = at("strength-row").hidden = !wanted;
  at("attention-note").hidden = true;
  if (!wanted) return;
  say(at("attention-wait").textContent.trim());
  try {
    const map = await attentionMap(file, answer.model, answer.faces[chosen].landmarks);
    const still = at("attention").getAttribute("aria-pressed") === "true";
    if (answer !== current()?.answer || chosen !== state.chosen || !still) return;
    await drawMap(at("overlay"), map, at("strength").value / 100);
    at("attention-wait").hidden = true;
    at("attention-note").hidden = false;
    say(`The attention map of face ${answer.faces[chosen].number} is drawn over the photo.`);
  } catch (error) {
    if (answer !== current()?.answer || chosen !== state.chosen) return;
    complain(error);
    showMap(false);
  }
}

function between(answer, face) {
  const share = Math.round(100 * answer.level);
  const [low, high] = face.interval.map((end) => format(answer, end));
  return face.calibrated
    ? `${share} % interval: ${low} to ${high}.`
    : `${share} % of the distribution lies between ${low} and ${high}.`;
}

function doubts(face) {
  return face.warnings.map(({ text }) => `Take care: ${text}.`).join(" ");
}

function inWords(answer, face) {
  const value = `${format(answer, face.value)} ${answer.unit}`;
  return `Face ${face.number}: ${value}; ${between(answer, face)} ${doubts(face)}`.trim();
}

function largest(faces) {
  const areas = faces.map(({ box }) => box[2] * box[3]);
  return areas.indexOf(Math.max(...areas));
}

function aboutModel() {
  const model = state.models.find(({ name }) => name === at("model").value);
  const { about, task, unit } = model;
  at("task").textContent = task;
  at("model-name").textContent = about?.name ?? model.name;
  const number = (error) => `${error.toFixed(unit === "years" ? 1 : 2)} ${unit}`;
  at("model-error").textContent = about?.mae
    ? `Its estimates are ${number(about.mae)} off on average, over ${about.faces.toLocaleString("en")} faces.`
    : "No evaluation of this model was found in its folder.";
  at("groups-box").hidden = !about?.groups?.length;
  fillTable(at("groups"), (about?.groups ?? []).map(({ name, faces, mae }) => [name, faces, number(mae)]));
  at("card-box").hidden = !about?.card;
  at("card").replaceChildren(...cardElements(about?.card ?? ""));
}

async function start() {
  try {
    busy("Loading the model …");
    state.models = await listModels();
    if (!state.photos.length) busy(null);
    at("model").replaceChildren(
      ...state.models.map(({ name, task }) => new Option(name === task ? name : `${name} (${task})`, name)),
    );
    at("model-row").hidden = state.models.length < 2;
    at("model").addEventListener("change", aboutModel);
    aboutModel();
  } catch (error) {
    complain(error);
  }
}

function listen() {
  const drop = at("drop");
  at("choose").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => {
    const files = [...at("file").files];
    at("file").value = ""; // so that the same file can be chosen again
    if (files.length) look(files);
  });
  at("example").addEventListener("click", async () => {
    try {
      const response = await fetch("static/example.jpg");
      look([new File([await response.blob()], "example.jpg", { type: "image/jpeg" })]);
    } catch {
      complain(new Error("The example photo cannot be loaded. Load the page again, or choose a photo."));
    }
  });
  at("model").addEventListener("change", () => {
    if (state.photos.length) look(state.photos.map(({ file }) => file), Math.max(state.shown, 0));
  });
  at("camera").addEventListener("click", async () => {
    try {
      const photo = await takePicture(at("model").value);
      if (photo) look([photo]);
    } catch (error) {
      complain(error);
    }
  });
  at("attention")?.addEventListener("click", () =>
    showMap(at("attention").getAttribute("aria-pressed") !== "true"),
  );
  at("strength")?.addEventListener("input", () =>
    fadeMap(at("overlay"), at("strength").value / 100),
  );
  new ResizeObserver(draw).observe(document.body);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer);
  });
  document.addEventListener("paste", (event) => take(event.clipboardData));
  share.listen(current, say, complain);
}

function take(transfer) {
  const files = [...transfer.files];
  if (files.length) look(files);
  else complain(new Error(`There is no picture file in that. Drop or paste JPEG, PNG or WebP files. Received: ${[...transfer.types].join(", ") || "nothing"}`));
}

listen();
start();
