// What lies over the photo: a box and a label for each face, and the attention map of one.

import { element } from "./svg.js";

// As in keras_dldl/predict/drawing.py: a face has the same number and colour on every picture.
const COLOURS = [
  "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd",
  "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
];
const CELLS = 256; // side of the smoothed map
const LABEL_PIXELS = 13;
const LEAST_LETTERS = 11; // of a saved picture
const FONT = "600 100px system-ui, sans-serif"; // measured large, as small letters are rounded
const MOST_COVERED = 0.03; // of another face, before shorter labels are tried

const ruler = document.createElement("canvas").getContext("2d");

export function format(answer, value) {
  return value.toFixed(answer.labels[1] - answer.labels[0] >= 1 ? 1 : 2);
}

// The fullest labels for which there is room, with their places and letters; all in pixels of the
// photo. `sizes` of letters are tried from the first on.
function arrange(answer, sizes) {
  const { faces, width, height } = answer;
  const numbers = faces.map((face) => (faces.length > 1 ? `${face.number}: ` : ""));
  const values = faces.map((face) => format(answer, face.value));
  const intervals = faces.map(({ interval }) =>
    interval.map((end) => format(answer, end)).join("-"),
  );
  const forms = [
    faces.map((_, i) => `${numbers[i]}${values[i]} (${intervals[i]})`),
    faces.map((_, i) => numbers[i] + values[i]),
    faces.length > 1 ? faces.map((face) => String(face.number)) : values,
  ];
  const boxes = faces.map(({ box: [x, y, w, h] }) => ({
    left: Math.max(x, 0),
    top: Math.max(y, 0),
    right: Math.min(x + w, width),
    bottom: Math.min(y + h, height),
  }));
  ruler.font = FONT;
  let placed;
  for (const texts of forms) {
    for (const letters of sizes) {
      const extents = texts.map((text) => ({
        width: letters * (ruler.measureText(text).width / 100 + 0.6),
        height: letters * 1.5,
      }));
      placed = place(boxes, extents, width, height);
      placed.labels.forEach((label, i) => Object.assign(label, { text: texts[i], letters }));
      if (placed.good) return placed.labels;
    }
  }
  return placed.labels;
}

// Each label takes the best place in turn; and again, as the first could not know of the last.
function place(boxes, sizes, width, height) {
  const labels = boxes.map(() => ({ left: 0, top: 0, right: 0, bottom: 0 }));
  let good = true;
  for (let round = 0; round < 3; round++) {
    good = sizes.every((size) => size.width <= width && size.height <= height);
    boxes.forEach((box, i) => {
      let best = null;
      for (const option of options(box, sizes[i], width, height)) {
        let [onLabels, onFaces, worst] = [0, 0, 0];
        boxes.forEach((other, j) => {
          if (j === i) return;
          const share = overlap(option, other) / Math.max(area(other), 1);
          onLabels += overlap(option, labels[j]);
          onFaces += share;
          worst = Math.max(worst, share);
        });
        const own = overlap(option, box) / Math.max(area(box), 1);
        const cost = 1e6 * onLabels + 1e3 * onFaces + own + option.away;
        if (!best || cost < best.cost) best = { ...option, cost, onLabels, worst };
      }
      labels[i] = best;
      good &&= best.onLabels === 0 && best.worst <= MOST_COVERED && best.away === 0;
    });
    if (good) break;
  }
  return { labels, good };
}

// Above its box, below, inside, beside; and where people stand close, a row or two further away.
function options(box, size, width, height) {
  const rows = [box.top - size.height, box.bottom, box.top, box.bottom - size.height];
  const columns = [box.left, (box.left + box.right - size.width) / 2, box.right - size.width];
  const corners = rows.flatMap((y) => columns.map((x) => [x, y, 0]));
  for (const x of [box.right, box.left - size.width]) {
    corners.push([x, box.top, 0], [x, box.bottom - size.height, 0]);
  }
  for (const away of [1, 2]) {
    const far = [box.top - (away + 1) * size.height, box.bottom + away * size.height];
    corners.push(...far.flatMap((y) => columns.map((x) => [x, y, 2 * away])));
  }
  return corners.map(([x, y, away]) => {
    const left = Math.max(0, Math.min(x, width - size.width));
    const top = Math.max(0, Math.min(y, height - size.height));
    return { left, top, right: left + size.width, bottom: top + size.height, away };
  });
}

function area(one) {
  return (one.right - one.left) * (one.bottom - one.top);
}

function overlap(one, other) {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return Math.max(width, 0) * Math.max(height, 0);
}

function colourOf(face) {
  return COLOURS[(face.number - 1) % COLOURS.length];
}

// Black or white, whichever has more contrast to a colour (WCAG 2.2).
function ink(colour) {
  const [red, green, blue] = [1, 3, 5]
    .map((i) => parseInt(colour.slice(i, i + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

// `shown` is the width of the photo on the screen: labels are as large on every photo.
export function drawBoxes(svg, answer, shown, onChoose) {
  svg.setAttribute("viewBox", `0 0 ${answer.width} ${answer.height}`);
  const letters = (LABEL_PIXELS * answer.width) / shown;
  const labels = arrange(answer, [letters]);
  const groups = answer.faces.map((face, i) => {
    const [x, y, width, height] = face.box;
    const place = { x, y, width, height };
    const { left, top, right, bottom, text } = labels[i];
    const colour = colourOf(face);
    const group = element(
      "g",
      {},
      element("rect", { ...place, fill: "transparent" }),
      element("rect", { ...place, class: "box-edge" }),
      element("rect", { ...place, class: "box", stroke: colour }),
      element("rect", {
        class: "label", x: left, y: top, width: right - left, height: bottom - top, fill: colour,
      }),
      element(
        "text",
        {
          class: "label-text", x: (left + right) / 2, y: top + letters * 1.1,
          "font-size": letters, fill: ink(colour),
        },
        text,
      ),
    );
    if (onChoose) group.addEventListener("click", () => onChoose(i));
    return group;
  });
  // Labels lie over all boxes, so none is crossed by another's line.
  for (const old of svg.querySelectorAll("g")) old.remove();
  svg.append(...groups);
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
export async function drawMap(svg, { attention, corners }, strength) {
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
      opacity: strength,
      preserveAspectRatio: "none",
      transform: `matrix(${matrix.join(" ")})`,
    }),
  );
}

export function fadeMap(svg, strength) {
  svg.querySelector("image")?.setAttribute("opacity", strength);
}

// The photo with its boxes and labels, as large as the photo is.
export async function annotated(image, answer) {
  const { width, height } = answer;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  // As in keras_dldl/predict/drawing.py: seen on the picture as a whole, also on a panorama.
  const [low, high] = [Math.min(width, height), Math.max(width, height)];
  const usual = Math.max(low / 30, Math.min(high / 150, low / 7));
  const sizes = [1, 0.8, 0.65, 0.5].map((share) => Math.max(usual * share, LEAST_LETTERS, low / 50));
  for (const face of answer.faces) {
    const [, , ...sides] = face.box;
    const line = Math.max(1, Math.round(Math.min(Math.max(low / 250, high / 1000), Math.min(...sides) / 12)));
    for (const [stroke, thick] of [["#ffffff", 3 * line], [colourOf(face), line]]) {
      context.strokeStyle = stroke;
      context.lineWidth = thick;
      context.strokeRect(...face.box);
    }
  }
  arrange(answer, sizes).forEach(({ left, top, right, bottom, text, letters }, i) => {
    context.font = FONT.replace("100px", `${letters}px`);
    context.fillStyle = colourOf(answer.faces[i]);
    context.fillRect(left, top, right - left, bottom - top);
    context.fillStyle = ink(context.fillStyle);
    context.textAlign = "center";
    context.fillText(text, (left + right) / 2, top + letters * 1.1);
  });
  return canvas.convertToBlob({ type: "image/png" });
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
  return [...mixed.map(Math.round), 255];
}
