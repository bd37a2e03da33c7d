// The network on the page: what is drawn when, and what a person does with it.

import { keepFocus, make, makeSVG, makeTooltip, textScale } from "./parts.js";
import { layoutOf } from "./diagram_layout.js";
import { headOf, makeControls, makeLayerButtons } from "./diagram_controls.js";
import { drawBiases, drawFollowed, makePainter, makeUnits, wordsOfUnit } from "./diagram_units.js";
import { makeLoss, makeWeights, wordsOfWeight } from "./diagram_weights.js";
import { parameterSymbol, shownNumber } from "./numbers.js";
import { moveOnDiagram } from "./diagram_keys.js";

const HELP =
  "Arrow keys move between units: left and right by layer, up and down within one. Enter shows a unit's chain rule, " +
  "b its bias's. w goes to the weights that arrive at it, Escape comes back.";

/**
 * @param {HTMLElement} root
 * @param {object} lab
 */
export function createDiagram(root, lab) {
  root.classList.add("diagram");
  const bar = make("div", { class: "diagram-bar" });
  const stage = make("div", { class: "stage", role: "group", "aria-label": "the network" });
  const scroll = make("div", { class: "scroll" }, stage);
  const help = make("p", { class: "lab-visually-hidden" }, HELP);
  root.append(bar, scroll, help);
  const tooltip = makeTooltip(root);
  let parts = null; // all that belongs to one setup and one width
  let hovered = null; // what the tooltip speaks of
  const lit = [[], []]; // what is looked at on the panel; and what lies below it, for as long as a walk lasts
  let followed = null;
  let current = "unit 0 0"; // the key of the unit that Tab comes to

  function build() {
    const { setup } = lab;
    if (!setup) return;
    hovered = null;
    tooltip.hide();
    const layout = layOut();
    keepFocus(root, () => {
      bar.replaceChildren(makeLayerButtons(lab));
      stage.replaceChildren();
      stage.style.width = `${layout.width}px`;
      stage.style.height = `${layout.height}px`;
      const svg = makeSVG("svg", { width: layout.width, height: layout.height, role: "group", "aria-label": "weights" });
      stage.append(svg);
      makeControls(stage, lab, layout);
      const weights = makeWeights(svg, setup, layout);
      const loss = makeLoss(svg, stage, layout);
      parts = { layout, weights, loss, dark: lab.dark, ...makeUnits(stage, setup, layout), painter: makePainter(setup, lab.dark) };
      sayMore(stage, layout);
    }, ".unit[tabindex='0']");
    parts.painter.paintInputs(parts.units);
    if (lab.frame) draw(lab.frame);
    setCurrent(stage.querySelector(`[data-key="${current}"]`) ?? parts.units[0].button);
    mark();
  }

  function layOut() {
    const scale = textScale();
    return layoutOf(lab.setup, scroll.clientWidth, headOf(lab.setup, scale), scale);
  }

  function draw(frame) {
    if (!parts || frame.buffers[0].byteLength !== 4 * sizeOf(lab.setup)) return; // of another network
    parts.weights.draw(frame);
    drawBiases(parts.units, frame);
    parts.painter.paint(parts.units, frame);
    if (followed) parts.weights.follow(followed);
    if (!frame.playing) for (const unit of parts.units) nameUnit(unit);
    if (hovered) tooltip.say(wordsOf(hovered));
  }

  const nameUnit = (unit) => unit.button.setAttribute("aria-label", wordsOfUnit(lab.setup, unit, unit.biasNow ?? NaN));

  /** Everything that is selected or lit up, and nothing else. */
  function mark() {
    if (!parts) return;
    for (const node of stage.querySelectorAll(".lit, .selected")) node.classList.remove("lit", "selected");
    for (const node of nodesOf(parts, lab.selection, lab)) node.classList.add("selected");
    for (const place of lit[0].length ? lit[0] : lit[1]) for (const node of nodesOf(parts, place, lab)) node.classList.add("lit");
  }

  function setCurrent(button) {
    stage.querySelector(".unit[tabindex='0']")?.setAttribute("tabindex", "-1");
    button.setAttribute("tabindex", "0");
    current = button.dataset.key;
  }

  /** What the page's node is: a weight, a unit or a bias. */
  function thingOf(node) {
    const target = node.closest?.(".unit, .bias, .loss, .reach path");
    if (!target || !parts) return null;
    if (target.matches("path")) return { weight: parts.weights.weights.find((w) => w.reach === target), node: target };
    if (target.matches(".loss")) return { loss: true, node: target };
    const unit = parts.units.find((u) => u.button === target || u.mark === target);
    return unit && { unit, bias: target === unit.mark, node: target };
  }

  function wordsOf({ weight, unit, bias, loss }) {
    if (weight) return [wordsOfWeight(weight)];
    if (loss) return [`L = ${shownNumber(lab.frame?.loss.train ?? NaN)}`, "on the training examples"];
    const { layer, unit: j } = unit;
    const biasLine = unit.bias < 0 ? [] : [`${parameterSymbol(`b${layer}`, 0, j)} = ${shownNumber(unit.biasNow ?? NaN)}`];
    return bias ? biasLine : [wordsOfUnit(lab.setup, unit, NaN), ...biasLine];
  }

  function hover(event) {
    hovered = thingOf(event.target);
    if (!hovered) return tooltip.hide();
    const box = hovered.node.getBoundingClientRect();
    const byMouse = event.type === "pointermove" || event.type === "pointerover";
    const [x, y] = byMouse ? [event.clientX, event.clientY] : [box.left + box.width / 2, box.top + box.height / 2];
    tooltip.show(wordsOf(hovered), x, y);
  }

  function select({ weight, unit, bias }) {
    if (weight) lab.select({ of: "weight", name: weight.name, row: weight.row, column: weight.column });
    else if (bias) lab.select({ of: "weight", name: `b${unit.layer}`, row: 0, column: unit.unit });
    else if (unit) lab.select({ of: "unit", layer: unit.layer, unit: unit.unit });
  }

  stage.addEventListener("pointerover", hover);
  stage.addEventListener("pointermove", (event) => hovered && hover(event));
  stage.addEventListener("pointerleave", () => ((hovered = null), tooltip.hide()));
  stage.addEventListener("click", (event) => {
    const thing = thingOf(event.target);
    if (!thing) return;
    if (thing.unit) setCurrent(thing.unit.button);
    select(thing);
  });
  stage.addEventListener("focusin", (event) => {
    const thing = thingOf(event.target);
    if (!thing) return;
    if (thing.unit && !thing.bias) (setCurrent(thing.node), nameUnit(thing.unit));
    if (thing.weight) thing.node.setAttribute("aria-label", `${thing.weight.label}: ${shownNumber(thing.weight.value)}`);
    if (thing.node.matches(":focus-visible")) hover(event);
  });
  stage.addEventListener("focusout", () => ((hovered = null), tooltip.hide()));
  stage.addEventListener("keydown", (event) => {
    const thing = thingOf(event.target);
    if (event.key === "Escape") tooltip.hide();
    if (thing && moveOnDiagram(event, thing, parts, select)) event.preventDefault();
  });

  lab.on("setup", () => ((followed = null), build()));
  lab.on("refused", ({ what }) => {
    if (!lab.setup || what !== "hidden") return;
    for (const field of stage.querySelectorAll("input.formula")) {
      if (field.value !== field.defaultValue) field.setAttribute("aria-invalid", "true");
    }
  });
  lab.on("frame", draw);
  lab.on("selection", mark);
  lab.on("highlight", ({ places = [], stays }) => ((lit[stays ? 1 : 0] = places), mark()));
  lab.on("theme", () => parts && parts.dark !== lab.dark && build());
  lab.on("followed", ({ x, values }) => {
    followed = x ? values : null;
    if (!parts) return;
    drawFollowed(parts.units, followed);
    parts.weights.follow(followed);
  });
  const resized = new ResizeObserver(() => {
    if (parts && Math.abs(layOut().width - parts.layout.width) > 1) build();
  });
  resized.observe(scroll);
  if (lab.setup) build();
  lab.atEnd?.(() => resized.disconnect());
}

const sizeOf = (setup) => setup.parameters.reduce((sum, { rows, columns }) => sum + rows * columns, 0);

function sayMore(stage, { columns }) {
  for (const { x, more, end } of columns) {
    if (more <= 0) continue;
    const words = make("div", { class: "more" }, `… ${more} more`);
    words.style.left = `${x}px`;
    words.style.top = `${end}px`;
    stage.append(words);
  }
}

/** The nodes that a place or a selection means; none for what isn't drawn. */
function nodesOf({ units, weights, loss, find }, place, lab) {
  if (!place) return [];
  if (place.loss) return [loss];
  if (place.of === "point") return [];
  if (place.name?.startsWith("W")) return [weights.find(place)?.reach].filter(Boolean);
  if (place.name) { // a bias, or a gain, which has no mark of its own
    const unit = units.find((u) => u.layer === Number(place.name.replace(/^\D+/, "")) && u.unit === place.column);
    return unit ? [place.name.startsWith("b") && unit.mark ? unit.mark : unit.button] : [];
  }
  const unit = find(place.layer, place.unit);
  return unit ? [unit.button] : [];
}
