// The address: an experiment's settings in the URL's fragment, and back.

/** What is left out of the address: the lecture's experiment. */
export const LECTURE_SETTINGS = {
  data: "moons", n: 1000, noise: 0.2, classes: 2, test: 0.2, data_seed: 42,
  points: [[-0.5, 0, 0], [0.5, 0, 1]], target: null, x: null, y: null,
  hidden: [[4, "tanh"]], initializer: "default", seed: 42,
  optimizer: "gradient_descent", learning_rate: 0.01, batch_size: 32, l1: 0, l2: 0, dropout: 0, engine: "numpy",
  epochs: 0, target_loss: 0, speed: "full",
};

const WRITERS = {
  hidden: (layers) => layers.map(([units, activation]) => `${units}:${encodeURIComponent(activation)}`).join(","),
  points: (points) => points.map((point) => point.map((number) => Number(number.toFixed(3))).join(",")).join(";"),
};

const READERS = {
  hidden: (text) => text === "" ? [] : text.split(",").map((layer) => {
    const [units, activation = ""] = layer.split(":");
    return [readNumber(units), decoded(activation)];
  }),
  points: (text) => text === "" ? [] : decoded(text).split(";").map((point) => point.split(",").map(Number)),
};

/**
 * The fragment, without "#", of settings and of what is only seen (its keys begin with "v_").
 * @param {Object} settings
 * @param {Object} view
 * @param {Object} [defaults]
 * @returns {string}
 */
export function fragmentOf(settings, view, defaults = LECTURE_SETTINGS) {
  const parts = [];
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined || JSON.stringify(value) === JSON.stringify(defaults[key])) continue;
    // Points are drawn: of other data they say nothing.
    if (key === "points" && !isDrawn(settings)) continue;
    parts.push(`${key}=${(WRITERS[key] ?? writeValue)(value)}`);
  }
  for (const [key, value] of Object.entries(view)) {
    if (value !== null && value !== false && value !== "") parts.push(`${key}=${writeValue(value)}`);
  }
  return parts.join("&");
}

/**
 * What a fragment says. A value that can't be read goes to the desk as it is, which says why not.
 * @param {string} fragment
 * @param {Object} [defaults]
 * @returns {{settings: Object, view: Object, unknown: string[]}}
 */
export function settingsIn(fragment, defaults = LECTURE_SETTINGS) {
  const settings = {};
  const view = {};
  const unknown = [];
  for (const part of fragment.replace(/^#/, "").split("&")) {
    const middle = part.indexOf("=");
    if (middle < 1) continue;
    const key = decoded(part.slice(0, middle));
    const text = part.slice(middle + 1);
    if (key.startsWith("v_")) view[key] = readView(decoded(text));
    else if (!(key in defaults)) unknown.push(key);
    else if (key in READERS) settings[key] = READERS[key](text);
    else settings[key] = typeof defaults[key] === "number" ? readNumber(decoded(text)) : decoded(text);
  }
  return { settings, view, unknown };
}

/**
 * Keeps the address bar and the desk together, both ways.
 * @param {Object} lab
 * @returns {{write: function(): void, stop: function(): void}}
 */
export function createAddress(lab) {
  let last = 0;
  let following = true;

  /** What was changed last is a step back in the browser; what is dragged is one step, not fifty. */
  function writeAddress() {
    const fragment = fragmentOf(lab.setup.settings, lab.view);
    if (fragment === location.hash.replace(/^#/, "")) {
      following = false;
      return;
    }
    const url = `${location.pathname}${location.search}${fragment ? `#${fragment}` : ""}`;
    const soon = performance.now() - last < 800;
    if (following || soon) history.replaceState(null, "", url);
    else history.pushState(null, "", url);
    following = false;
    last = performance.now();
  }
  function follow() {
    const { settings, view, unknown } = settingsIn(location.hash);
    if (lab.setup) {
      const now = lab.setup.settings;
      const wanted = { ...LECTURE_SETTINGS, ...settings };
      const changed = Object.entries(wanted).filter(([key, value]) =>
        JSON.stringify(value) !== JSON.stringify(now[key]) && !(key === "points" && !isDrawn(wanted)));
      following = true;
      if (changed.length) lab.send({ do: "set", settings: Object.fromEntries(changed) });
    }
    lab.showView(view);
    if (unknown.length) lab.emit("refused", { what: "link", message: unknownSentence(unknown) });
  }
  addEventListener("popstate", follow);
  return { write: writeAddress, stop: () => removeEventListener("popstate", follow) };
}

/**
 * Says which settings of a link were left out.
 * @param {string[]} unknown
 * @returns {string}
 */
export function unknownSentence(unknown) {
  return `The link has settings that the lab does not know, and are left out: ${unknown.join(", ").slice(0, 200)}.`;
}

function isDrawn(settings) {
  return settings.data.startsWith("drawn");
}

function writeValue(value) {
  return value === null ? "" : encodeURIComponent(value === true ? "1" : String(value));
}

function readNumber(text) {
  return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function readView(text) {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
