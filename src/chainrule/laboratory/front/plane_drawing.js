// Points drawn by hand: a class or a value is chosen, and the plane takes points of it.

import { make } from "./parts.js";
import { atMostEvery } from "./numbers.js";

const NEAR = 14; // pixels within which a point is taken away
const APART = 12; // pixels between two points of one stroke
const DRAWN_PATIENCE = 10000; // milliseconds for the desk's answer to come

/**
 * @param {HTMLElement} box for the buttons
 * @param {object} lab
 * @param {() => void} changed the points that are drawn have changed
 */
export function makeDrawing(box, lab, changed) {
  let points = []; // [x1, x2, target]
  let before = []; // what `points` was before each stroke
  let target = 0;
  let drawing = false;
  let last = null;
  let awaited = null; // what was sent and has not come back, and when
  const send = atMostEvery(250, () => {
    awaited = { points: JSON.stringify(points), at: performance.now() };
    lab.send({ do: "set", settings: { points } });
  });
  const undo = button("undo", () => before.length && put(before.pop()));
  const clear = button("clear", () => points.length && (before.push(points), put([])));

  function put(next) {
    points = next;
    undo.disabled = before.length === 0;
    clear.disabled = points.length === 0;
    changed();
    if (points.length >= fewest()) send(); // fewer are no data: they wait for more
  }

  const [fewest, most] = [0, 1].map((end) => () => lab.setup.limits.points[end]);
  const rounded = (number) => Number(number.toFixed(3)); // as the address keeps it

  function build() {
    const { setup } = lab;
    box.hidden = !isOn();
    if (box.hidden) return;
    const choice = make("div", { class: "targets", role: "radiogroup", "aria-label": "what is drawn" });
    if (setup.task === "regression") {
      const field = make("input", {
        type: "number", step: "any", value: target, "aria-label": "value of the points", "data-key": "draw value",
        oninput: () => Number.isFinite(field.valueAsNumber) && (target = field.valueAsNumber),
      });
      choice.removeAttribute("role");
      choice.append(make("label", {}, "value ", field));
    } else {
      target = Math.min(target, setup.class_names.length - 1);
      setup.class_names.forEach((name, k) => {
        const radio = make("input", {
          type: "radio", name: `draws-${setup.desk}`, checked: k === target, "data-key": `draw ${k}`, onchange: () => (target = k),
        });
        choice.append(make("label", {}, radio, `class ${name}`));
      });
    }
    undo.disabled = before.length === 0;
    clear.disabled = points.length === 0;
    const how = `Click or drag adds; right click or Alt takes away. The network learns from ${fewest()} points on.`;
    box.replaceChildren(choice, undo, clear, make("span", { class: "note" }, how));
  }

  const isOn = () => Boolean(lab.setup?.can.draw);
  const nearest = (scales, px, py) => {
    let [best, least] = [-1, NEAR];
    points.forEach(([x, y], i) => {
      const distance = Math.hypot(scales.toX(x) - px, scales.toY(y) - py);
      if (distance < least) [best, least] = [i, distance];
    });
    return best;
  };

  return {
    isOn,
    build,
    points: () => points,
    /** The desk's points, unless some of ours are on their way. */
    take() {
      const theirs = lab.setup.settings.points ?? [];
      const older = awaited && JSON.stringify(theirs) !== awaited.points && performance.now() - awaited.at < DRAWN_PATIENCE;
      if (drawing || send.waiting() || older) return build();
      [points, awaited] = [theirs, null];
      build();
    },
    begin() {
      before.push(points);
      drawing = true;
      last = null;
    },
    end() {
      drawing = false;
    },
    add(scales, px, py) {
      if (last && Math.hypot(last[0] - px, last[1] - py) < APART) return;
      last = [px, py];
      if (points.length < most()) put([...points, [rounded(scales.fromX(px)), rounded(scales.fromY(py)), target]]);
    },
    remove(scales, px, py) {
      const index = nearest(scales, px, py);
      if (index >= 0) put(points.filter((_, i) => i !== index));
    },
  };
}

function button(text, onclick) {
  return make("button", { type: "button", "data-key": `draw ${text}`, onclick }, text);
}
