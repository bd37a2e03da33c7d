// The plane of two inputs: what the network says everywhere on it, and the points.

import { keepFocus, make, makeTooltip, setText, textScale } from "./parts.js";
import { atMostEvery, shownNumber } from "./numbers.js";
import { planeScales } from "./plane_scale.js";
import { makeMap, wordsOfMap } from "./plane_map.js";
import { drawAxes, drawPoints, pointsOf, radiusFor } from "./plane_points.js";
import { makeDrawing } from "./plane_drawing.js";
import { fillLegend, wordsOfPlane } from "./plane_legend.js";
import { drawOver } from "./plane_over.js";
import { nameOfOutput } from "./diagram_units.js";

const KEYS = "Arrow keys move a cross, with Shift in larger steps. Enter shows the nearest point's chain rule.";
const DRAW_KEYS = "Arrow keys move a cross, with Shift in larger steps. Enter draws a point there, Delete takes the nearest away.";
const REACH = 9; // pixels within which a point is meant

/**
 * @param {HTMLElement} root
 * @param {object} lab
 */
export function createPlane(root, lab) {
  root.classList.add("plane");
  const layers = ["map", "fixed", "over"].map((name) => make("canvas", { class: name, "aria-hidden": "true" }));
  const [mapLayer, fixedLayer, overLayer] = layers;
  const pad = make("div", {
    class: "pad", tabindex: "0", role: "application", "data-key": "plane",
    "aria-roledescription": "plane of points", "aria-label": "output of the network over two inputs",
  }, ...layers);
  const words = make("p", { class: "lab-visually-hidden" });
  const said = make("p", { class: "lab-visually-hidden", role: "status" });
  const legend = make("div", { class: "legend" });
  const tools = make("div", { class: "drawing", hidden: true });
  const test = viewSwitch("v_test", "test points", "Those held back from training, outlined");
  const discrete = viewSwitch("v_discrete", "discretise", "The likeliest class alone; of values, eight steps");
  root.append(pad, legend, make("div", { class: "looks" }, test.label, discrete.label), tools, words, said);
  const tooltip = makeTooltip(root);

  let scales = null;
  let look = lab.dark;
  let map = null;
  let points = [];
  let drawnRange = [0, 1]; // of the colours that the points have
  let followRange = () => {};
  let [hovered, cross, marked] = [null, null, []];
  let followed = null; // the desk's last answer
  const seen = (key) => Boolean(lab.view?.[key]);
  const range = () => lab.frame?.range ?? drawnRange;
  const drawing = makeDrawing(tools, lab, drawFixed);

  function viewSwitch(key, words, title) {
    const box = make("input", { type: "checkbox", onchange: () => lab.setView({ [key]: box.checked }) });
    return { box, label: make("label", { class: "lab-check", title }, box, ` ${words}`) };
  }

  /** Everything anew: other points, another theme, another size. */
  function build() {
    const { setup } = lab;
    if (!setup) return;
    const width = Math.max(220, Math.min(root.clientWidth, 520));
    const height = Math.round(width * 0.94);
    const ratio = window.devicePixelRatio || 1;
    pad.style.width = `${width}px`;
    pad.style.height = `${height}px`;
    for (const layer of layers) {
      [layer.width, layer.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      layer.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    look = lab.dark;
    scales = planeScales(setup.axes, width, height, textScale());
    points = pointsOf(setup);
    map = makeMap(setup, lab.dark, seen("v_discrete"));
    [test.box.checked, discrete.box.checked] = [seen("v_test"), seen("v_discrete")];
    test.label.hidden = !points.some(({ set }) => set === "test");
    followRange = fillLegend(legend, setup, lab.dark, test.box.checked && !test.label.hidden);
    keepFocus(root, drawing.build);
    pad.setAttribute("aria-description", drawing.isOn() ? DRAW_KEYS : KEYS);
    [drawnRange, cross] = [range(), null];
    drawFixed();
    if (lab.frame) drawFrame(lab.frame);
    setText(words, wordsOfPlane(setup) + (lab.frame ? " " + wordsOfMap(setup, lab.frame) : ""));
    drawOverlay();
  }

  function drawFrame(frame) {
    const { setup } = lab;
    if (!map || frame.buffers[1].byteLength !== 4 * setup.outputs * setup.map.columns * setup.map.rows) return; // of another network
    map.paint(frame);
    map.drawInto(mapLayer.getContext("2d"), scales);
    if (setup.task === "regression") {
      followRange(frame.range);
      if (frame.range.join() !== drawnRange.join()) ((drawnRange = frame.range), drawFixed());
    }
    if (frame.playing && hovered) followAgain();
    if (!frame.playing) setText(words, `${wordsOfPlane(setup)} ${wordsOfMap(setup, frame)}`);
  }

  /** The points and the axes: they stay where they are while the network learns. */
  function drawFixed() {
    if (!scales) return;
    const { setup } = lab;
    const context = fixedLayer.getContext("2d");
    context.clearRect(0, 0, scales.width, scales.height);
    const page = getComputedStyle(root);
    const colours = { ink: page.getPropertyValue("--ink").trim() || "#222", line: page.getPropertyValue("--faint").trim() || "#888", font: page.fontFamily };
    drawAxes(context, { setup, scales, ...colours });
    const drawn = drawing.points().map(([x, y, target], index) => ({ set: "train", index, x, y, target }));
    const shown = drawing.isOn() ? drawn : points;
    drawPoints(context, { setup, scales, points: shown, range: drawnRange, dark: lab.dark, test: seen("v_test") || drawing.isOn() });
  }

  function drawOverlay() {
    if (!scales) return;
    const { of, set: chosenSet, index: chosenIndex } = lab.selection ?? {};
    const chosen = of === "point" && points.find(({ set, index }) => set === chosenSet && index === chosenIndex);
    const lit = marked.map((index) => points[index]).filter((point) => point?.set === "train");
    drawOver(overLayer.getContext("2d"), { scales, hovered, chosen, lit, cross, dark: lab.dark, radius: radiusFor(points.length) });
  }

  function nearest(px, py, reach) {
    let [best, least] = [null, reach];
    for (const point of points) {
      if (point.set === "test" && !seen("v_test")) continue;
      const distance = Math.hypot(scales.toX(point.x) - px, scales.toY(point.y) - py);
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  }

  const follow = atMostEvery(60, (message) => lab.send({ do: "follow", ...message }));

  const followAgain = atMostEvery(250, () => hovered && followIt()); // its numbers change while the network learns
  const followIt = () => follow(hovered.point ? { set: hovered.point.set, index: hovered.point.index } : { x: hovered.x });

  /** The place that is looked at, by mouse or by keyboard, or null. */
  function lookAt(px, py, reach) {
    if (px === null) {
      if (hovered) follow({ x: null });
      [hovered, followed] = [null, null];
      tooltip.hide();
      return drawOverlay();
    }
    const point = nearest(px, py, reach);
    const x = point ? [point.x, point.y] : [scales.fromX(px), scales.fromY(py)];
    if (!hovered || hovered.point !== point || hovered.x[0] !== x[0] || hovered.x[1] !== x[1]) {
      [hovered, followed] = [{ x, point }, null];
      followIt();
    }
    const edge = pad.getBoundingClientRect();
    tooltip.show(linesOf(), edge.left + px, edge.top + py);
    drawOverlay();
  }

  function linesOf() {
    if (!hovered) return [];
    const { setup } = lab;
    const { x, point } = hovered;
    const lines = [setup.axes.names.map((name, i) => `${name} = ${shownNumber(x[i])}`).join(", ")];
    if (point) {
      const target = setup.task === "regression" ? `value ${shownNumber(point.target)}` : `class ${setup.class_names[point.target]}`;
      lines.push(`${point.set === "train" ? "training" : "test"} point ${point.index + 1}: ${target}`);
    }
    lines.push(followed ? outputWords(setup, followed.values.at(-1)) : "…");
    if (followed?.loss !== null && followed?.loss !== undefined) lines.push(`L = ${shownNumber(followed.loss)}`);
    return lines;
  }

  const place = (event) => {
    const edge = pad.getBoundingClientRect();
    return [event.clientX - edge.left, event.clientY - edge.top];
  };
  let stroke = false; // points are being drawn with the button down

  pad.addEventListener("pointermove", (event) => {
    if (!scales) return;
    const [px, py] = place(event);
    const inside = scales.inside(px, py);
    if (stroke && inside) drawing.add(scales, px, py);
    if (inside) lookAt(px, py, REACH);
    else lookAt(null);
  });
  pad.addEventListener("pointerleave", () => scales && lookAt(null));
  pad.addEventListener("pointerdown", (event) => {
    const [px, py] = place(event);
    if (!scales?.inside(px, py)) return;
    if (!drawing.isOn()) return event.button === 0 && choose(nearest(px, py, REACH));
    drawing.begin();
    if (event.button === 2 || event.altKey) drawing.remove(scales, px, py);
    else if (event.button === 0) {
      stroke = true;
      pad.setPointerCapture(event.pointerId);
      drawing.add(scales, px, py);
    }
    if (!stroke) drawing.end();
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    pad.addEventListener(kind, () => stroke && ((stroke = false), drawing.end()));
  }
  pad.addEventListener("contextmenu", (event) => drawing.isOn() && event.preventDefault());
  pad.addEventListener("blur", () => scales && ((cross = null), lookAt(null)));
  pad.addEventListener("keydown", (event) => {
    if (scales && onKey(event)) event.preventDefault();
  });

  function choose(point) {
    if (point) lab.select({ of: "point", set: point.set, index: point.index });
    return true;
  }

  function onKey({ key, shiftKey, altKey, ctrlKey, metaKey }) {
    if (altKey || ctrlKey || metaKey) return false;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (step) {
      const [px, py] = cross ?? [scales.left + scales.w / 2, scales.top + scales.h / 2];
      const by = shiftKey ? 40 : 8;
      const within = (value, low, size) => Math.max(low, Math.min(low + size, value));
      cross = cross ? [within(px + by * step[0], scales.left, scales.w), within(py + by * step[1], scales.top, scales.h)] : [px, py];
      lookAt(...cross, REACH);
      return true;
    }
    if (key === "Escape") return ((cross = null), lookAt(null), true);
    if (!cross) return false;
    if (key === "Enter" && !drawing.isOn()) return choose(nearest(...cross, Infinity));
    if (!drawing.isOn() || !["Enter", " ", "Delete", "Backspace"].includes(key)) return false;
    drawing.begin();
    drawing[key === "Enter" || key === " " ? "add" : "remove"](scales, ...cross);
    drawing.end();
    return true;
  }

  lab.on("setup", () => ((hovered = null), (marked = []), tooltip.hide(), drawing.take(), build()));
  lab.on("frame", drawFrame);
  lab.on("theme", () => scales && look !== lab.dark && build());
  lab.on("view", build);
  lab.on("selection", drawOverlay);
  lab.on("highlight-points", ({ indexes }) => ((marked = indexes ?? []), drawOverlay()));
  lab.on("followed", (message) => {
    const same = (value, i) => Math.abs(value - hovered.x[i]) <= 1e-5 * (1 + Math.abs(value));
    if (!hovered || !message.x?.every(same)) return; // of where the pointer was before
    followed = message;
    tooltip.say(linesOf());
    if (cross && !lab.frame?.playing) setText(said, linesOf().join("; "));
  });
  const resized = new ResizeObserver(() => {
    const width = Math.max(220, Math.min(root.clientWidth, 520));
    if (scales && Math.abs(width - scales.width) > 1) build();
  });
  resized.observe(root);
  if (lab.setup) (drawing.take(), build());
  lab.atEnd?.(() => resized.disconnect());
}

function outputWords(setup, outputs) {
  if (outputs.length === 1) return `${nameOfOutput(setup, 0)} = ${shownNumber(outputs[0])}`;
  const best = outputs.indexOf(Math.max(...outputs));
  return `class ${setup.class_names[best]}: ${shownNumber(outputs[best])}`;
}
