// The weights of the diagram: a curve each, whose width is the size and whose colour is the sign.

import { make, makeSVG } from "./parts.js";
import { curveOf } from "./diagram_layout.js";
import { floatsOf, parameterPlaces, parameterSymbol, shownNumber } from "./numbers.js";

/** Pixels of width: they grow fast near zero, and never past 8. @param {number} w */
function widthOf(w) {
  const size = Math.abs(w);
  return Number.isFinite(size) ? 0.7 + (7.3 * size) / (size + 1.6) : 8;
}

/**
 * Draws the curves once; `draw` then changes only what a frame has changed.
 * @param {SVGElement} svg @param {object} setup @param {object} layout
 */
export function makeWeights(svg, setup, layout) {
  const below = makeSVG("g", { class: "reach" });
  const above = makeSVG("g", { class: "curves" });
  svg.append(below, above);
  const starts = parameterPlaces(setup);
  const weights = [];
  for (let l = 1; l < layout.columns.length; l++) {
    const place = starts.get(`W${l}`);
    const [from, to] = [layout.columns[l - 1].places, layout.columns[l].places];
    for (const target of to) {
      from.forEach((source, i) => weights.push(oneWeight(l, source, target, i, from.length, place)));
    }
  }
  below.append(...weights.map(({ reach }) => reach));
  above.append(...weights.map(({ curve }) => curve));
  const byKey = new Map(weights.map((weight) => [keyOfWeight(weight), weight]));

  return {
    weights,
    /** @param {{name:string,row:number,column:number}} place */
    find: (place) => byKey.get(keyOfWeight(place)),
    /** The weights that are drawn into a unit. */
    into: (layer, unit) => weights.filter((w) => w.layer === layer && w.column === unit),
    draw(frame) {
      const numbers = floatsOf(frame.buffers[0]);
      for (const weight of weights) drawWeight(weight, numbers[weight.at]);
    },
    /** How much of what arrives at a unit comes along each weight, or null for no point. @param {number[][]|null} values */
    follow(values) {
      if (!values) return weights.forEach(({ curve }) => (curve.style.opacity = ""));
      const share = (w) => Math.abs(w.value * (values[w.layer - 1]?.[w.row] ?? 0));
      const most = new Map();
      for (const w of weights) {
        const key = w.layer + "," + w.column;
        most.set(key, Math.max(most.get(key) ?? 0, share(w)));
      }
      for (const w of weights) {
        const part = share(w) / (most.get(w.layer + "," + w.column) || 1);
        w.curve.style.opacity = (0.12 + 0.88 * part).toFixed(2);
      }
    },
  };
}

const keyOfWeight = ({ name, row, column }) => `${name},${row},${column}`;

function oneWeight(layer, source, target, index, count, place) {
  const d = curveOf(source, target, index, count);
  const [name, row, column] = [`W${layer}`, source.unit, target.unit];
  const label = `weight from ${layer === 1 ? "input" : "unit"} ${row + 1} to unit ${column + 1} of layer ${layer}`;
  const reach = makeSVG("path", { d, tabindex: "-1", role: "button", "aria-label": label, "data-key": `${name},${row},${column}` });
  const curve = makeSVG("path", { d });
  const at = place.start + row * place.columns + column;
  return { layer, name, row, column, at, reach, curve, label, value: NaN, width: 0, sign: 0 };
}

function drawWeight(weight, value) {
  weight.value = value;
  const width = Math.round(widthOf(value) * 4) / 4; // steps that an eye can't see apart
  if (width !== weight.width) {
    weight.width = width;
    weight.curve.setAttribute("stroke-width", width);
  }
  const sign = value < 0 ? -1 : 1;
  if (sign !== weight.sign) {
    weight.sign = sign;
    weight.curve.setAttribute("class", sign < 0 ? "negative" : "positive");
  }
}

/** What is said of a weight. */
export function wordsOfWeight({ name, row, column, value }) {
  return `${parameterSymbol(name, row, column)} = ${shownNumber(value)}`;
}

/** The loss at the end of the diagram, with a line from each output. */
export function makeLoss(svg, stage, layout) {
  const { x, y } = layout.loss;
  const outputs = layout.columns.at(-1).places;
  const lines = outputs.map((from) => makeSVG("path", { d: curveOf(from, { x: x + 8, y }, 0, 1) }));
  svg.append(makeSVG("g", { class: "to-loss" }, ...lines));
  const mark = make("div", { class: "loss", role: "img", "aria-label": "the loss L" }, "L");
  mark.style.left = `${x}px`;
  mark.style.top = `${y}px`;
  stage.append(mark);
  return mark;
}
