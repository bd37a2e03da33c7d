// Single keys for what is done most, the dialog that lists them, and the switch that turns them off.

import { createDialog } from "./menus.js";
import { make } from "./parts.js";

const SHORTCUTS = [
  [" ", "Space", "play", "Play or pause"],
  ["b", "B", "batch", "One batch"],
  ["e", "E", "epoch", "One epoch"],
  ["r", "R", "reset", "Reset"],
  ["n", "N", "walk", "Next phase of the walk through a mini-batch"],
];
const STORED = "chainrule-lab-shortcuts";
const TYPING = "input, select, textarea, [contenteditable=true], dialog";
const PRESSED_BY_SPACE = "button, summary, a[href], [role=button], [tabindex]";

/**
 * @param {HTMLElement} root  the lab
 * @param {Object} lab
 * @param {function(string): void} act
 * @returns {{dialog: HTMLDialogElement, stop: function(): void}}
 */
export function createShortcuts(root, lab, act) {
  let on = stored() !== "off";
  const box = make("input", { type: "checkbox", onchange: () => {
    on = box.checked;
    store(on ? "on" : "off");
  } });
  box.checked = on;
  const dialog = createDialog("Keyboard",
    make("dl", { class: "lab-keys" }, ...SHORTCUTS.map(([, key, , words]) =>
      make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, words)))),
    make("p", {}, "They act everywhere but in a field where something is typed or chosen. Everything else is reached with ",
      make("kbd", {}, "Tab"), "; in the network and on the map the arrow keys go from one to the next, ",
      make("kbd", {}, "Enter"), " chooses. On a unit ", make("kbd", {}, "W"), " goes to the weights that arrive there, ",
      make("kbd", {}, "Esc"), " comes back, and ", make("kbd", {}, "B"), " chooses its bias."),
    make("label", { class: "lab-check" }, box, " Single-key shortcuts"));

  // In a notebook the keys count only inside the lab; the page is the lab.
  const place = lab.page ? document : root;
  const pressed = (event) => {
    if (!on || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const from = event.composedPath()[0];
    if (!(from instanceof Element) || from.closest(TYPING) || dialog.open) return;
    const shortcut = SHORTCUTS.find(([key]) => key === event.key.toLowerCase());
    if (!shortcut || (event.key === " " && from.closest(PRESSED_BY_SPACE))) return;
    event.preventDefault();
    event.stopPropagation();
    act(shortcut[2]);
  };
  place.addEventListener("keydown", pressed);
  return { dialog, stop: () => place.removeEventListener("keydown", pressed) };
}

function stored() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function store(value) {
  try {
    localStorage.setItem(STORED, value);
  } catch {
    // A page that may store nothing keeps the choice until it is closed.
  }
}
