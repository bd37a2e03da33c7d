// The pages of a derivation, folded; what is open stays open, and where it was, while numbers change.

import { make } from "./parts.js";
import { readableMath } from "./colours.js";
import { lightsUp } from "./panel_places.js";

/** @param {object} lab */
export function makeSections(lab) {
  const box = make("div", { class: "sections" });
  const known = new Map(); // by title, and which of the same title
  const opened = new Set(); // titles: they stay open for another weight too

  function oneSection(title) {
    const page = make("div", { class: "page", role: "region", "aria-label": title, tabindex: "0" });
    const summary = make("summary", {}, title);
    const node = make("details", { open: opened.has(title) }, summary, page);
    const section = { node, page, html: "", drawn: null, places: [] };
    node.addEventListener("toggle", () => {
      opened[node.open ? "add" : "delete"](title);
      fill(section);
    });
    lightsUp(summary, lab, () => section.places);
    return section;
  }

  /** Mathematics is laid out only where it is seen. */
  function fill(section) {
    if (!section.node.open || section.drawn === section.html) return;
    section.drawn = section.html;
    const [left, top] = [section.page.scrollLeft, section.page.scrollTop];
    section.page.innerHTML = readableMath(section.html, lab.dark);
    [section.page.scrollLeft, section.page.scrollTop] = [left, top];
  }

  return {
    box,
    show({ title: whole, sections = [] }) {
      const titles = sections.map(({ title }) => (!title || title === whole ? "Symbols and numbers" : title));
      const keys = titles.map((title, i) => `${title} ${titles.slice(0, i).filter((other) => other === title).length}`);
      for (const [key, { node }] of known) {
        if (keys.includes(key)) continue;
        node.remove();
        known.delete(key);
      }
      sections.forEach(({ html, places = [] }, i) => {
        if (!known.has(keys[i])) known.set(keys[i], oneSection(titles[i]));
        const section = known.get(keys[i]);
        Object.assign(section, { html, places });
        if (box.children[i] !== section.node) box.insertBefore(section.node, box.children[i] ?? null);
        fill(section);
      });
    },
    forget() {
      for (const section of known.values()) section.drawn = null;
    },
  };
}

/** Pages of a walk's phase: one that is always open. @param {object} lab @param {string} label */
export function makePage(lab, label) {
  const node = make("div", { class: "page", role: "region", "aria-label": label, tabindex: "0", hidden: true });
  return {
    node,
    show(html, name) {
      node.hidden = !html;
      if (name) node.setAttribute("aria-label", name);
      node.innerHTML = readableMath(html ?? "", lab.dark);
    },
  };
}
