// The points on the plane and its axes: a colour and a shape for each class, so that neither is alone.

import { classColour, hexOf, mixed, paperRGB, rgbOf } from "./colours.js";
import { floatsOf } from "./numbers.js";
import { ticksOf } from "./plane_scale.js";

// Corners of the shapes, in units of their radius; a circle has none.
const around = (count, turn, size = 1) =>
  Array.from({ length: count }, (_, i) => {
    const angle = turn + (2 * Math.PI * i) / count;
    return [size * Math.cos(angle), size * Math.sin(angle)];
  });
const cross = [[-1, -0.35], [-0.35, -0.35], [-0.35, -1], [0.35, -1], [0.35, -0.35], [1, -0.35],
  [1, 0.35], [0.35, 0.35], [0.35, 1], [-0.35, 1], [-0.35, 0.35], [-1, 0.35]];
const turned = cross.map(([x, y]) => [(x - y) * 0.75, (x + y) * 0.75]);
const star = around(5, -Math.PI / 2, 1.25).flatMap(([x, y], i) => [[x, y], around(5, -Math.PI * 0.3, 0.55)[i]]);
const MARK_SHAPES = [
  null, around(4, Math.PI / 4, 1.15), around(3, -Math.PI / 2, 1.3), around(4, 0, 1.25), around(3, Math.PI / 2, 1.3),
  cross, turned, around(5, -Math.PI / 2, 1.15), around(3, 0, 1.3), star,
];

/** Adds a class's shape to the path. @param {CanvasRenderingContext2D} context @param {number} kind */
export function traceShape(context, kind, x, y, radius) {
  const corners = MARK_SHAPES[kind % MARK_SHAPES.length];
  if (!corners) {
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  corners.forEach(([dx, dy], i) => context[i ? "lineTo" : "moveTo"](x + dx * radius, y + dy * radius));
  context.closePath();
}

/**
 * The points of a setup as arrays.
 * @param {object} setup
 * @returns {{set: "train"|"test", index: number, x: number, y: number, target: number}[]}
 */
export function pointsOf(setup) {
  const [trainX, trainY, testX, testY] = setup.buffers.map(floatsOf);
  const rows = (set, X, y) => Array.from(y, (target, index) => ({ set, index, x: X[2 * index], y: X[2 * index + 1], target }));
  return [...rows("train", trainX, trainY), ...(testX ? rows("test", testX, testY) : [])];
}

/** How large a mark is, the smaller the more there are. @param {number} count */
export const radiusFor = (count) => (count > 5000 ? 1.8 : count > 1500 ? 2.4 : count > 400 ? 3.1 : 4);

/**
 * The colour of a target.
 * @param {object} setup @param {number} target @param {[number, number]} range for regression
 */
export function colourOfTarget(setup, target, range, dark) {
  if (setup.task !== "regression") return classColour(target, setup.class_names.length);
  const t = Math.max(-1, Math.min(1, (2 * (target - range[0])) / (range[1] - range[0] || 1) - 1));
  return hexOf(mixed(paperRGB(dark), rgbOf(t < 0 ? "#D2512A" : "#1F7DC1"), Math.round(Math.abs(t) * 12) / 12));
}

/**
 * Draws all points: train filled, test outlined. One path for all of the same kind.
 * @param {CanvasRenderingContext2D} context @param {object} look setup, scales, points, range, dark, test
 */
export function drawPoints(context, { setup, scales, points, range, dark, test }) {
  const groups = new Map();
  for (const point of points) {
    if (point.set === "test" && !test) continue;
    const colour = colourOfTarget(setup, point.target, range, dark);
    const shape = setup.task === "regression" ? 0 : point.target;
    const key = `${point.set} ${shape} ${colour}`;
    if (!groups.has(key)) groups.set(key, { set: point.set, colour, shape, members: [] });
    groups.get(key).members.push(point);
  }
  const radius = radiusFor(points.length);
  const [paper, ink] = dark ? ["#1b1e24", "#e8eaee"] : ["#ffffff", "#30343b"];
  const regression = setup.task === "regression";
  for (const { set, colour, shape, members } of groups.values()) {
    context.beginPath();
    for (const { x, y } of members) traceShape(context, shape, scales.toX(x), scales.toY(y), radius);
    const filled = set === "train";
    context.lineWidth = filled ? 0.7 : 1.6;
    context.fillStyle = filled || regression ? colour : paper;
    context.fill();
    context.strokeStyle = filled ? (regression ? ink : paper) : regression ? ink : colour;
    context.stroke();
  }
}

/** The frame, the ticks and the names of the axes. @param {CanvasRenderingContext2D} context */
export function drawAxes(context, { setup, scales, font, ink, line }) {
  const { axes } = setup;
  const { left, top, w, h, scale } = scales;
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, w - 1, h - 1);
  context.fillStyle = ink;
  context.font = `${12 * scale}px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.beginPath();
  for (const { at, text } of ticksOf(...axes.x)) {
    const x = scales.toX(at);
    context.moveTo(x, top + h);
    context.lineTo(x, top + h + 4);
    context.fillText(text, x, top + h + 6);
  }
  context.fillText(axes.names[0], left + w / 2, top + h + 22 * scale, w);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const { at, text } of ticksOf(...axes.y)) {
    const y = scales.toY(at);
    context.moveTo(left - 4, y);
    context.lineTo(left, y);
    context.fillText(text, left - 6, y, left - 20 * scale);
  }
  context.stroke();
  context.save();
  context.translate(9 * scale, top + h / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(axes.names[1], 0, 0, h);
  context.restore();
}
