// Light and dark, and whether things may move: what the person's system says, unless told otherwise.

import { make, setText } from "./parts.js";

/**
 * Keeps `lab.dark`, `lab.reducedMotion` and `data-theme` of the root.
 * @param {HTMLElement} root
 * @param {Object} lab
 * @returns {{button: HTMLButtonElement}}  turns it to the other
 */
export function createTheme(root, lab) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const button = make("button", { type: "button", class: "lab-quiet", onclick: () => lab.setView({ v_theme: lab.dark ? "light" : "dark" }) });

  function update() {
    const chosen = ["light", "dark"].includes(lab.view.v_theme) ? lab.view.v_theme : hostTheme();
    lab.dark = chosen ? chosen === "dark" : system.matches;
    lab.reducedMotion = still.matches;
    root.dataset.theme = lab.dark ? "dark" : "light";
    setText(button, lab.dark ? "Light" : "Dark");
    button.title = lab.dark ? "Light colours" : "Dark colours";
    lab.emit("theme", { dark: lab.dark });
  }
  update();
  lab.on("view", update);
  system.addEventListener("change", update);
  still.addEventListener("change", update);
  const host = new MutationObserver(update);
  if (!lab.page) host.observe(document.body, { attributes: true, attributeFilter: ["class", "data-jp-theme-light", "data-theme"] });
  lab.atEnd(() => {
    host.disconnect();
    system.removeEventListener("change", update);
    still.removeEventListener("change", update);
  });
  return { button };

  /** What JupyterLab, VS Code or marimo says of its own colours. */
  function hostTheme() {
    if (lab.page) return null;
    const { classList, dataset } = document.body;
    if (dataset.jpThemeLight) return dataset.jpThemeLight === "true" ? "light" : "dark";
    if (classList.contains("vscode-dark") || classList.contains("dark") || dataset.theme === "dark") return "dark";
    return classList.contains("vscode-light") || classList.contains("light") || dataset.theme === "light" ? "light" : null;
  }
}
