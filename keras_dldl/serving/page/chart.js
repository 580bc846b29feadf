// The distribution of one face: bars over the labels, the interval behind, the value as a line.

import { element } from "./svg.js";

const WIDTH = 440;
const HEIGHT = 190;
const MARGIN = { left: 12, right: 12, top: 8, bottom: 26 };

export function drawChart(svg, face, answer, describe) {
  const { labels } = answer;
  const step = labels[1] - labels[0];
  const low = labels[0] - step / 2;
  const high = labels.at(-1) + step / 2;
  const inner = WIDTH - MARGIN.left - MARGIN.right;
  const floor = HEIGHT - MARGIN.bottom;
  const x = (label) => MARGIN.left + ((label - low) / (high - low)) * inner;
  const top = Math.max(...face.distribution);
  const y = (p) => floor - (p / top) * (floor - MARGIN.top);
  const [from, to] = face.interval;

  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
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
    element("line", { class: "axis", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: floor, y2: floor }),
    ...ticks(labels[0], labels.at(-1)).map((label) =>
      element("text", { class: "tick", x: x(label), y: HEIGHT - 8 }, String(label)),
    ),
  );
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
