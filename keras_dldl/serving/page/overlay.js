// What lies over the photo: a box for each face, and the attention map of one.

import { element } from "./svg.js";

const CELLS = 256; // side of the smoothed map
const STRONGEST = 150; // of 255: the face must stay visible

export function drawBoxes(svg, answer, onChoose) {
  svg.setAttribute("viewBox", `0 0 ${answer.width} ${answer.height}`);
  const size = Math.max(answer.width, answer.height) / 28;
  const groups = answer.faces.map((face, i) => {
    const [x, y, width, height] = face.box;
    const place = { x, y, width, height };
    const number = element(
      "text",
      { class: "box-number", x: x + size * 0.25, y: y + size, "font-size": size },
      String(i + 1),
    );
    const group = element(
      "g",
      {},
      element("rect", { ...place, fill: "transparent" }),
      element("rect", { ...place, class: "box-edge" }),
      element("rect", { ...place, class: "box" }),
      number,
    );
    group.addEventListener("click", () => onChoose(i));
    return group;
  });
  svg.replaceChildren(...groups);
}

export function markBox(svg, index) {
  svg.querySelectorAll("g").forEach((group, i) => group.classList.toggle("selected", i === index));
}

export function clearMap(svg) {
  for (const image of svg.querySelectorAll("image")) {
    URL.revokeObjectURL(image.getAttribute("href"));
    image.remove();
  }
}

// The map covers the square that was cut out for the model, turned as the face is.
export async function drawMap(svg, { attention, corners }) {
  const href = URL.createObjectURL(await picture(attention));
  const [origin, right, , below] = corners;
  const matrix = [
    right[0] - origin[0],
    right[1] - origin[1],
    below[0] - origin[0],
    below[1] - origin[1],
    ...origin,
  ];
  clearMap(svg);
  svg.prepend(
    element("image", {
      href,
      width: 1,
      height: 1,
      preserveAspectRatio: "none",
      transform: `matrix(${matrix.join(" ")})`,
    }),
  );
}

function picture(attention) {
  const small = new OffscreenCanvas(attention[0].length, attention.length);
  const context = small.getContext("2d");
  const pixels = context.createImageData(small.width, small.height);
  attention.flat().forEach((value, i) => pixels.data.set(colour(value), 4 * i));
  context.putImageData(pixels, 0, 0);
  const large = new OffscreenCanvas(CELLS, CELLS);
  const drawing = large.getContext("2d");
  drawing.imageSmoothingQuality = "high";
  drawing.drawImage(small, 0, 0, CELLS, CELLS);
  return large.convertToBlob();
}

// From dark blue to yellow; brightness rises all the way, so it can be read without colours.
function colour(value) {
  const stops = [
    [25, 20, 80],
    [190, 50, 100],
    [255, 230, 90],
  ];
  const place = Math.min(Math.max(value, 0), 1) * (stops.length - 1);
  const first = Math.min(Math.floor(place), stops.length - 2);
  const mixed = stops[first].map((c, i) => c + (place - first) * (stops[first + 1][i] - c));
  return [...mixed.map(Math.round), STRONGEST];
}
