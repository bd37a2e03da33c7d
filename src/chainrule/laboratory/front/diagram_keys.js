// The diagram by keyboard: from unit to unit, and to the weights that arrive at one.

const STEPS = { ArrowUp: -1, ArrowDown: 1 };

/**
 * What a key does where the focus is.
 * @param {KeyboardEvent} event
 * @param {{weight?: object, unit?: object, bias?: boolean}} thing that has the focus
 * @param {object} parts of the diagram
 * @param {(thing: object) => void} select
 * @returns {boolean} whether the key meant anything
 */
export function moveOnDiagram(event, thing, parts, select) {
  if (event.altKey || event.ctrlKey || event.metaKey || !parts) return false;
  if (thing.weight) return onWeight(event.key, thing, parts, select);
  if (thing.unit) return onUnit(event.key, thing.unit, parts, select);
  return false;
}

function onUnit(key, unit, { layout, units, weights, find }, select) {
  const column = layout.columns[unit.layer].places;
  const row = column.findIndex((place) => place.unit === unit.unit);
  const go = (layer, place) => (find(layer, place.unit).button.focus(), true);
  if (key in STEPS) {
    const next = column[row + STEPS[key]];
    return next ? go(unit.layer, next) : true;
  }
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const layer = unit.layer + (key === "ArrowLeft" ? -1 : 1);
    const places = layout.columns[layer]?.places;
    if (!places) return true;
    const level = (place) => Math.abs(place.y - unit.y);
    return go(layer, places.reduce((best, place) => (level(place) < level(best) ? place : best)));
  }
  if (key === "Home") return go(unit.layer, column[0]);
  if (key === "End") return go(unit.layer, column.at(-1));
  if (key === "w") return (weights.into(unit.layer, unit.unit)[0]?.reach.focus(), true);
  if (key === "b" && unit.mark) return (select({ unit, bias: true }), true);
  return false; // Enter and space click a button by themselves
}

function onWeight(key, { weight }, { weights, find }, select) {
  const all = weights.into(weight.layer, weight.column);
  const at = all.indexOf(weight);
  if (key in STEPS) return (all[at + STEPS[key]]?.reach.focus(), true);
  if (key === "Enter" || key === " ") return (select({ weight }), true);
  if (key === "Escape" || key === "ArrowRight") return (find(weight.layer, weight.column).button.focus(), true);
  if (key === "ArrowLeft") return (find(weight.layer - 1, weight.row).button.focus(), true);
  return false;
}
