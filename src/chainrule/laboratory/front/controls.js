// The controls of data and training, made from the choices and limits that the desk names.

import { uniqueId } from "./menus.js";
import { LECTURE_SETTINGS } from "./address.js";
import { createNumberField, createSelectField, createSliderField, inWords } from "./fields.js";
import { make } from "./parts.js";
import { createThumbnail } from "./thumbnails.js";

const USUAL_RATES = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const USUAL_PENALTIES = [0, 0.0001, 0.001, 0.003, 0.01, 0.03, 0.1];
const USUAL_BATCHES = [1, 8, 16, 32, 64, 128, 256];
const FROM_ELSEWHERE = ["table", "given"];

/** The arms of spirals lie closer to each other than all else does: by the usual noise they would be one cloud. */
const usualNoise = (data) => (data === "spirals" ? 0.05 : LECTURE_SETTINGS.noise);

/**
 * The choice of the data and what they are made with.
 * @param {HTMLElement} root
 * @param {Object} lab
 */
export function createDataControls(root, lab) {
  const fields = {
    target: createSelectField(lab, "target", "Target column", (setup) => setup.target?.choices ?? []),
    x: createSelectField(lab, "x", "Across", axisChoices(0)),
    y: createSelectField(lab, "y", "Up", axisChoices(1)),
    classes: createNumberField(lab, "classes", "Classes", { step: "1", low: 2, high: 10 }),
    n: createSliderField(lab, "n", "Examples", { low: 20, high: 5000, step: 10 }),
    noise: createSliderField(lab, "noise", "Noise", { low: 0, high: 1, step: 0.05 }),
    test: createSliderField(lab, "test", "Test share", { low: 0, high: 0.9, step: 0.05,
      title: "The share of examples that are kept away from training" }),
    data_seed: createNumberField(lab, "data_seed", "Seed of the data", { step: "1", low: 0 }),
  };
  const again = make("button", { type: "button", class: "lab-small", title: "Other examples of the same kind",
    onclick: () => lab.set({ data_seed: (lab.setup.settings.data_seed + 1) % 1000000 }) }, "New draw");
  fields.data_seed.element.querySelector(".lab-control").append(again);
  const clear = make("button", { type: "button", onclick: () => lab.set({ points: LECTURE_SETTINGS.points }) }, "Begin anew with two points");
  const drawing = make("div", { class: "lab-hint" },
    make("p", {}, "Put points on the output map: choose a class there, then click, or use the arrow keys and Enter."), clear);
  const file = make("button", { type: "button", onclick: () => lab.emit("choose-file", {}) }, "Open a file…");
  const kinds = make("div", { class: "lab-kinds" });
  const note = make("p", { class: "lab-note", hidden: true });
  root.append(kinds, make("p", { class: "lab-file" }, file,
    make("span", { class: "lab-faint" }, "CSV, Parquet, Arrow; or drop it anywhere")),
  note, drawing, ...Object.values(fields).map((field) => field.element));

  const radios = createKinds(lab, kinds);
  lab.on("setup", update);
  lab.on("settings", update);
  refuseBeside(lab, fields, update);

  function update() {
    const { setup } = lab;
    const { data } = setup.settings;
    const drawn = data.startsWith("drawn");
    radios(setup);
    for (const field of Object.values(fields)) {
      field.refuse("");
      field.show(setup.settings[field.key] ?? (field.key === "target" ? setup.target?.name : null), setup);
      field.enable(setup.can?.data !== false || field.key === "x" || field.key === "y");
    }
    fields.classes.element.hidden = !(setup.choices.many_classes ?? []).includes(data);
    fields.noise.element.hidden = again.hidden = drawn || FROM_ELSEWHERE.includes(data);
    fields.n.element.hidden = drawn || FROM_ELSEWHERE.includes(data);
    fields.test.element.hidden = data === "given";
    fields.data_seed.element.hidden = data === "given";
    fields.target.element.hidden = !setup.target?.choices;
    const manyInputs = (setup.axes?.choices?.length ?? 0) > 2;
    fields.x.element.hidden = fields.y.element.hidden = !manyInputs;
    drawing.hidden = !drawn;
    file.disabled = setup.can?.data === false;
    note.textContent = setup.note ?? "";
    note.hidden = !setup.note;
  }
}

/** The names of inputs; where none is chosen it is the first, or the second. */
function axisChoices(which) {
  return (setup) => [["", `${setup.axes?.choices?.[which] ?? ""} (as it comes)`],
    ...(setup.axes?.choices ?? []).map((name) => [name, name])];
}

/** Radio buttons with thumbnails, those of a task together. */
function createKinds(lab, root) {
  const group = uniqueId("data");
  let shown = "";
  return (setup) => {
    const { data } = setup.settings;
    const choices = [...setup.choices.data];
    if (!choices.some((choice) => choice.name === data)) choices.push({ name: data, title: titleOf(setup), task: setup.task });
    const names = JSON.stringify(choices);
    if (names !== shown) {
      shown = names;
      const tasks = [["Classes", choices.filter((choice) => choice.task !== "regression")],
        ["Values", choices.filter((choice) => choice.task === "regression")]];
      root.replaceChildren(...tasks.filter(([, some]) => some.length).map(([title, some]) =>
        make("fieldset", {}, make("legend", {}, title), make("div", { class: "lab-tiles" },
          ...some.map((choice) => createTile(lab, group, choice))))));
    }
    for (const radio of root.querySelectorAll("input")) {
      radio.checked = radio.value === data;
      radio.disabled = setup.can?.data === false;
    }
  };
}

function createTile(lab, group, { name, title }) {
  const radio = make("input", { type: "radio", name: group, value: name, onchange: () => {
    const { data, noise } = lab.setup.settings;
    lab.set(noise === usualNoise(data) ? { data: name, noise: usualNoise(name) } : { data: name });
  } });
  return make("label", { class: "lab-tile" }, radio, createThumbnail(name), make("span", {}, title ?? inWords(name)));
}

function titleOf(setup) {
  return { table: "Your table", given: "Your data" }[setup.settings.data] ?? inWords(setup.settings.data);
}

/**
 * How the network begins and how it learns.
 * @param {HTMLElement} root
 * @param {Object} lab
 */
export function createTrainingControls(root, lab) {
  const fields = {
    learning_rate: createNumberField(lab, "learning_rate", "Learning rate", { usual: USUAL_RATES, low: 0 }),
    batch_size: createNumberField(lab, "batch_size", "Batch size", { usual: USUAL_BATCHES, step: "1", low: 1 }),
    optimizer: createSelectField(lab, "optimizer", "Optimizer", (setup) => setup.choices.optimizers),
    initializer: createSelectField(lab, "initializer", "Initializer", (setup) =>
      [...new Set(["default", ...setup.choices.initializers])]),
    seed: createNumberField(lab, "seed", "Seed", { step: "1", low: 0, title: "Another seed: other parameters to begin with" }),
    l1: createNumberField(lab, "l1", "L1", { usual: USUAL_PENALTIES, low: 0, title: "Penalty on the weights' size" }),
    l2: createNumberField(lab, "l2", "L2", { usual: USUAL_PENALTIES, low: 0, title: "Penalty on the weights' squares" }),
    dropout: createNumberField(lab, "dropout", "Dropout", { usual: [0, 0.1, 0.2, 0.3, 0.5], low: 0, high: 0.9,
      title: "The share of units that are silent in a step" }),
    engine: createSelectField(lab, "engine", "Engine", (setup) => setup.choices.engines),
  };
  root.append(make("div", { class: "lab-fields" }, ...Object.values(fields).map((field) => field.element)));
  const update = () => {
    for (const field of Object.values(fields)) {
      field.refuse("");
      field.show(lab.setup.settings[field.key], lab.setup);
    }
    for (const key of ["initializer", "dropout"]) fields[key].enable(lab.setup.can?.restructure !== false);
  };
  lab.on("setup", update);
  lab.on("settings", update);
  refuseBeside(lab, fields, update);
}

/**
 * A refusal of one of the fields is shown there, and the old value comes back.
 * @param {Object} lab
 * @param {Object<string, Object>} fields
 * @param {function(): void} update
 */
export function refuseBeside(lab, fields, update) {
  lab.on("refused", (message) => {
    if (!(message.what in fields) || fields[message.what].element.hidden) return;
    message.shown = true;
    update();
    fields[message.what].refuse(message.message);
  });
}
