// The page: from a photo to faces, and from a face to its distribution and attention map.

import { attentionMap, findFaces, listModels } from "./api.js";
import { takePicture } from "./camera.js";
import { drawChart } from "./chart.js";
import { clearMap, drawBoxes, drawMap, markBox } from "./overlay.js";

const at = (id) => document.getElementById(id);
const state = { photo: null, address: null, answer: null, chosen: -1, asking: null };

function say(text) {
  at("status").textContent = text;
}

function complain(error) {
  at("error").textContent = error ? error.message : "";
  if (error) say("");
}

async function look(photo) {
  state.asking?.abort();
  const asking = new AbortController();
  state.asking = asking;
  complain(null);
  at("result").hidden = true;
  if (!photo.type.startsWith("image/")) {
    complain(new Error("That is not a picture. Choose a JPEG, PNG or WebP file."));
    return;
  }
  say("Looking for faces …");
  try {
    const answer = await findFaces(photo, at("model").value, asking.signal);
    if (asking.signal.aborted) return;
    Object.assign(state, { photo, answer });
    await show();
  } catch (error) {
    if (error.name !== "AbortError") complain(error);
  }
}

async function show() {
  const { photo, answer } = state;
  if (state.address) URL.revokeObjectURL(state.address);
  state.address = URL.createObjectURL(photo);
  const image = at("photo");
  image.src = state.address;
  const count = answer.faces.length;
  const found = count === 0 ? "No face was found" : count === 1 ? "One face" : `${count} faces`;
  image.alt = `Your photo. ${found}.`;
  await image.decode().catch(() => {}); // some formats only the server can read
  at("caption").textContent =
    count === 0
      ? "No face was found. Faces under about 20 pixels, or under 1/64 of the longer side, are not seen."
      : `${found}, numbered from left to right. The boxes are what the detector found.`;
  drawBoxes(at("overlay"), answer, choose);
  listFaces();
  at("result").hidden = false;
  at("face").hidden = count === 0;
  state.chosen = -1;
  if (count) choose(largest(answer.faces));
  say(count ? `${found}. ${answer.faces.map(inWords).join(" ")}` : `${found}.`);
  at("result-title").focus({ preventScroll: true });
  at("result").scrollIntoView({ block: "nearest" });
}

function listFaces() {
  const buttons = state.answer.faces.map((face, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `${i + 1}: ${number(face.value)}`;
    button.setAttribute("aria-label", inWords(face, i));
    button.addEventListener("click", () => choose(i));
    return button;
  });
  at("faces").replaceChildren(...buttons);
}

function choose(index) {
  const { answer } = state;
  const face = answer.faces[index];
  const wanted = at("attention").getAttribute("aria-pressed") === "true";
  const changed = index !== state.chosen;
  state.chosen = index;
  markBox(at("overlay"), index);
  [...at("faces").children].forEach((button, i) =>
    button.setAttribute("aria-pressed", String(i === index)),
  );
  at("value").textContent = number(face.value);
  at("unit").textContent = answer.unit;
  at("interval").textContent = between(face);
  at("warnings").textContent = doubts(face);
  at("warnings").hidden = face.warnings.length === 0;
  drawChart(at("chart"), face, answer, `Distribution of face ${index + 1}. ${inWords(face, index)}`);
  fillTable(face);
  if (changed) showMap(wanted);
}

function fillTable(face) {
  const { labels, unit } = state.answer;
  at("table-unit").textContent = unit;
  const rows = labels.map((label, i) => {
    const row = document.createElement("tr");
    for (const text of [String(label), `${(100 * face.distribution[i]).toFixed(1)} %`]) {
      const cell = document.createElement("td");
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  });
  at("table").replaceChildren(...rows);
}

async function showMap(wanted) {
  const { photo, answer, chosen } = state;
  clearMap(at("overlay"));
  at("attention").setAttribute("aria-pressed", String(wanted));
  at("attention-note").hidden = !wanted;
  if (!wanted) return;
  try {
    const map = await attentionMap(photo, answer.model, answer.faces[chosen].landmarks);
    const current = answer === state.answer && chosen === state.chosen;
    const still = at("attention").getAttribute("aria-pressed") === "true";
    if (!current || !still) return;
    await drawMap(at("overlay"), map);
    say(`The attention map of face ${chosen + 1} is drawn over the photo.`);
  } catch (error) {
    complain(error);
    showMap(false);
  }
}

function number(value) {
  const { labels } = state.answer;
  return value.toFixed(labels[1] - labels[0] >= 1 ? 1 : 2);
}

function between(face) {
  const share = Math.round(100 * state.answer.level);
  const [low, high] = face.interval.map(number);
  return face.calibrated
    ? `Of such faces ${share} % are between ${low} and ${high}.`
    : `${share} % of the distribution lies between ${low} and ${high}.`;
}

function doubts(face) {
  return face.warnings.map(({ text }) => `Take care: ${text}.`).join(" ");
}

function inWords(face, index) {
  return `Face ${index + 1}: ${number(face.value)} ${state.answer.unit}; ${between(face)} ${doubts(face)}`.trim();
}

function largest(faces) {
  const areas = faces.map(({ box }) => box[2] * box[3]);
  return areas.indexOf(Math.max(...areas));
}

async function start() {
  try {
    const models = await listModels();
    at("model").replaceChildren(
      ...models.map(({ name, task }) => new Option(name === task ? name : `${name} (${task})`, name)),
    );
    at("model-row").hidden = models.length < 2;
    const tell = () => {
      at("task").textContent = models.find(({ name }) => name === at("model").value).task;
    };
    at("model").addEventListener("change", tell);
    tell();
  } catch (error) {
    complain(error);
  }
}

function listen() {
  const drop = at("drop");
  at("choose").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", () => {
    const [photo] = at("file").files;
    at("file").value = ""; // so that the same file can be chosen again
    if (photo) look(photo);
  });
  at("model").addEventListener("change", () => state.photo && look(state.photo));
  at("camera").addEventListener("click", async () => {
    try {
      const photo = await takePicture();
      if (photo) look(photo);
    } catch (error) {
      complain(error);
    }
  });
  at("attention").addEventListener("click", () =>
    showMap(at("attention").getAttribute("aria-pressed") !== "true"),
  );
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
}

function take(transfer) {
  const [photo] = transfer.files;
  if (photo) look(photo);
}

listen();
start();
