// The distribution of one face: bars over the labels, the interval behind, the value as a line.

import { format } from "./overlay.js";
import { element } from "./svg.js";

const HEIGHT = 200;
const MARGIN = { left: 14, right: 14, top: 24, bottom: 40 };

export function drawChart(svg, face, answer, describe) {
  const { labels } = answer;
  const width = Math.max(svg.clientWidth, 240); // a pixel of the chart is one of the screen
  const step = labels[1] - labels[0];
  const low = labels[0] - step / 2;
  const high = labels.at(-1) + step / 2;
  const inner = width - MARGIN.left - MARGIN.right;
  const floor = HEIGHT - MARGIN.bottom;
  const x = (label) => MARGIN.left + ((label - low) / (high - low)) * inner;
  const top = Math.max(...face.distribution);
  const y = (p) => floor - (p / top) * (floor - MARGIN.top);
  const [from, to] = face.interval;
  const told = `${format(answer, face.value)} (${format(answer, from)}-${format(answer, to)})`;
  const text = element("text", { class: "told", x: x(face.value), y: MARGIN.top - 8 }, told);

  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute("aria-label", describe);
  svg.replaceChildren(
    element("rect", {
      class: "band",
      x: x(from),
      y: MARGIN.top,
      width: Math.max(x(to) - x(from), 1),
      height: floor - MARGIN.top,
    }),
    element("path", { class: "bars", d: outline(labels, face.distribution, step, x, y, floor) }),
    element("line", { class: "mark", x1: x(face.value), x2: x(face.value), y1: MARGIN.top, y2: floor }),
    text,
    element("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: floor, y2: floor }),
    ...ticks(labels[0], labels.at(-1)).flatMap((label) => [
      element("line", { class: "axis", x1: x(label), x2: x(label), y1: floor, y2: floor + 4 }),
      element("text", { class: "tick", x: x(label), y: floor + 18 }, String(label)),
    ]),
    element(
      "text",
      { class: "tick", x: width / 2, y: HEIGHT - 5 },
      `${answer.task} (${answer.unit}); shaded: ${Math.round(100 * answer.level)} % interval`,
    ),
  );
  const half = text.getComputedTextLength() / 2;
  text.setAttribute("x", Math.min(Math.max(x(face.value), half), width - half));
}

function outline(labels, distribution, step, x, y, floor) {
  const bars = labels.map((label, i) => {
    const [left, right] = [x(label - step * 0.45), x(label + step * 0.45)];
    return `M${left} ${floor}V${y(distribution[i])}H${right}V${floor}Z`;
  });
  return bars.join("");
}

function ticks(start, stop) {
  const rough = (stop - start) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= rough);
  const found = [];
  for (let k = Math.ceil(start / step); k * step <= stop + 1e-9; k++) {
    found.push(Number((k * step).toPrecision(6)));
  }
  return found;
}
