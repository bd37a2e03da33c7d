// A slice of the loss surface along the gradient: where we are, and where a step of the rate leads.

import { createChart } from "./chart.js";
import { shownNumber } from "./numbers.js";
import { make, setText } from "./parts.js";

/**
 * @param {HTMLElement} root
 * @param {Object} lab
 */
export function createSlice(root, lab) {
  let slice = null;
  const canvas = make("canvas", { role: "img", "aria-label": "Loss along the gradient; the sentence below says the same" });
  canvas.hidden = true;
  const words = make("p", { class: "lab-faint" }, "The loss of all training examples at w − α · dL/dw, over α.");
  const button = make("button", { type: "button", onclick: () => lab.send({ do: "slice" }) }, "Look along the gradient");
  const chart = createChart(canvas);
  root.append(make("div", { class: "lab-chart" },
    make("div", { class: "lab-chart-head" }, words, button), canvas));

  lab.on("slice", (message) => {
    slice = message;
    canvas.hidden = false;
    setText(button, "Look again");
    setText(words, sentence(slice, lab.frame?.step ?? 0));
    draw();
  });
  lab.on("setup", () => {
    slice = null;
    canvas.hidden = true;
    setText(button, "Look along the gradient");
    setText(words, "The loss of all training examples at w − α · dL/dw, over α.");
  });
  lab.on("theme", draw);
  const watcher = new ResizeObserver(draw);
  watcher.observe(root);
  lab.atEnd(() => watcher.disconnect());

  function draw() {
    if (!slice) return;
    const { alpha, loss, here, rate, loss_at_rate: there } = slice;
    const line = { points: alpha.map((a, i) => [a, loss[i]]), colour: "--accent", dash: [] };
    const marks = [{ x: 0, y: here, shape: "dot", colour: "--ink", label: "here" }];
    if (there !== null && Number.isFinite(there) && rate <= alpha.at(-1)) {
      marks.push({ x: rate, y: there, shape: "ring", colour: "--negative", label: `α = ${shownNumber(rate)}` });
    }
    chart.draw({ lines: [line], x: [alpha[0], alpha.at(-1)], marks });
  }
}

function sentence({ alpha, loss, here, rate, loss_at_rate: there }, step) {
  const finite = loss.map((value, i) => [value, alpha[i]]).filter(([value]) => value !== null && Number.isFinite(value));
  const [lowest, best] = finite.reduce((least, pair) => pair[0] < least[0] ? pair : least, [Infinity, 0]);
  const leads = there === null || there === undefined ? "" : ` The rate ${shownNumber(rate)} leads to ${shownNumber(there)}.`;
  return `At step ${step} the loss is ${shownNumber(here)}.${leads} Lowest along the line: ${shownNumber(lowest)} at α = ${shownNumber(best)}.`;
}
