// The output map under the points: what the network says everywhere on the plane.

import { make } from "./parts.js";
import { floatsOf } from "./numbers.js";
import { classShades, pixelOf, planeScale, rgbOf, classColour, mixed, paperRGB } from "./colours.js";
import { paintBetween } from "./diagram_units.js";

const FINER = 4; // pixels per step of the grid where classes have edges

/**
 * Paints frames' maps onto a small canvas that `drawInto` then stretches.
 * @param {object} setup @param {boolean} dark @param {boolean} discrete
 */
export function makeMap(setup, dark, discrete) {
  const { columns, rows } = setup.map;
  const steps = discrete ? FINER : 1;
  const [width, height] = [(columns - 1) * steps + 1, (rows - 1) * steps + 1];
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const scale = planeScale(dark, setup.task === "binary");
  const shades = setup.task === "classes" ? classShades(setup.class_names.length, dark) : [];
  const flat = flatShades(setup, dark);
  const finer = new Float32Array(width * height * (discrete ? setup.outputs : 0));

  return {
    canvas,
    paint(frame) {
      let values = floatsOf(frame.buffers[1]);
      if (discrete) values = refine(values, finer, setup.outputs, columns, rows, steps);
      if (setup.task === "regression") paintRegression(pixels, values, frame.range, scale, discrete);
      else if (setup.task === "binary") paintBinary(pixels, values, scale, flat, discrete);
      else paintClasses(pixels, values, discrete ? flat : null, shades);
      context.putImageData(image, 0, 0);
    },
    /** The grid's outer points lie on the edges of the plane, so half a pixel stands over on each side. */
    drawInto(target, { left, top, w, h }) {
      const [wide, high] = [w / (width - 1), h / (height - 1)];
      target.save();
      target.beginPath();
      target.rect(left, top, w, h);
      target.clip();
      target.imageSmoothingEnabled = true;
      target.drawImage(canvas, left - wide / 2, top - high / 2, w + wide, h + high);
      target.restore();
    },
  };
}

function flatShades(setup, dark) {
  if (setup.task === "regression") return null;
  const count = setup.class_names.length;
  return Uint32Array.from({ length: count }, (_, k) => pixelOf(mixed(paperRGB(dark), rgbOf(classColour(k, count)), 0.5)));
}

function paintBinary(pixels, values, scale, flat, discrete) {
  if (!discrete) return paintBetween(pixels, values, 0, 1, scale);
  for (let i = 0; i < pixels.length; i++) pixels[i] = flat[values[i] > 0.5 ? 1 : 0];
}

/** In steps of an eighth of the range where it is discretised. */
function paintRegression(pixels, values, [low, high], scale, discrete) {
  if (!discrete) return paintBetween(pixels, values, low, high, scale);
  const steps = Uint32Array.from({ length: 256 }, (_, i) => scale[Math.min(255, Math.floor(i / 32) * 32 + 16)]);
  paintBetween(pixels, values, low, high, steps);
}

/** Each class's shade by its probability; or the likeliest class alone. */
function paintClasses(pixels, values, flat, shades) {
  const [count, size] = [shades.length, pixels.length];
  for (let i = 0; i < size; i++) {
    let [r, g, b, best, most] = [0, 0, 0, 0, -Infinity];
    for (let k = 0; k < count; k++) {
      const p = values[k * size + i];
      if (p > most) [best, most] = [k, p];
      const shade = shades[k];
      r += p * shade[0];
      g += p * shade[1];
      b += p * shade[2];
    }
    pixels[i] = flat ? flat[best] : (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
  }
}

/** Bilinear values between the points of each output's grid. */
function refine(values, finer, outputs, columns, rows, steps) {
  const [width, height] = [(columns - 1) * steps + 1, (rows - 1) * steps + 1];
  for (let k = 0; k < outputs; k++) {
    const [from, to] = [k * columns * rows, k * width * height];
    for (let y = 0; y < height; y++) {
      const row = Math.min(rows - 2, (y / steps) | 0);
      const v = y / steps - row;
      for (let x = 0; x < width; x++) {
        const column = Math.min(columns - 2, (x / steps) | 0);
        const u = x / steps - column;
        const at = from + row * columns + column;
        const above = values[at] + u * (values[at + 1] - values[at]);
        const below = values[at + columns] + u * (values[at + columns + 1] - values[at + columns]);
        finer[to + y * width + x] = above + v * (below - above);
      }
    }
  }
  return finer;
}

/** What the map says in words: how much of the plane belongs to which class. @param {object} setup @param {object} frame */
export function wordsOfMap(setup, frame) {
  const values = floatsOf(frame.buffers[1]);
  if (setup.task === "regression") {
    const [low, high] = frame.range;
    return `The network's output over it goes from ${Number(low.toPrecision(3))} to ${Number(high.toPrecision(3))}.`;
  }
  const counts = new Array(setup.class_names.length).fill(0);
  const size = setup.map.columns * setup.map.rows;
  for (let i = 0; i < size; i++) {
    let best = 0;
    if (setup.outputs === 1) best = values[i] > 0.5 ? 1 : 0;
    else for (let k = 1; k < setup.outputs; k++) if (values[k * size + i] > values[best * size + i]) best = k;
    counts[best]++;
  }
  const share = (count) => Math.round((100 * count) / size);
  return `The network gives ${counts.map((count, k) => `${share(count)} % of it to class ${setup.class_names[k]}`).join(", ")}.`;
}
