// What the colours and shapes of the plane mean, and the plane in words.

import { make, setText } from "./parts.js";
import { shownNumber } from "./numbers.js";
import { colourOfTarget, traceShape } from "./plane_points.js";
import { planeScale } from "./colours.js";

/** A mark as it is on the plane. */
function sample(setup, target, filled, dark) {
  const canvas = make("canvas", { width: 32, height: 32, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  context.beginPath();
  traceShape(context, target, 16, 16, 9);
  const colour = colourOfTarget(setup, target, [0, 1], dark);
  [context.fillStyle, context.strokeStyle, context.lineWidth] = [colour, colour, 3];
  if (filled) context.fill();
  context.stroke();
  return canvas;
}

/**
 * Fills the legend for a setup; returns how its numbers follow the range of a regression.
 * @param {HTMLElement} box @param {object} setup @param {boolean} dark @param {boolean} test
 */
export function fillLegend(box, setup, dark, test) {
  if (setup.task !== "regression") {
    const entries = setup.class_names.map((name, k) => make("span", { class: "entry" }, sample(setup, k, true, dark), String(name)));
    if (test) entries.push(make("span", { class: "entry note" }, sample(setup, 0, false, dark), "outlined: test"));
    box.replaceChildren(...entries);
    return () => {};
  }
  const bar = make("canvas", { width: 256, height: 1, class: "scale", "aria-hidden": "true" });
  const context = bar.getContext("2d");
  const image = context.createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(planeScale(dark, false));
  context.putImageData(image, 0, 0);
  const ends = [make("span"), make("span"), make("span")];
  box.replaceChildren(make("div", { class: "scale-box" }, bar, make("div", { class: "ends" }, ...ends)),
    ...(test ? [make("span", { class: "note" }, "thick edge: test")] : []));
  return ([low, high]) => [low, (low + high) / 2, high].forEach((value, i) => setText(ends[i], shownNumber(value, 3)));
}

/** The plane and its points in words. @param {object} setup */
export function wordsOfPlane(setup) {
  const { axes, buffers } = setup;
  const between = ([low, high]) => `${shownNumber(low, 3)} to ${shownNumber(high, 3)}`;
  const counts = [buffers[1], buffers[3]].map((view) => (view ? view.byteLength / 4 : 0));
  return `The plane of ${axes.names[0]} (${between(axes.x)}) and ${axes.names[1]} (${between(axes.y)}), ` +
    `with ${counts[0]} training and ${counts[1]} test points.`;
}
