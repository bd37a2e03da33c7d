// How the losses and the accuracies went, epoch by epoch.

import { createChart } from "./chart.js";
import { shownNumber } from "./numbers.js";
import { make, setText } from "./parts.js";

const MOST_ROWS = 4000;
// While it learns, the lines are drawn so often: they take longer than all else of a frame.
const EVERY_MS = 200;

/**
 * @param {HTMLElement} root
 * @param {Object} lab
 */
export function createCurve(root, lab) {
  let rows = [];
  let drawnAt = 0;
  const logarithmic = make("input", { type: "checkbox", onchange: draw });
  const loss = createTitledChart("Loss", make("label", { class: "lab-check" }, logarithmic, " log scale"));
  const accuracy = createTitledChart("Accuracy", null);
  const words = make("p", { class: "lab-visually-hidden" });
  root.append(loss.element, accuracy.element, words);

  lab.on("setup", () => {
    rows = [];
    setText(accuracy.name, lab.setup.task === "regression" ? "R²" : "Accuracy");
    draw();
  });
  lab.on("frame", (frame) => {
    if (frame.curve_from === 0) rows = [];
    for (const row of frame.curve ?? []) rows.push(row);
    // Twice as coarse whenever it is twice as long: a screen is no wider.
    if (rows.length > MOST_ROWS) rows = rows.filter((_, i) => i % 2 === 0 || i === rows.length - 1);
    show(loss, frame.loss);
    show(accuracy, frame.accuracy);
    const due = !frame.playing || performance.now() - drawnAt >= EVERY_MS;
    if (frame.curve_from === 0 || due) draw();
    if (!frame.playing) setText(words, sentence(frame));
  });
  lab.on("theme", draw);
  const watcher = new ResizeObserver(draw);
  watcher.observe(root);
  lab.atEnd(() => watcher.disconnect());

  function show(panel, values) {
    setText(panel.train, figure(values?.train));
    setText(panel.test, figure(values?.test));
    panel.testLegend.hidden = values?.test === null || values?.test === undefined;
  }
  function draw() {
    drawnAt = performance.now();
    const first = rows[0]?.[0] ?? 0;
    const x = [first, Math.max(rows.at(-1)?.[0] ?? 0, first + 1)];
    loss.chart.draw({ lines: lines(1), x, logarithmic: logarithmic.checked, from: 0 });
    accuracy.chart.draw({ lines: lines(3), x, to: 1 });
  }
  function lines(column) {
    return [{ points: rows.map((row) => [row[0], row[column]]), colour: "--accent", dash: [] },
      { points: rows.map((row) => [row[0], row[column + 1]]), colour: "--negative", dash: [5, 3] }];
  }
  function sentence(frame) {
    const [first, last] = [rows[0], rows.at(-1)];
    if (!last || rows.length < 2) return "Nothing is learned yet.";
    const name = lab.setup.task === "regression" ? "R²" : "Accuracy";
    const test = (now) => now === null || now === undefined ? "" : `, on test examples ${figure(now)}`;
    return `Loss of training: ${figure(first[1])} at epoch ${shownNumber(first[0])}, ${figure(last[1])} at epoch ${shownNumber(last[0])}${test(last[2])}. `
      + `${name}: ${figure(frame.accuracy?.train)}${test(frame.accuracy?.test)}.`;
  }
}

/** A title, a legend with the numbers of now, and a chart. */
function createTitledChart(title, more) {
  const [name, train, test] = ["span", "output", "output"].map((tag) => make(tag, tag === "output" ? { "aria-live": "off" } : {}));
  name.textContent = title;
  const legend = (kind, words, value) => make("span", { class: "lab-legend" },
    make("span", { class: `lab-dash lab-dash-${kind}`, "aria-hidden": "true" }), `${words} `, value);
  const testLegend = legend("test", "test", test);
  const canvas = make("canvas", { role: "img", "aria-label": `${title} by epoch; the numbers stand beside it` });
  const element = make("div", { class: "lab-chart" },
    make("div", { class: "lab-chart-head" }, make("h3", {}, name), legend("train", "train", train), testLegend, ...(more ? [more] : [])),
    canvas);
  return { element, name, train, test, testLegend, chart: createChart(canvas) };
}

function figure(value) {
  return value === null || value === undefined ? "–" : shownNumber(value);
}
