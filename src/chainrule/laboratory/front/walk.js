// The walk through one mini-batch: forward, loss, backward, update, a step at a time.

import { make, setText } from "./parts.js";
import { classColour } from "./colours.js";
import { floatsOf } from "./numbers.js";
import { makePage } from "./panel_sections.js";

const PHASES = ["forward", "loss", "backward", "update"];
const NAMES = { forward: "Forward", loss: "Loss", backward: "Backward", update: "Update" };
const MOST_DOTS = 64; // dots of examples

/** @param {object} lab */
export function makeWalk(lab) {
  const steps = PHASES.map((phase) => make("li", {}, make("span", {}, NAMES[phase])));
  const next = make("button", { type: "button", class: "next", onclick: () => lab.send({ do: "walk" }) });
  const title = make("h3", {});
  const batch = make("p", {});
  const dots = make("div", { class: "dots", role: "group", "aria-label": "examples of the mini-batch" });
  const weight = make("p", { class: "step-of-weight" });
  const page = makePage(lab, "the numbers of this phase");
  const note = make("p", { class: "note" });
  const leave = make("button", { type: "button", class: "plain", onclick: () => (end(), next.focus()) }, "end the walk");
  const details = make("div", { hidden: true }, make("div", { class: "panel-head" }, title, leave), batch, dots, weight, note, page.node);
  const box = make("section", { class: "walk", "aria-label": "one mini-batch, step by step" },
    make("div", { class: "walk-bar" }, make("ol", {}, ...steps), next), details);
  const said = make("p", { class: "lab-visually-hidden", role: "status" });
  box.append(said);
  let shown = null;
  let [stepThen, learns] = [0, false]; // of the network, when the phase came; whether the phase itself learns

  function markPhase(phase) {
    steps.forEach((step, i) => {
      const here = PHASES[i] === phase;
      if (here) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
    const following = NAMES[PHASES[(PHASES.indexOf(phase) + 1) % PHASES.length]];
    setText(next, phase ? `Next: ${following}` : "Walk through a mini-batch");
    box.classList.toggle("walking", Boolean(phase));
  }

  function show(message) {
    const fresh = !shown || shown.batch.examples.join() !== message.batch.examples.join();
    shown = message;
    markPhase(message.phase);
    details.hidden = false;
    setText(title, message.title);
    const { number, of, examples } = message.batch;
    setText(batch, `Mini-batch ${number} of ${of}: ${examples.length} example${examples.length === 1 ? "" : "s"}, ringed on the plane.`);
    if (fresh) fillDots(examples);
    setText(weight, wordsOfStep(message));
    weight.hidden = !weight.textContent;
    setText(note, message.note ?? "");
    note.hidden = !message.note;
    page.show(message.html, message.title);
    [stepThen, learns] = [lab.frame?.step, message.phase === "update"];
    lab.emit("highlight", { places: message.places ?? [], stays: true });
    lab.emit("highlight-points", { indexes: examples });
    setText(said, message.title);
  }

  function fillDots(examples) {
    const targets = floatsOf(lab.setup.buffers[1]);
    const classes = lab.setup.task === "regression" ? 0 : lab.setup.class_names.length;
    dots.replaceChildren(...examples.slice(0, MOST_DOTS).map((row, i) => {
      const target = targets[row];
      const words = `example ${i + 1}: ${classes ? `class ${lab.setup.class_names[target]}` : `value ${Number(target.toPrecision(4))}`}`;
      const dot = make("button", {
        type: "button", class: "dot", "aria-label": words, title: `${words}; shows the selected thing's numbers for it`,
        onclick: () => explain(i),
      });
      dot.style.setProperty("--class", classes ? classColour(target, classes) : "var(--faint)");
      const alone = () => lab.emit("highlight-points", { indexes: [row] });
      const all = () => shown && lab.emit("highlight-points", { indexes: examples });
      dot.addEventListener("pointerenter", alone);
      dot.addEventListener("focus", alone);
      dot.addEventListener("pointerleave", all);
      dot.addEventListener("blur", all);
      return dot;
    }), ...(examples.length > MOST_DOTS ? [`… ${examples.length - MOST_DOTS} more`] : []));
  }

  /** The selected weight's numbers for this example; without one, the example itself. */
  function explain(i) {
    const { selection } = lab;
    if (selection && selection.of !== "point") lab.send({ do: "explain", ...selection, example: i });
    else lab.select({ of: "point", set: "train", index: shown.batch.examples[i] });
  }

  function wordsOfStep({ before, after }) {
    if (before === undefined || before === null) return "";
    if (after === undefined || after === null) return `The selected weight is ${before}.`;
    return `The selected weight: ${before} → ${after}.`;
  }

  function end() {
    if (!shown) return;
    shown = null;
    details.hidden = true;
    markPhase(null);
    lab.emit("highlight", { places: [], stays: true });
    lab.emit("highlight-points", { indexes: [] });
  }

  markPhase(null);
  lab.on("walk", show);
  lab.on("setup", end);
  lab.on("settings", end);
  lab.on("theme", () => shown && page.show(shown.html, shown.title));
  lab.on("frame", ({ playing, step, curve_from: anew }) => {
    if (playing || anew === 0 || (step !== stepThen && !learns)) end();
    [stepThen, learns] = [step, false];
  });
  return { box };
}
