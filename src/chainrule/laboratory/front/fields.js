// One field a setting: its label, its control, and beside them the sentence of a refusal.

import { uniqueId } from "./menus.js";
import { make } from "./parts.js";

/**
 * What all fields share: a place for a refusal, and the way to the desk.
 * @param {Object} lab
 * @param {string} key  the setting
 * @param {string} label
 * @param {HTMLElement} control
 * @param {Object} [more]  what else stands in the field
 */
function frameField(lab, key, label, control, { after = [], title = null } = {}) {
  const id = uniqueId(key);
  const refusalId = `${id}-refusal`;
  control.id = id;
  control.setAttribute("name", key);
  control.setAttribute("aria-describedby", refusalId);
  const refusal = make("p", { class: "lab-refusal", id: refusalId, role: "alert", hidden: true });
  const element = make("div", { class: "lab-field", title },
    make("label", { for: id }, label),
    make("div", { class: "lab-control" }, control, ...after),
    refusal);
  const field = {
    key,
    element,
    control,
    /** Stays what it is while a finger is on it. */
    busy: false,
    show() {},
    refuse(sentence) {
      refusal.textContent = sentence;
      refusal.hidden = sentence === "";
      if (sentence && lab.setup) field.show(lab.setup.settings[key], lab.setup);
    },
    send(value) {
      field.refuse("");
      lab.send({ do: "set", settings: { [key]: value } });
    },
    enable(enabled) {
      for (const part of element.querySelectorAll("input, select, button")) part.disabled = !enabled;
    },
  };
  return field;
}

/**
 * A number that is typed, with usual values to choose from.
 * @param {Object} lab
 * @param {string} key
 * @param {string} label
 * @param {{usual?: number[], step?: string, low?: number, high?: number, title?: string, unit?: string}} options
 */
export function createNumberField(lab, key, label, { usual = [], step = "any", low = null, high = null, title, unit } = {}) {
  const listId = usual.length ? uniqueId("usual") : null;
  const input = make("input", { type: "number", step, min: low, max: high, list: listId, autocomplete: "off" });
  const list = usual.length ? make("datalist", { id: listId }, ...usual.map((value) => make("option", { value }))) : null;
  const field = frameField(lab, key, label, input,
    { title, after: [list, unit ? make("span", { class: "lab-unit" }, unit) : null].filter(Boolean) });
  field.show = (value) => {
    if (!field.busy) input.value = value ?? "";
  };
  input.addEventListener("input", () => { field.busy = true; });
  input.addEventListener("blur", () => {
    field.busy = false;
    if (input.value === "") field.show(lab.setup?.settings[key]);
  });
  input.addEventListener("change", () => {
    field.busy = false;
    if (input.value === "" || !Number.isFinite(input.valueAsNumber)) field.refuse(`${label} must be a number.`);
    else field.send(input.valueAsNumber);
  });
  return field;
}

/**
 * A slider with its number beside it, which can be typed as well.
 * @param {Object} lab
 * @param {string} key
 * @param {string} label
 * @param {{low: number, high: number, step: number, title?: string}} options
 */
export function createSliderField(lab, key, label, { low, high, step, title }) {
  const slider = make("input", { type: "range", min: low, max: high, step });
  const number = make("input", { type: "number", step: "any", min: low, max: high, "aria-label": `${label}, as a number` });
  const field = frameField(lab, key, label, slider, { after: [number], title });
  let timer = 0;
  field.show = (value, setup) => {
    const limits = setup?.limits?.[key];
    for (const part of limits ? [slider, number] : []) [part.min, part.max] = limits;
    if (field.busy) return;
    slider.value = value;
    number.value = value;
  };
  const settle = (value) => {
    clearTimeout(timer);
    field.busy = false;
    field.send(value);
  };
  // While it is dragged the data follow, some times a second.
  slider.addEventListener("input", () => {
    field.busy = true;
    number.value = slider.value;
    clearTimeout(timer);
    timer = setTimeout(() => field.send(slider.valueAsNumber), 120);
  });
  slider.addEventListener("change", () => settle(slider.valueAsNumber));
  // What is being typed stays, whatever else the desk says meanwhile.
  number.addEventListener("input", () => { field.busy = true; });
  number.addEventListener("blur", () => { field.busy = false; });
  number.addEventListener("change", () => {
    if (Number.isFinite(number.valueAsNumber)) settle(number.valueAsNumber);
    else field.refuse(`${label} must be a number.`);
  });
  return field;
}

/**
 * One of several values.
 * @param {Object} lab
 * @param {string} key
 * @param {string} label
 * @param {function(Object): Array<string|[string, string]>} choices  of a setup: values, or values and what is shown
 * @param {{title?: string}} [options]
 */
export function createSelectField(lab, key, label, choices, { title } = {}) {
  const select = make("select");
  const field = frameField(lab, key, label, select, { title });
  field.show = (value, setup) => {
    fillSelect(select, choices(setup), value);
  };
  select.addEventListener("change", () => field.send(select.value === "" ? null : select.value));
  return field;
}

/**
 * Puts choices into a select; what already stands there is left alone, and so keeps the focus.
 * @param {HTMLSelectElement} select
 * @param {Array<string|[string, string]>} choices
 * @param {string|null} value
 */
export function fillSelect(select, choices, value) {
  const pairs = choices.map((choice) => Array.isArray(choice) ? choice : [choice, inWords(choice)]);
  if (value !== null && value !== undefined && !pairs.some(([name]) => name === value)) pairs.push([value, inWords(value)]);
  const text = JSON.stringify(pairs);
  if (select.dataset.choices !== text) {
    select.replaceChildren(...pairs.map(([name, shown]) => make("option", { value: name }, shown)));
    select.dataset.choices = text;
  }
  select.value = value ?? "";
}

/**
 * A name of the library as words: "gradient_descent" is "gradient descent".
 * @param {string} name
 * @returns {string}
 */
export function inWords(name) {
  return String(name).replaceAll("_", " ");
}
