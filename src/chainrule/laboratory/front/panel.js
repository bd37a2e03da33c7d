// The chain-rule panel: what is selected, as a product of factors, with the pages behind it.

import { make, setText } from "./parts.js";
import { makeProduct } from "./panel_product.js";
import { makeSections } from "./panel_sections.js";
import { makeIncoming } from "./panel_incoming.js";
import { makeWalk } from "./walk.js";
import { sameSelection } from "./numbers.js";

const HINT = "Click a weight, a unit, a bias or a point to follow its numbers through the chain rule.";

/**
 * @param {HTMLElement} root
 * @param {object} lab
 */
export function createPanel(root, lab) {
  root.classList.add("panel");
  const walk = makeWalk(lab);
  const title = make("h3", { class: "panel-title", tabindex: "-1" });
  const close = make("button", { type: "button", class: "plain", onclick: leave }, "show nothing");
  const hint = make("p", { class: "hint" }, HINT);
  const product = makeProduct(lab);
  const incoming = makeIncoming(lab);
  const sections = makeSections(lab);
  const head = make("div", { class: "panel-head" }, title, close);
  const body = make("div", { hidden: true }, head, product.box, incoming.box, sections.box);
  const said = make("p", { class: "lab-visually-hidden", role: "status" });
  root.append(walk.box, hint, body, said);
  let shown = null; // the last panel
  let dark = lab.dark;

  function leave() {
    lab.select(null);
    root.querySelector("button")?.focus();
  }

  function show(message) {
    const another = !shown || !sameSelection(shown.selection ?? shown, message.selection ?? message);
    shown = message;
    body.hidden = false;
    hint.hidden = true;
    setText(title, message.title);
    product.show(message);
    incoming.show(message);
    sections.show(message);
    if (!another) return;
    setText(said, `${message.title}. ${message.product?.value ?? ""}`);
    // Who selects something on the diagram sees that it is answered.
    if (lab.selection) (product.row.hidden ? head : product.row).scrollIntoView({ block: "nearest", behavior: lab.reducedMotion ? "auto" : "smooth" });
  }

  function clear() {
    shown = null;
    body.hidden = true;
    hint.hidden = false;
    lab.emit("highlight", { places: [] });
  }

  lab.on("panel", (message) => (message.of ? show(message) : clear()));
  lab.on("selection", (selection) => {
    if (!selection) clear();
  });
  lab.on("theme", () => {
    if (!shown || dark === lab.dark) return;
    dark = lab.dark;
    [product, sections].forEach((part) => part.forget());
    show(shown);
  });
}
