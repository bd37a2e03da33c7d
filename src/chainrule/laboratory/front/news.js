// News: what is refused, what is waited for, a connection that is lost, and how the training goes.

import { shownNumber } from "./numbers.js";
import { make, setText } from "./parts.js";
import { stoppedSentence } from "./transport.js";

/**
 * The banner for the eye, and a quiet sentence for the ear.
 * @param {Object<string, HTMLElement>} parts  "banner" and "live"
 * @param {Object} lab
 * @param {Object} model
 */
export function createNews(parts, lab, model) {
  const lines = new Map();
  const show = (what, sentence, ...more) => {
    if (sentence) lines.set(what, [make("span", {}, sentence), ...more]);
    else lines.delete(what);
    parts.banner.replaceChildren(...[...lines].map(([kind, line]) => make("p", { "data-news": kind }, ...line)));
  };
  const close = (what) => make("button", { type: "button", class: "lab-quiet", "aria-label": "Close", onclick: () => show(what, "") }, "✕");
  lab.on("note", ({ message }) => show("note", message));
  lab.on("refused", (message) => {
    // What a link held, besides what it is made of, is news also after its setup has come.
    const what = message.what === "link" ? "link" : "refused";
    if (!message.shown) show(what, message.message, close(what));
  });
  for (const kind of ["setup", "settings"]) lab.on(kind, () => show("refused", ""));
  lab.on("setup", ({ settings, note }) => show("setup", settings.data === "table" ? "" : note, close("setup")));
  lab.on("say", (sentence) => {
    setText(parts.live, "");
    setText(parts.live, sentence);
  });
  if (lab.page) {
    const again = () => make("button", { type: "button", onclick: () => model.again() }, "Try now");
    // A blink is no news.
    model.on("disconnected", ({ failures }) => {
      if (failures > 1) show("connection", "The connection to the lab is lost; trying again. What it learned is kept.", again());
    });
    model.on("connected", () => show("connection", ""));
  }

  let before = null;
  lab.on("setup", () => { before = null; });
  lab.on("frame", (frame) => {
    const changed = before && (frame.playing !== before.playing || (!frame.playing && frame.step !== before.step));
    if (changed) lab.say(frame.playing ? "Training." : stateSentence(frame, lab.setup.settings));
    before = { playing: frame.playing, step: frame.step };
  });
}

function stateSentence(frame, settings) {
  const stop = frame.stopped ? `${stoppedSentence(frame, settings)} ` : "";
  const test = frame.loss?.test === null || frame.loss?.test === undefined ? "" : `, on test examples ${shownNumber(frame.loss.test)}`;
  return `${stop}Epoch ${frame.epoch}, step ${frame.step}. Loss of training ${shownNumber(frame.loss?.train)}${test}.`;
}
