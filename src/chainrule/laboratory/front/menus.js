// Menus and dialogs, and names that no other element has.

import { make } from "./parts.js";

/**
 * A name that no other element has, even where several labs are on one page.
 * @param {string} word
 * @returns {string}
 */
export function uniqueId(word) {
  return `chainrule-${word}-${Math.random().toString(36).slice(2, 10)}`;
}

/**
 * A button with a menu of acts under it; Escape and a click elsewhere close it.
 * @param {string} label
 * @param {function(function(): void): Node[]} items  makes what is in it, given what closes it
 * @returns {HTMLElement}
 */
export function createMenu(label, items) {
  const id = uniqueId("menu");
  const list = make("div", { class: "lab-menu-list", id, hidden: true });
  const button = make("button", {
    type: "button", class: "lab-menu-button", "aria-expanded": "false", "aria-controls": id,
    onclick: () => show(list.hidden),
  }, label);
  const menu = make("div", { class: "lab-menu" }, button, list);

  function show(open) {
    if (open) list.replaceChildren(...items(() => { show(false); button.focus(); }));
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) keepInside(list);
  }
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || list.hidden) return;
    event.stopPropagation();
    show(false);
    button.focus();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) show(false);
  });
  const away = (event) => {
    if (!menu.isConnected && !list.hidden) document.removeEventListener("pointerdown", away);
    else if (!list.hidden && !event.composedPath().includes(menu)) show(false);
  };
  document.addEventListener("pointerdown", away);
  return menu;
}

/** Moves a menu to the left where it would leave the window. */
function keepInside(list) {
  list.style.translate = "";
  const over = list.getBoundingClientRect().right + 8 - document.documentElement.clientWidth;
  if (over > 0) list.style.translate = `${-over}px 0`;
}

/**
 * A dialog with a title and a button that closes it.
 * @param {string} title
 * @param {...Node} children
 * @returns {HTMLDialogElement}
 */
export function createDialog(title, ...children) {
  const id = uniqueId("dialog");
  const dialog = make("dialog", { class: "lab-dialog", "aria-labelledby": id },
    make("div", { class: "lab-dialog-head" },
      make("h2", { id }, title),
      make("button", { type: "button", "aria-label": "Close", class: "lab-quiet",
        onclick: () => dialog.close() }, "✕")),
    ...children);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  return dialog;
}
