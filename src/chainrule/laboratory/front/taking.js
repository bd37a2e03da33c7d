// Taking it along: a link, the code, pictures, the model; and bringing a file in.

import { fragmentOf } from "./address.js";
import { createDialog, createMenu } from "./menus.js";
import { make, setText } from "./parts.js";
import { asPNG, pictureOf } from "./picture.js";

const OPENED = ".csv,.parquet,.arrow,.feather,.safetensors,.json";

/**
 * The menu "Take along", the button "Open…", and files that are dropped anywhere.
 * @param {HTMLElement} root  the lab
 * @param {HTMLElement} bar  where the buttons go
 * @param {Object} lab
 * @param {function(): HTMLElement[]} pictured  the parts that are in a picture
 */
export function createTaking(root, bar, lab, pictured) {
  const ask = (as) => lab.send({ do: "export", as });
  const picture = () => pictureOf(pictured(), { background: getComputedStyle(root).getPropertyValue("--raised").trim() });
  const item = (close, label, what, act) => make("button", { type: "button", onclick: () => {
    close();
    act();
  } }, make("span", {}, label), make("small", {}, what));
  const menu = createMenu("Take along", (close) => [
    ...(lab.page ? [item(close, "Link…", "to send, so that another lab opens the same", () => showLink(root, lab))] : []),
    item(close, "Python with chainrule", "a script that trains this network", () => ask("chainrule")),
    item(close, "Plain NumPy", "a script without chainrule", () => ask("numpy")),
    item(close, "Saved model", "for chainrule, or to open here again", () => ask("model")),
    item(close, "Picture, SVG", "the network and its output map", () => save(new Blob([picture().text], { type: "image/svg+xml" }), "chainrule.svg")),
    item(close, "Picture, PNG", "the same as pixels", async () => save(await asPNG(picture()), "chainrule.png")),
  ]);
  const chooser = make("input", { type: "file", accept: OPENED, class: "lab-visually-hidden", tabindex: -1, "aria-hidden": "true" });
  chooser.addEventListener("change", () => {
    if (chooser.files[0]) openFile(lab, chooser.files[0]);
    chooser.value = "";
  });
  const open = createMenu("Open", (close) => [
    item(close, "File…", "a table, a saved model or a lesson; or drop it anywhere", () => chooser.click()),
    ...(lab.page ? [item(close, "Link…", "of an experiment in another lab", () => askLink(root))] : []),
  ]);
  bar.append(open, menu, chooser);
  lab.on("choose-file", () => chooser.click());

  lab.on("file", (file) => {
    if (file.text !== undefined && file.text !== null && /\.py$/.test(file.name)) showCode(root, lab, file);
    else save(new Blob([file.text ?? file.buffers[0]], { type: file.type }), file.name);
  });
  acceptDrops(root, lab);
}

/** Reads a file and hands it to the desk; one that is too large is not sent at all. */
async function openFile(lab, file) {
  const most = lab.setup?.limits?.upload ?? 2 ** 25;
  if (file.size > most) {
    lab.emit("refused", { what: "file", message: `${file.name} has ${megabytes(file.size)} MB; the lab takes files of up to ${megabytes(most)} MB.` });
    return;
  }
  lab.send({ do: "open", name: file.name }, [await file.arrayBuffer()]);
}

function acceptDrops(root, lab) {
  const here = make("p", { class: "lab-drop", hidden: true, "aria-hidden": "true" }, "Drop a table, a saved model or a lesson");
  root.append(here);
  const files = (event) => event.dataTransfer?.types.includes("Files");
  root.addEventListener("dragover", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    here.hidden = false;
  });
  root.addEventListener("dragleave", (event) => {
    if (!root.contains(event.relatedTarget)) here.hidden = true;
  });
  root.addEventListener("drop", (event) => {
    here.hidden = true;
    if (!files(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files[0]) openFile(lab, event.dataTransfer.files[0]);
  });
}

function showCode(root, lab, file) {
  const dialog = createDialog(file.name,
    make("pre", { tabindex: 0, role: "region", "aria-label": "The code" }, make("code", {}, file.text)),
    make("p", { class: "lab-actions" },
      copyButton(lab, "Copy", file.text),
      make("button", { type: "button", onclick: () => save(new Blob([file.text], { type: file.type }), file.name) }, "Download")));
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
}

/** What is sent holds the experiment; the page's own address holds the token of this lab as well. */
function showLink(root, lab) {
  const { settings } = lab.setup;
  const link = make("input", { type: "text", readonly: true, "aria-label": "Link to send", value: `#${fragmentOf(settings, lab.view) || "data=moons"}` });
  const dialog = createDialog("A link to this experiment",
    make("p", {}, 'This is the experiment, without the way to your lab. Another lab opens it by "Link…" in its menu "Open".'),
    make("p", { class: "lab-actions" }, link, copyButton(lab, "Copy", link.value)),
    settings.data === "table" || !lab.setup.can.restructure ? make("p", {}, "What you opened is not in it: send the file too.") : "",
    make("p", {}, "The address of this page opens it at once, but holds the token of this lab: whoever has the address can use your lab " +
      "for as long as it runs. Keep it for yourself, or for those who may."),
    make("p", { class: "lab-actions" }, copyButton(lab, "Copy the address", location.href)));
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
  link.select();
}

/** A link from another machine has another address; what follows its # is the experiment. */
function askLink(root) {
  const input = make("input", { type: "text", "aria-label": "Link", autocomplete: "off", spellcheck: "false", placeholder: "#data=circles&hidden=8:relu" });
  const form = make("form", { method: "dialog", class: "lab-actions" }, input, make("button", { class: "lab-strong" }, "Open"));
  const dialog = createDialog("Open a link", form);
  form.addEventListener("submit", () => {
    location.hash = input.value.trim().replace(/^[^#]*#/, "");
  });
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
  input.focus();
}

function copyButton(lab, words, text) {
  return make("button", { type: "button", onclick: async ({ currentTarget: button }) => {
    await copy(text);
    setText(button, "Copied");
    lab.say("Copied.");
  } }, words);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where the clipboard is closed to pages, the old way still works.
    const area = make("textarea", {});
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

function megabytes(size) {
  return (size / 2 ** 20).toFixed(1);
}
