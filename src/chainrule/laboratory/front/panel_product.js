// The product of the chain rule: factors beside each other, each in its colour and with its place.

import { make, setText } from "./parts.js";
import { readable, readableMath } from "./colours.js";
import { layerOf, shownNumber } from "./numbers.js";
import { lightsUp, placeOfSelection, placesOfPath } from "./panel_places.js";

/** @param {object} lab */
export function makeProduct(lab) {
  const row = make("div", { class: "product", role: "group", "aria-label": "the product of the chain rule" });
  const facts = make("dl", { class: "facts" });
  const paths = make("ul", { class: "paths", "aria-label": "paths to the loss" });
  const pathsBox = make("div", { class: "paths-box" }, make("p", {}, "Paths from here to the loss:"), paths);
  const note = make("p", { class: "note" });
  const whose = make("p", { class: "note", hidden: true });
  const box = make("div", {}, whose, row, facts, pathsBox, note);
  let chips = []; // each with the node of its number and what it stands for
  let pathRows = [];
  let selection = null;

  function showRow(message) {
    const all = [...(message.factors ?? []), ...(message.product ? [{ ...message.product, whole: true }] : [])];
    const same = chips.length === all.length && all.every(({ symbol }, i) => chips[i].factor.symbol === symbol);
    if (!same) {
      chips = all.map((factor) => oneChip(factor));
      row.replaceChildren(...chips.flatMap(({ node }, i) => (i ? [sign(all[i].whole ? "=" : "·"), node] : [node])));
      row.hidden = chips.length === 0;
    }
    chips.forEach((chip, i) => {
      chip.factor = all[i];
      setText(chip.value, inProduct(all, i));
    });
  }

  function oneChip(factor) {
    const colour = lab.setup?.colours?.[factor.quantity] ?? factor.symbol.match(/mathcolor="(#\w{6})"/)?.[1];
    const symbol = make("span", { class: "symbol" });
    symbol.innerHTML = readableMath(factor.symbol, lab.dark);
    const value = make("span", { class: "value" });
    const node = make("button", { type: "button", class: factor.whole ? "chip whole" : "chip" }, symbol, value);
    if (colour) node.style.setProperty("--quantity", readable(colour, lab.dark));
    const chip = { factor, node, value };
    lightsUp(node, lab, () => (chip.factor.place ? [chip.factor.place] : selection ? placeOfSelection(selection) : []));
    return chip;
  }

  function showFacts({ of, measured, update }) {
    const lines = [];
    const whose = of === "unit" ? "its bias: " : "";
    if (measured) {
      lines.push([`${whose}chain rule, mean of the mini-batch`, shownNumber(measured.chain_rule)]);
      lines.push(["finite difference", shownNumber(measured.finite_difference)]);
      lines.push(["relative error", shownNumber(measured.relative_error) + (measured.on_kink ? " (on a kink)" : "")]);
    }
    if (update) lines.push(["next update", `${shownNumber(update.before)} → ${shownNumber(update.after)}`]);
    if (facts.children.length !== lines.length) {
      facts.replaceChildren(...lines.map(() => make("div", {}, make("dt"), make("dd"))));
    }
    lines.forEach(([name, value], i) => {
      setText(facts.children[i].firstChild, name);
      setText(facts.children[i].lastChild, value);
    });
    facts.hidden = lines.length === 0;
  }

  function showPaths({ paths: given = [], paths_note = "" }) {
    pathsBox.hidden = given.length === 0;
    setText(note, paths_note ?? "");
    note.hidden = !paths_note;
    if (pathRows.length !== given.length) {
      pathRows = given.map(() => onePath());
      paths.replaceChildren(...pathRows.map(({ item }) => item));
    }
    given.forEach((path, i) => {
      pathRows[i].path = path;
      setText(pathRows[i].way, wayOf(path.units));
      setText(pathRows[i].value, shownNumber(path.value));
    });
  }

  function onePath() {
    const [way, value] = [make("span", { class: "way" }), make("span", { class: "value" })];
    const button = make("button", { type: "button", class: "path" }, way, value);
    const path = { path: null, item: make("li", {}, button), way, value };
    lightsUp(button, lab, () => [...placeOfSelection(selection), ...placesOfPath(path.path.units, selection), { loss: true }]);
    return path;
  }

  const wayOf = (units) => `unit ${units.map((unit) => unit + 1).join(" → ")} → L`;

  return {
    box,
    row,
    show(message) {
      selection = message.selection ?? message;
      setText(whose, wordsOfExample(message, selection));
      whose.hidden = !whose.textContent;
      showRow(message);
      showFacts(message);
      showPaths(message);
    },
    /** The next panel is built anew, in other colours. */
    forget() {
      chips = [];
    },
  };
}

/** Whose the factors are: of one example, while the update follows their mean. */
function wordsOfExample({ example }, { of, name, row, column }) {
  if (example === undefined) return "";
  const thing = of === "unit" ? "Its bias" : name.startsWith("W")
    ? `From ${layerOf(name) > 1 ? "unit" : "input"} ${row + 1} to unit ${column + 1} of layer ${layerOf(name)}`
    : `Of unit ${column + 1} of layer ${layerOf(name)}`;
  return `${thing}, in example ${example + 1} of the mini-batch:`;
}

const sign = (text) => make("span", { class: "sign" }, text);

/** A negative number stands in parentheses between others. */
function inProduct(all, i) {
  const text = shownNumber(all[i].value);
  return text.startsWith("−") && !all[i].whole && i > 0 ? `(${text})` : text;
}
