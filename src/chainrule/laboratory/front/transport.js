// The bar over everything: play, one batch, one epoch, reset, speed, where it ends, and how far it is.

import { createNumberField, createSelectField } from "./fields.js";
import { refuseBeside } from "./controls.js";
import { make, setText } from "./parts.js";

const SPEEDS = [["slow", "slow, 2 steps a second"], ["normal", "60 steps a second"], ["full", "as fast as it goes"]];

/**
 * @param {HTMLElement} root
 * @param {Object} lab
 * @returns {{act: function(string): void}}  does "play" (or pause), "batch", "epoch", "reset", "walk"
 */
export function createTransport(root, lab) {
  const act = (what) => lab.send({ do: what === "play" && lab.frame?.playing ? "pause" : what });
  const button = (what, label, title) => make("button", { type: "button", title, "data-act": what, onclick: () => act(what) }, label);
  const sign = make("span", { class: "lab-sign", "aria-hidden": "true" });
  const word = make("span", {}, "Play");
  const play = make("button", { type: "button", class: "lab-play", "data-act": "play", onclick: () => act("play") }, sign, word);
  const speed = createSelectField(lab, "speed", "Speed", () => SPEEDS);
  const epochs = createNumberField(lab, "epochs", "Stop after", { step: "1", low: 0, usual: [0, 10, 50, 100, 500, 1000], unit: "epochs",
    title: "0: no end" });
  const target = createNumberField(lab, "target_loss", "or at a loss of", { low: 0, usual: [0, 0.01, 0.05, 0.1, 0.2],
    title: "Of training; 0: no end" });
  const fields = { speed, epochs, target_loss: target };
  const count = (name) => {
    const value = make("dd", {}, "0");
    counters.append(make("div", {}, make("dt", {}, name), value));
    return value;
  };
  const counters = make("dl", { class: "lab-counters" });
  const [epoch, batch, step, rate] = ["Epoch", "Batch", "Step", "Steps a second"].map(count);
  const stopped = make("p", { class: "lab-stopped", hidden: true });
  root.append(
    make("div", { class: "lab-buttons", role: "group", "aria-label": "Training" }, play,
      button("batch", "One batch", "One step with the next mini-batch"),
      button("epoch", "One epoch", "All mini-batches once"),
      button("reset", "Reset", "The parameters from the beginning")),
    make("div", { class: "lab-run" }, speed.element, epochs.element, target.element),
    counters, stopped);

  const update = () => {
    for (const field of Object.values(fields)) {
      field.refuse("");
      field.show(lab.setup.settings[field.key], lab.setup);
    }
  };
  lab.on("setup", () => {
    update();
    stopped.hidden = true;
  });
  lab.on("settings", update);
  refuseBeside(lab, fields, update);

  lab.on("frame", (frame) => {
    const { playing } = frame;
    if (play.dataset.playing !== String(playing)) {
      play.dataset.playing = String(playing);
      setText(word, playing ? "Pause" : "Play");
    }
    setText(epoch, grouped(frame.epoch));
    setText(batch, `${frame.batch} of ${lab.setup.batches}`);
    setText(step, grouped(frame.step));
    setText(rate, playing && frame.rate ? grouped(Math.round(frame.rate)) : "–");
    stopped.hidden = !frame.stopped;
    setText(stopped, frame.stopped ? stoppedSentence(frame, lab.setup.settings) : "");
  });
  return { act };
}

/**
 * Why learning stopped, in a sentence.
 * @param {Object} frame
 * @param {Object} settings
 * @returns {string}
 */
export function stoppedSentence(frame, settings) {
  if (frame.stopped === "epochs") return `Stopped after ${settings.epochs} epochs, as asked; to go on, ask for more, or reset.`;
  if (frame.stopped === "target loss") return `Stopped: the loss of training is at ${settings.target_loss}; to go on, ask for less, or reset.`;
  return `${frame.stopped[0].toUpperCase()}${frame.stopped.slice(1)}.`;
}

function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
