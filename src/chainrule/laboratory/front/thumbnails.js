// Thumbnails of the data: a few dots each, so that a choice is seen before it is made.

import { classColour } from "./colours.js";
import { makeSVG } from "./parts.js";

const TURN = 2 * Math.PI;
const NUMBERS = ["plane", "gaussians", "sine", "drawn_values"];

/** Points (x, y, colour) of each kind, x and y from -1 to 1, the colour 0, 1 or a share of both. */
const SHAPES = {
  moons: () => along(14, (t) => [[Math.cos(t * Math.PI) * 0.6 - 0.25, Math.sin(t * Math.PI) * 0.75 - 0.15, 0],
    [0.25 - Math.cos(t * Math.PI) * 0.6, 0.15 - Math.sin(t * Math.PI) * 0.75, 1]]),
  circles: () => along(16, (t) => [[Math.cos(t * TURN) * 0.85, Math.sin(t * TURN) * 0.85, 0],
    [Math.cos(t * TURN) * 0.38, Math.sin(t * TURN) * 0.38, 1]]),
  blobs: () => along(13, (t, i) => [[-0.45 + swirl(i)[0], 0.4 + swirl(i)[1], 0], [0.45 - swirl(i)[0], -0.4 + swirl(i)[1], 1]]),
  xor: () => along(9, (t, i) => [[0.5, 0.5, 0], [-0.5, -0.5, 0], [-0.5, 0.5, 1], [0.5, -0.5, 1]]
    .map(([x, y, c]) => [x + swirl(i)[0] * 0.8, y + swirl(i)[1] * 0.8, c])),
  spirals: () => along(18, (t) => [0, 1].map((arm) => [Math.cos(t * 8 + arm * Math.PI) * (0.1 + t * 0.8),
    Math.sin(t * 8 + arm * Math.PI) * (0.1 + t * 0.8), arm])),
  plane: () => grid((x, y) => (x + y + 2) / 4),
  gaussians: () => grid((x, y) => 0.5 + 0.5 * (Math.exp(-4 * ((x - 0.4) ** 2 + (y - 0.4) ** 2))
    - Math.exp(-4 * ((x + 0.4) ** 2 + (y + 0.4) ** 2)))),
  sine: () => grid((x) => 0.5 + 0.5 * Math.sin(x * 4)),
  drawn_values: () => [[-0.55, 0.1, 0], [-0.2, 0.55, 0.2], [-0.3, -0.2, 0.4], [0.35, -0.45, 0.8], [0.6, 0.05, 1], [0.2, 0.15, 0.6]],
  drawn: () => [[-0.55, 0.1, 0], [-0.2, 0.55, 0], [-0.3, -0.2, 0], [0.35, -0.45, 1], [0.6, 0.05, 1], [0.2, 0.15, 1]],
};

/**
 * A thumbnail of data, or of a table where the data have no shape of their own.
 * @param {string} name
 * @returns {SVGElement}
 */
export function createThumbnail(name) {
  const picture = makeSVG("svg", { viewBox: "-1.15 -1.15 2.3 2.3", "aria-hidden": "true", class: "lab-thumbnail" });
  if (!(name in SHAPES)) {
    for (const row of [-0.75, -0.25, 0.25, 0.75]) {
      picture.append(makeSVG("path", { d: `M-.85 ${row}H.85`, class: "lab-thumbnail-rule" }));
    }
    return picture;
  }
  for (const [x, y, colour] of SHAPES[name]()) {
    const dot = makeSVG("circle", { cx: x.toFixed(2), cy: (-y).toFixed(2), r: 0.1 });
    dot.style.fill = NUMBERS.includes(name)
      ? `color-mix(in oklab, var(--positive) ${Math.round(colour * 100)}%, var(--negative))`
      : classColour(colour, 2);
    picture.append(dot);
  }
  return picture;
}

function along(count, points) {
  return Array.from({ length: count }, (_, i) => points(i / (count - 1), i)).flat();
}

/** A cloud without chance: points turned by the golden angle. */
function swirl(i) {
  const radius = 0.1 * Math.sqrt(i);
  return [Math.cos(i * 2.39996) * radius, Math.sin(i * 2.39996) * radius];
}

function grid(colour) {
  const steps = [-0.85, -0.51, -0.17, 0.17, 0.51, 0.85];
  return steps.flatMap((x) => steps.map((y) => [x, y, colour(x, y)]));
}
