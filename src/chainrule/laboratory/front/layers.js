// The layers as a list: units and activations without the diagram, for keyboards and screen readers.

import { fillSelect, inWords } from "./fields.js";
import { keepFocus, make, setText } from "./parts.js";

const TYPED = "typed";

/**
 * @param {HTMLElement} root
 * @param {Object} lab
 */
export function createLayerList(root, lab) {
  const list = make("ol", { class: "lab-layers" });
  const output = make("p", { class: "lab-faint" });
  const add = make("button", { type: "button", "data-key": "add-layer", onclick: () => {
    change((hidden) => [...hidden, hidden.at(-1) ?? [4, "tanh"]]);
  } }, "Add a layer");
  const refusal = make("p", { class: "lab-refusal", role: "alert", hidden: true });
  root.append(list, add, refusal, output);
  let shown = "";
  // A formula that was refused stays in its field, to be put right.
  let tried = null;

  lab.on("setup", () => {
    tried = null;
    update();
  });
  lab.on("refused", (message) => {
    if (message.what !== "hidden") return;
    message.shown = true;
    shown = "";
    update();
    refuse(message.message);
  });

  function change(act) {
    refuse("");
    lab.layers.change(act);
  }
  function changeLayer(number, units, activation) {
    change((hidden) => hidden.with(number, [units ?? hidden[number][0], activation ?? hidden[number][1]]));
  }
  function refuse(sentence) {
    refusal.hidden = sentence === "";
    refusal.textContent = sentence;
    // The list may be closed: what was refused must be seen.
    if (sentence) root.closest("details")?.setAttribute("open", "");
  }
  function update() {
    const { setup } = lab;
    const free = setup.can?.restructure !== false;
    const layers = setup.layers.slice(0, -1);
    const text = JSON.stringify([layers.map(({ units, activation }) => [units, activation]), free]);
    if (text !== shown) {
      shown = text;
      refuse("");
      keepFocus(root, () => list.replaceChildren(...layers.map((layer, number) => row(layer, number, free))),
        "[data-key=add-layer]");
    }
    add.disabled = !free || layers.length >= (setup.limits?.layers?.[1] ?? 6);
    const last = setup.layers.at(-1);
    setText(output, `Output: ${last.units} ${last.units === 1 ? "unit" : "units"}, ${last.activation_title ?? last.activation}; loss: ${inWords(setup.loss)}.`);
  }

  function row({ units, activation }, number, free) {
    const [least, most] = lab.setup.limits?.units ?? [1, 16];
    const name = `Layer ${number + 1}`;
    const count = make("input", { type: "number", min: least, max: most, step: 1, value: units, disabled: !free,
      "data-key": `units-${number}`, "aria-label": `${name}: units`,
      onchange: () => changeLayer(number, count.valueAsNumber, null) });
    const again = tried?.number === number ? tried.text : null;
    const typed = again !== null || activation.startsWith("=");
    const select = make("select", { disabled: !free, "data-key": `activation-${number}`, "aria-label": `${name}: activation` });
    fillSelect(select, [...lab.setup.choices.activations.map(choiceOf), [TYPED, "typed formula…"]], typed ? TYPED : activation);
    const formula = make("input", { type: "text", value: again ?? (typed ? activation.slice(1).trim() : "z * tanh(z)"), spellcheck: "false", size: 14,
      autocomplete: "off", autocapitalize: "off", disabled: !free, "data-key": `formula-${number}`,
      "aria-label": `${name}: formula of z`,
      onchange: () => takeFormula() });
    const takeFormula = () => {
      tried = { number, text: formula.value };
      changeLayer(number, null, `=${formula.value}`);
    };
    const typing = make("span", { class: "lab-formula" }, "a = ", formula);
    typing.hidden = !typed;
    select.addEventListener("change", () => {
      typing.hidden = select.value !== TYPED;
      if (typing.hidden) {
        tried = null;
        changeLayer(number, null, select.value);
      } else {
        // What stands there is a formula already: it is taken as it is, until it is changed.
        formula.focus();
        takeFormula();
      }
    });
    const remove = make("button", { type: "button", class: "lab-quiet", disabled: !free, "aria-label": `Remove ${name}`,
      "data-key": `remove-${number}`, onclick: () => change((hidden) => hidden.filter((_, other) => other !== number)) }, "✕");
    return make("li", {}, make("span", { class: "lab-layer-name" }, name), count, "units", select, typing, remove);
  }
}

/** An activation may come as a name, or as a name and its title. */
function choiceOf(choice) {
  return typeof choice === "string" ? choice : [choice.name, choice.title ?? choice.name];
}
