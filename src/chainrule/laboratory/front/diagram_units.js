// The units of the diagram: each a small map of what it puts out over the plane, and its bias.

import { make, setText } from "./parts.js";
import { floatsOf, parameterPlaces, shownNumber } from "./numbers.js";
import { classColour, paperRGB, planeScale, pixelOf, rgbOf, mixed, valueScale } from "./colours.js";

/**
 * Builds the units of all columns into `stage`.
 * @param {HTMLElement} stage @param {object} setup @param {object} layout
 */
export function makeUnits(stage, setup, layout) {
  const starts = parameterPlaces(setup);
  const units = [];
  let map = 0;
  for (const { layer, places } of layout.columns) {
    const bias = starts.get(`b${layer}`);
    places.forEach((place) => {
      const kind = layer === 0 ? "input" : layer === setup.layers.length ? "output" : "hidden";
      const unit = oneUnit(setup, { ...place, layer, kind, bias: bias ? bias.start + place.unit : -1 });
      if (kind === "hidden") unit.map = map++;
      stage.append(unit.box);
      units.push(unit);
    });
  }
  const find = (layer, unit) => units.find((u) => u.layer === layer && u.unit === unit);
  return { units, find };
}

function oneUnit(setup, unit) {
  const { layer, kind } = unit;
  const { columns, rows, unit_columns, unit_rows } = setup.map;
  const [width, height] = kind === "output" ? [columns, rows] : [unit_columns, unit_rows];
  unit.canvas = make("canvas", { width, height, "aria-hidden": "true" });
  unit.context = unit.canvas.getContext("2d");
  unit.image = unit.context.createImageData(width, height);
  unit.pixels = new Uint32Array(unit.image.data.buffer);
  unit.shownValue = make("span", { class: "value", hidden: true });
  unit.button = make("button", {
    type: "button", class: "unit", tabindex: "-1", "data-key": `unit ${layer} ${unit.unit}`,
    "aria-label": wordsOfUnit(setup, unit, NaN),
  });
  // Beside the button, not in it: a picture of the page has maps and numbers, and no buttons.
  unit.box = make("div", { class: `place ${kind}` }, unit.canvas, unit.button, unit.shownValue);
  unit.box.style.left = `${unit.x}px`;
  unit.box.style.top = `${unit.y}px`;
  if (unit.bias >= 0) {
    unit.mark = make("button", {
      type: "button", class: "bias", tabindex: "-1", "data-key": `bias ${layer} ${unit.unit}`,
      "aria-label": `bias of unit ${unit.unit + 1} of layer ${layer}`,
    });
    unit.box.append(unit.mark);
  }
  const name = kind === "input" ? setup.inputs.names[unit.unit] : kind === "output" ? nameOfOutput(setup, unit.unit) : "";
  if (name) unit.box.append(make("span", { class: "name", title: name, "aria-hidden": "true" }, name));
  return unit;
}

/** What an output stands for. */
export function nameOfOutput(setup, index) {
  if (setup.task === "regression") return "value";
  return setup.task === "binary" ? `P(${setup.class_names[1]})` : String(setup.class_names[index]);
}

/** What a screen reader says of a unit. @param {number} bias */
export function wordsOfUnit(setup, { layer, unit }, bias) {
  if (layer === 0) return `input ${unit + 1}, ${setup.inputs.names[unit]}`;
  const { activation } = setup.layers[layer - 1];
  const before = layer === 1 ? setup.inputs.names.length : setup.layers[layer - 2].units;
  const output = layer === setup.layers.length ? ` (output, ${nameOfOutput(setup, unit)})` : "";
  const number = Number.isNaN(bias) ? "" : `, bias ${shownNumber(bias)}`;
  return `unit ${unit + 1} of layer ${layer}${output}, ${activation}${number}, ${before} input${before === 1 ? "" : "s"}`;
}

/** How units are painted: the scales of the theme, made once for it. @param {object} setup @param {boolean} dark */
export function makePainter(setup, dark) {
  const values = valueScale(dark);
  const binary = planeScale(dark, true);
  const oneOf = setup.class_names?.map((_, k) => classRamp(k, setup.class_names.length, dark));
  const { columns, rows, unit_columns, unit_rows } = setup.map;
  const [plane, small] = [columns * rows, unit_columns * unit_rows];
  return {
    /** @param {object[]} units @param {object} frame */
    paint(units, frame) {
      const [outputs, maps] = [floatsOf(frame.buffers[1]), floatsOf(frame.buffers[2])];
      for (const unit of units) {
        if (unit.kind === "hidden") {
          paintValues(unit.pixels, maps.subarray(unit.map * small, (unit.map + 1) * small), values);
        } else if (unit.kind === "output") {
          const own = outputs.subarray(unit.unit * plane, (unit.unit + 1) * plane);
          if (setup.task === "regression") paintBetween(unit.pixels, own, ...frame.range, values);
          else paintBetween(unit.pixels, own, 0, 1, setup.task === "binary" ? binary : oneOf[unit.unit]);
        } else continue;
        unit.context.putImageData(unit.image, 0, 0);
      }
    },
    /** Inputs are what the axes say: they never change. */
    paintInputs(units) {
      for (const unit of units) if (unit.kind === "input") paintInput(unit, setup, values, dark);
    },
  };
}

function classRamp(k, count, dark) {
  const [paper, colour] = [paperRGB(dark), rgbOf(classColour(k, count))];
  return Uint32Array.from({ length: 256 }, (_, i) => pixelOf(mixed(paper, colour, i / 255)));
}

/** Around zero; the darkest colour is the largest value, but no less than 0.5. */
function paintValues(pixels, values, scale) {
  let most = 0.5;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > most) most = size;
  }
  paintBetween(pixels, values, -most, most, scale);
}

/** Each value's place between two ends as a pixel of the scale; what is no number is clear. */
export function paintBetween(pixels, values, low, high, scale) {
  const steps = high > low ? 255 / (high - low) : 0;
  for (let i = 0; i < values.length; i++) {
    const step = steps ? (values[i] - low) * steps : 127.5;
    pixels[i] = step !== step ? 0 : scale[step < 0 ? 0 : step > 255 ? 255 : step + 0.5 | 0];
  }
}

function paintInput(unit, setup, scale, dark) {
  const { axes } = setup;
  const axis = axes.names.indexOf(setup.inputs.names[unit.unit]);
  const { width, height } = unit.canvas;
  if (axis < 0) unit.pixels.fill(pixelOf(mixed(paperRGB(dark), [128, 128, 128], 0.3))); // held where it is
  else {
    const [low, high] = axis === 0 ? axes.x : axes.y;
    const values = new Float32Array(width * height);
    for (let i = 0; i < values.length; i++) {
      const along = axis === 0 ? (i % width) / (width - 1) : 1 - Math.floor(i / width) / (height - 1);
      values[i] = low + along * (high - low);
    }
    paintValues(unit.pixels, values, scale);
  }
  unit.context.putImageData(unit.image, 0, 0);
}

/** The bias marks: as large as the number, in the colour of its sign. */
export function drawBiases(units, frame) {
  const numbers = floatsOf(frame.buffers[0]);
  for (const unit of units) {
    if (unit.bias < 0) continue;
    unit.biasNow = numbers[unit.bias];
    const size = Math.abs(unit.biasNow);
    const side = Math.round(6 + (8 * size) / (size + 1)) || 14; // 14: it is no number
    if (side !== unit.side) unit.mark.style.setProperty("--side", `${(unit.side = side)}px`);
    const sign = unit.biasNow < 0;
    if (sign !== unit.negative) unit.mark.classList.toggle("negative", (unit.negative = sign));
  }
}

/** The numbers of the point that is followed stand in the units. @param {number[][]|null} values */
export function drawFollowed(units, values) {
  for (const unit of units) {
    const value = values?.[unit.layer]?.[unit.unit];
    unit.shownValue.hidden = value === undefined;
    if (value !== undefined) setText(unit.shownValue, shownNumber(value, 3));
  }
}
