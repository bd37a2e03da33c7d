// What is seen of the output: in steps or not, with the test examples or without.

import { make } from "./parts.js";

/**
 * @param {HTMLElement} root
 * @param {Object} lab
 */
export function createOptions(root, lab) {
  const box = (key, words) => {
    const input = make("input", { type: "checkbox", name: key, onchange: () => lab.setView({ [key]: input.checked ? 1 : null }) });
    lab.on("view", () => { input.checked = Boolean(lab.view[key]); });
    const label = make("label", { class: "lab-check" }, input, words);
    root.append(label);
    return label;
  };
  box("v_discrete", "Discrete");
  const test = box("v_test", "Test examples");
  lab.on("setup", (setup) => { test.hidden = !setup.buffers[3]?.byteLength; });
}
