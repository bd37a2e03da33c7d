// The controls above the columns: layers and units come and go, and each layer has its activation.

import { make } from "./parts.js";

const FORMULA = "=";

/** How many pixels they need. @param {object} setup @param {number} scale of the text */
export function headOf(setup, scale) {
  const typed = setup.can.restructure && setup.settings.hidden.some(([, activation]) => activation.startsWith(FORMULA));
  return (typed ? 128 : 98) * scale;
}

/** @param {HTMLElement} stage @param {object} lab @param {object} layout */
export function makeControls(stage, lab, layout) {
  const { setup } = lab;
  layout.columns.forEach(({ layer, x }, i) => {
    const last = i === layout.columns.length - 1;
    const title = i === 0 ? "inputs" : last ? "output" : `layer ${layer}`;
    const head = make("div", { class: "column-head", role: "group", "aria-label": title }, make("div", { class: "title" }, title));
    head.style.left = `${x}px`;
    head.style.width = `${layout.column - 10}px`;
    if (i > 0 && !last && setup.can.restructure) {
      head.append(unitsOf(lab, layer - 1), activationOf(lab, layer - 1));
    } else {
      head.append(...facts(setup, layer).map((fact) => make("div", { class: "fact" }, fact)));
    }
    stage.append(head);
  });
}

function facts(setup, layer) {
  if (layer === 0) return [`${setup.inputs.names.length} features`];
  const { units, activation } = setup.layers[layer - 1];
  const lines = [`${units} unit${units === 1 ? "" : "s"}`, activation];
  return layer === setup.layers.length ? [...lines, setup.loss.replaceAll("_", " ")] : lines;
}

/** The whole bar: one layer more, one less. @param {object} lab */
export function makeLayerButtons(lab) {
  const { settings, limits, can } = lab.setup;
  if (!can.restructure) {
    return make("div", { class: "layers-bar" }, "The network was opened or given: its layers stay.",
      make("button", { type: "button", class: "lab-small", "data-key": "free", onclick: () => lab.send({ do: "free" }) }, "Begin another"));
  }
  const [fewest, most] = limits.layers;
  const count = settings.hidden.length;
  const fewer = () => lab.layers.change((hidden) => (hidden.length > fewest ? hidden.slice(0, -1) : hidden));
  const another = (hidden) => [...hidden, hidden.length ? [...hidden.at(-1)] : [4, "tanh"]];
  const more = () => lab.layers.change((hidden) => (hidden.length < most ? another(hidden) : hidden));
  return make("div", { class: "layers-bar", role: "group", "aria-label": "hidden layers" },
    plusMinus("−", "remove the last hidden layer", "layers −", count <= fewest, fewer),
    make("span", {}, `${count} hidden layer${count === 1 ? "" : "s"}`),
    plusMinus("+", "add a hidden layer", "layers +", count >= most, more));
}

function unitsOf(lab, index) {
  const [fewest, most] = lab.setup.limits.units;
  const count = lab.setup.layers[index].units;
  const within = (units) => Math.max(fewest, Math.min(most, units));
  const change = (by) => () => setLayer(lab, index, ([units, activation]) => [within(units + by), activation]);
  return make("div", { class: "units-bar" },
    plusMinus("−", `one unit less in layer ${index + 1}`, `units ${index} −`, count <= fewest, change(-1)),
    make("span", {}, `${count} unit${count === 1 ? "" : "s"}`),
    plusMinus("+", `one unit more in layer ${index + 1}`, `units ${index} +`, count >= most, change(1)));
}

function plusMinus(sign, label, key, disabled, onclick) {
  return make("button", { type: "button", class: "plus-minus", "aria-label": label, title: label, "data-key": key, disabled, onclick }, sign);
}

function activationOf(lab, index) {
  const { choices, settings } = lab.setup;
  const now = settings.hidden[index][1];
  const typed = now.startsWith(FORMULA);
  const select = make("select", { "aria-label": `activation of layer ${index + 1}`, "data-key": `activation ${index}` });
  for (const choice of choices.activations) {
    const [name, title] = typeof choice === "string" ? [choice, choice] : [choice.name, choice.title];
    select.append(make("option", { value: name, selected: name === now }, title));
  }
  select.append(make("option", { value: FORMULA, selected: typed }, "formula…"));
  const box = make("div", { class: "activation" }, select);
  const take = (activation) => setLayer(lab, index, ([units]) => [units, activation]);
  const field = () => formulaField(index, typed ? now : "=z*tanh(z)", take);
  if (typed) box.append(field());
  select.addEventListener("change", () => {
    if (select.value !== FORMULA) return take(select.value);
    box.append(field());
    box.lastChild.focus();
    box.lastChild.select();
  });
  return box;
}

function formulaField(index, text, take) {
  const field = make("input", {
    type: "text", value: text, spellcheck: "false", autocomplete: "off", class: "formula", "data-key": `formula ${index}`,
    "aria-label": `formula of layer ${index + 1}, of z`, title: "a formula of z, such as =z*tanh(z); Enter takes it",
  });
  let taken = "";
  const now = () => {
    const formula = FORMULA + field.value.trim().replace(/^=\s*/, "");
    if (formula !== FORMULA && formula !== taken) take((taken = formula));
  };
  field.addEventListener("keydown", (event) => event.key === "Enter" && now());
  field.addEventListener("change", now);
  return field;
}

function setLayer(lab, index, change) {
  lab.layers.change((hidden) => hidden.map((layer, i) => (i === index ? change(layer) : layer)));
}
