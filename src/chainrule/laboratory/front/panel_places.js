// From a thing on the panel to its places on the diagram, and how they light up.

import { layerOf } from "./numbers.js";

/**
 * Lights the places up while the node is looked at. `places` is asked each time, since it may change.
 * @param {HTMLElement} node
 * @param {object} lab
 * @param {() => object[]} places
 */
export function lightsUp(node, lab, places) {
  const on = () => lab.emit("highlight", { places: places() });
  const off = () => lab.emit("highlight", { places: [] });
  for (const kind of ["pointerenter", "focusin"]) node.addEventListener(kind, on);
  for (const kind of ["pointerleave", "focusout"]) node.addEventListener(kind, off);
}

/**
 * The units of a path and the weights between them.
 * @param {number[]} units from the selected parameter's unit to the output
 * @param {object} selection
 * @returns {object[]}
 */
export function placesOfPath(units, selection) {
  const first = selection.of === "unit" ? selection.layer : layerOf(selection.name);
  return units.flatMap((unit, i) => {
    const here = { layer: first + i, unit };
    return i === 0 ? [here] : [{ name: `W${first + i}`, row: units[i - 1], column: unit }, here];
  });
}

/** Where the selected thing is itself. @param {object} selection */
export function placeOfSelection(selection) {
  if (selection.of === "weight") return [{ name: selection.name, row: selection.row ?? 0, column: selection.column }];
  return selection.of === "unit" ? [{ layer: selection.layer, unit: selection.unit }] : [{ loss: true }];
}
