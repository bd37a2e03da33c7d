// The lab: its regions, what they share, and the way of each message to those who want it.

import { createAddress, settingsIn, unknownSentence } from "./address.js";
import { createDataControls, createTrainingControls } from "./controls.js";
import { createCurve } from "./curve.js";
import { createDiagram } from "./diagram.js";
import { createLayerList } from "./layers.js";
import { createWantedLayers } from "./wanted_layers.js";
import { createLesson } from "./lesson.js";
import { createNews } from "./news.js";
import { createPanel } from "./panel.js";
import { make } from "./parts.js";
import { createPlane } from "./plane.js";
import { createShortcuts } from "./shortcuts.js";
import { createSlice } from "./slice.js";
import { createSocketModel } from "./socket.js";
import { createTaking } from "./taking.js";
import { createTheme } from "./theme.js";
import { createTransport } from "./transport.js";

const DESK = "chainrule-lab-desk";
const HERE_EVERY = 60000; // milliseconds between two signs of life of a notebook's view

/**
 * What the components share: the last messages, the selection, the way to the desk, and who listens.
 * @param {Object} model
 * @returns {Object}
 */
function createStore(model) {
  const listeners = new Map();
  const ends = [];
  const lab = {
    page: model.page === true,
    setup: null,
    frame: null,
    selection: null,
    view: {},
    reducedMotion: false,
    dark: false,
    send(message, buffers = []) {
      model.send(message, undefined, buffers);
    },
    set(settings) {
      lab.send({ do: "set", settings });
    },
    on(kind, handler) {
      listeners.set(kind, [...(listeners.get(kind) ?? []), handler]);
      return () => listeners.set(kind, listeners.get(kind).filter((other) => other !== handler));
    },
    emit(kind, message) {
      for (const handler of listeners.get(kind) ?? []) handler(message);
    },
    select(selection) {
      lab.selection = selection;
      lab.emit("selection", selection);
      lab.send({ do: "explain", ...(selection ?? { of: null }) });
    },
    /** What is only seen, as the address has it: keys that begin with "v_". */
    setView(changes) {
      lab.showView({ ...lab.view, ...changes });
      lab.emit("address", lab.view);
    },
    showView(view) {
      lab.view = view;
      lab.emit("view", view);
    },
    /** A sentence for who hears the page: seldom, and politely. */
    say(sentence) {
      lab.emit("say", sentence);
    },
    atEnd: (act) => ends.push(act),
    end() {
      for (const act of ends) act();
      listeners.clear();
    },
  };
  return lab;
}

/**
 * Draws the lab in an element; an anywidget front-end, and the page's as well.
 * @param {{model: Object, el: HTMLElement}} given
 * @returns {function(): void}  takes it away again
 */
function render({ model, el }) {
  const lab = createStore(model);
  lab.layers = createWantedLayers(lab);
  el.classList.add("chainrule-lab");
  // JupyterLab's own single keys stay out of the lab.
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  const theme = createTheme(el, lab);
  const parts = layOut(el, lab);
  const transport = createTransport(parts.transport, lab);
  keepInSight(el, lab);
  const shortcuts = createShortcuts(el, lab, transport.act);
  el.append(shortcuts.dialog);
  createLesson(parts.lesson, parts.menus, lab, el);
  createTaking(el, parts.menus, lab, () => [parts.diagram, parts.plane]);
  parts.menus.append(theme.button, make("button", { type: "button", class: "lab-quiet", onclick: () => shortcuts.dialog.showModal() }, "Keys"));
  createDataControls(parts.data, lab);
  createTrainingControls(parts.training, lab);
  createDiagram(parts.diagram, lab);
  createLayerList(parts["layers-list"], lab);
  createPlane(parts.plane, lab);
  createCurve(parts.curve, lab);
  createSlice(parts.slice, lab);
  createPanel(parts.panel, lab);
  createNews(parts, lab, model);

  const address = lab.page ? createAddress(lab) : null;
  if (address) {
    lab.showView(settingsIn(location.hash).view);
    for (const kind of ["setup", "settings", "address"]) {
      lab.on(kind, () => {
        if (!lab.setup) return;
        address.write();
        sessionStorage.setItem(DESK, JSON.stringify({ desk: lab.setup.desk, fragment: location.hash }));
      });
    }
  }
  const stop = receive(model, lab);
  // A page's socket tells whether somebody is there; of a notebook's view only what it says does.
  const signs = lab.page ? 0 : setInterval(() => lab.send({ do: "here" }), HERE_EVERY);
  return () => {
    stop();
    clearInterval(signs);
    address?.stop();
    shortcuts.stop();
    lab.end();
    model.close?.();
    el.replaceChildren();
  };
}

/** Greets the desk, hands its messages on, and draws no more often than the screen does. */
function receive(model, lab) {
  const page = Math.random().toString(36).slice(2); // a tab that is duplicated has another
  let waiting = null;
  let seen = [];
  let request = 0;

  function greet() {
    if (!lab.page) return lab.send({ do: "hello", settings: null, desk: null });
    const said = settingsIn(location.hash);
    const settings = lab.setup?.settings ?? said.settings;
    lab.send({ do: "hello", settings: Object.keys(settings).length ? settings : null, desk: lab.setup?.desk ?? keptDesk(), page });
    if (!lab.setup && said.unknown.length) lab.emit("refused", { what: "link", message: unknownSentence(said.unknown) });
  }
  function draw() {
    request = 0;
    const [frame, numbers] = [waiting, seen];
    [waiting, seen] = [null, []];
    if (frame) {
      lab.frame = frame;
      lab.emit("frame", frame);
    }
    for (const n of numbers) lab.send({ do: "seen", n });
  }
  function take(message, buffers = []) {
    message.buffers = buffers.map(aligned);
    // A desk that one comes back to goes on talking before it has been greeted.
    if (!lab.setup && ["frame", "panel"].includes(message.kind)) return;
    if (message.kind === "frame") {
      seen.push(message.n);
      waiting = waiting ? { ...message, curve: [...(waiting.curve ?? []), ...(message.curve ?? [])],
        curve_from: waiting.curve_from ?? message.curve_from } : message;
      request ||= requestAnimationFrame(draw);
      return;
    }
    const before = lab.setup;
    if (message.kind === "setup") {
      for (const n of seen.splice(0)) lab.send({ do: "seen", n });
      waiting = null;
      lab.frame = null;
      lab.setup = message;
    }
    if (message.kind === "settings") {
      lab.setup = { ...lab.setup, settings: message.settings, batches: message.batches ?? lab.setup.batches, note: message.note };
    }
    lab.emit(message.kind, message);
    if (message.kind !== "setup") return;
    // A page that was loaded again shows what was selected before.
    if (!before) lab.selection = message.selection ?? null;
    if (lab.selection) lab.select(isThere(lab.selection, message, before ?? message) ? lab.selection : null);
  }
  model.on("msg:custom", take);
  if (lab.page) model.on("connected", greet);
  else greet();
  return () => {
    cancelAnimationFrame(request);
    model.off?.("msg:custom", take);
  };
}

/**
 * The desk of this tab, if the address is still the one that it had: a link that was followed since
 * is another experiment.
 */
function keptDesk() {
  const { desk = null, fragment = "" } = JSON.parse(sessionStorage.getItem(DESK) ?? "{}");
  return location.hash === "" || location.hash === fragment ? desk : null;
}

/** Whether what was selected is there in a new setup as well. */
function isThere(selection, setup, before) {
  if (selection.of === "unit") return selection.unit < (setup.layers[selection.layer - 1]?.units ?? 0);
  if (selection.of === "weight") {
    return setup.parameters.some(({ name, rows, columns }) =>
      name === selection.name && selection.row < rows && selection.column < columns);
  }
  const drawnBy = ({ settings }) => JSON.stringify(["data", "n", "noise", "classes", "test", "data_seed", "points", "target"].map((key) => settings[key]));
  return Boolean(before) && drawnBy(before) === drawnBy(setup);
}

/** The notebook may hand buffers that begin anywhere; arrays of float32 begin at a multiple of four. */
function aligned(view) {
  if (view.byteOffset % 4 === 0) return view;
  return new DataView(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** The regions, empty. On a page the body of the lab is its main part; in a notebook there is one already. */
function layOut(el, lab) {
  const parts = {};
  const part = (name, tag = "div", attributes = {}) => (parts[name] = make(tag, { class: `lab-${name}`, ...attributes }));
  const region = (name, title, ...children) => {
    const heading = make("h2", {}, title);
    return make("section", { "data-region": name, class: "lab-region", "aria-label": title }, heading, ...children);
  };
  const folded = (title, child) => make("details", { class: "lab-folded" }, make("summary", {}, title), child);
  el.replaceChildren(
    make("header", { class: "lab-head" },
      make(lab.page ? "h1" : "p", { class: "lab-name" }, "chainrule", make("span", {}, " lab")),
      part("menus", "nav", { "aria-label": "Lab" })),
    part("transport", "section", { "aria-label": "Run" }),
    part("banner", "div", { role: "status" }),
    part("lesson", "section", { "aria-label": "Lesson" }),
    make(lab.page ? "main" : "div", { class: "lab-body" },
      region("data", "Data", part("data")),
      region("training", "Training", part("training")),
      region("network", "Network", part("diagram"), folded("Layers as a list", part("layers-list"))),
      region("panel", "Chain rule", part("panel")),
      region("plane", "Output", part("plane")),
      region("curve", "Learning", part("curve")),
      region("curve", "Along the gradient", part("slice"))),
    part("live", "p", { class: "lab-live lab-visually-hidden", role: "status" }));
  return parts;
}

/** Tells the style how high the network is, and the bar under which it stays in sight. */
function keepInSight(el, lab) {
  const watcher = new ResizeObserver((entries) => {
    for (const { target } of entries) el.style.setProperty(target.matches("section.lab-transport") ? "--bar" : "--network", `${target.offsetHeight}px`);
  });
  for (const part of el.querySelectorAll(".lab-transport, [data-region=network]")) watcher.observe(part);
  lab.atEnd(() => watcher.disconnect());
}

/**
 * The lab as a page of its own: its socket is beside it.
 * @param {HTMLElement} el
 */
export function startPage(el) {
  const address = new URL("socket", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  render({ model: createSocketModel(address.href), el });
}

export default { render };
