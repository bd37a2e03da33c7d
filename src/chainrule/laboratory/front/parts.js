// The small parts of a page that several components need: elements, the tooltip, focus that survives.

/**
 * A new element. Attributes beginning with "on" are listeners; a true one is empty, a false one absent.
 * @param {string} tag @param {object} attributes @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/** The same for SVG. @returns {SVGElement} */
export function makeSVG(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

/** How many times as large as usual the page's text is, where a person enlarges it. @returns {number} */
export function textScale() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
}

/** Sets a text only where it changed, so that nothing is laid out for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** The element that has the focus, also inside a shadow root. @param {Element} root */
export function focusedIn(root) {
  const focused = root.getRootNode().activeElement;
  return focused && root.contains(focused) ? focused : null;
}

/**
 * Builds anew, and gives the focus back to the element with the same `data-key`, or to the first
 * one of `otherwise`.
 * @param {HTMLElement} root @param {() => void} build @param {string} otherwise a selector
 */
export function keepFocus(root, build, otherwise = "") {
  const focused = focusedIn(root);
  const key = focused?.dataset.key;
  build();
  if (!focused || root.contains(focused)) return;
  const again = key && root.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
  (again || (otherwise && root.querySelector(otherwise)))?.focus({ preventScroll: true });
}

/**
 * A tooltip inside `root`, which must be positioned. `show` takes lines of text and a point of the window.
 * @param {HTMLElement} root
 */
export function makeTooltip(root) {
  const box = make("div", { class: "tooltip", "aria-hidden": "true", hidden: true });
  root.append(box);
  let at = null;
  return {
    show(lines, x, y) {
      box.replaceChildren(...lines.map((line) => make("div", {}, line)));
      box.hidden = false;
      const [edge, own] = [root.getBoundingClientRect(), box.getBoundingClientRect()];
      const left = Math.min(x - edge.left + 14, edge.width - own.width - 4);
      const above = y - edge.top - own.height - 12;
      box.style.left = `${Math.max(2, left)}px`;
      box.style.top = `${above < 0 ? y - edge.top + 18 : above}px`;
      at = [x, y];
    },
    /** Other words at the same place. */
    say(lines) {
      if (box.hidden || !at) return;
      if (lines.length !== box.children.length) return this.show(lines, ...at);
      lines.forEach((line, i) => setText(box.children[i], line));
    },
    hide() {
      box.hidden = true;
    },
  };
}
