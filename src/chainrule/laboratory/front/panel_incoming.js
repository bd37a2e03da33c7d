// The parameters of a selected unit: each a button that selects it, with its number as it is now.

import { make, setText } from "./parts.js";
import { atMostEvery, floatsOf, parameterPlaces, parameterSymbol, shownNumber } from "./numbers.js";
import { lightsUp, placeOfSelection } from "./panel_places.js";

const MOST_SHOWN = 64;

/** @param {object} lab */
export function makeIncoming(lab) {
  const list = make("ul", { class: "incoming", "aria-label": "weights and bias of this unit" });
  const more = make("p", { class: "note", hidden: true });
  const box = make("div", { hidden: true }, make("p", {}, "What it learns; select one:"), list, more);
  let entries = [];
  let key = "";

  function build({ layer, unit }) {
    const places = parameterPlaces(lab.setup);
    const rows = places.get(`W${layer}`)?.rows ?? 0;
    const own = Array.from({ length: Math.min(rows, MOST_SHOWN) }, (_, row) => ({ of: "weight", name: `W${layer}`, row, column: unit }));
    for (const name of [`b${layer}`, `gamma${layer}`]) if (places.has(name)) own.push({ of: "weight", name, row: 0, column: unit });
    entries = own.map((selection) => {
      const { start, columns } = places.get(selection.name);
      const value = make("span", { class: "value" });
      const symbol = make("span", { class: "symbol" }, parameterSymbol(selection.name, selection.row, unit));
      const button = make("button", { type: "button", class: "path", onclick: () => lab.select(selection) }, symbol, value);
      lightsUp(button, lab, () => placeOfSelection(selection));
      return { at: start + selection.row * columns + unit, value, item: make("li", {}, button) };
    });
    list.replaceChildren(...entries.map(({ item }) => item));
    more.hidden = rows <= MOST_SHOWN;
    setText(more, `… ${rows - MOST_SHOWN} more`);
  }

  const update = atMostEvery(200, () => {
    if (box.hidden || !lab.frame) return;
    const numbers = floatsOf(lab.frame.buffers[0]);
    for (const { at, value } of entries) setText(value, shownNumber(numbers[at]));
  });

  lab.on("frame", update);
  return {
    box,
    show(message) {
      const selection = message.selection ?? message;
      box.hidden = message.of !== "unit" || !(selection.layer > 0);
      if (box.hidden) return;
      const now = `${selection.layer} ${selection.unit} ${lab.setup.parameters.map(({ rows, columns }) => `${rows},${columns}`)}`;
      if (now !== key) ((key = now), build(selection));
      update();
    },
  };
}
