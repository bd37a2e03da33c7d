// Numbers as the library writes them, symbols of parameters, and where each lies in a frame.

/** @param {DataView} view @returns {Float32Array} the same memory where it is aligned, else a copy */
export function floatsOf(view) {
  const count = view.byteLength >> 2;
  if (view.byteOffset % 4 === 0) return new Float32Array(view.buffer, view.byteOffset, count);
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + 4 * count));
}

/**
 * A number in so many digits with a true minus, as `format_number` of chainrule.explain writes it.
 * @param {number|string|null|undefined} value a string is shown as it came
 * @param {number} digits @returns {string}
 */
export function shownNumber(value, digits = 4) {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  let text;
  if (exponent < -4 || exponent >= digits) {
    text = `${trimmed(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  } else {
    text = trimmed(value.toFixed(digits - 1 - exponent));
  }
  return text.replaceAll("-", "−");
}

/** @param {string} text @returns {string} without zeros at the end of a fraction */
function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** @param {number} number @returns {string} */
export function subscript(number) {
  return String(number).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}

/** The layer that a parameter belongs to. @param {string} name such as "W2" */
export function layerOf(name) {
  return Number(name.replace(/^\D+/, ""));
}

/**
 * w[2]₁₃, b[2]₃ or γ[2]₃; units are counted from 1 on the page.
 * @param {string} name @param {number} row @param {number} column
 */
export function parameterSymbol(name, row, column) {
  const kind = name.replace(/\d+$/, "");
  const letter = { W: "w", gamma: "γ", beta: "β" }[kind] ?? kind;
  const between = row < 9 && column < 9 ? "" : "‚";
  const below = kind === "W" ? subscript(row + 1) + between + subscript(column + 1) : subscript(column + 1);
  return `${letter}[${layerOf(name)}]${below}`;
}

/** Where each parameter begins in a frame's first buffer. @returns {Map<string, {start:number, rows:number, columns:number}>} */
export function parameterPlaces(setup) {
  const places = new Map();
  let start = 0;
  for (const { name, rows, columns } of setup.parameters) {
    places.set(name, { start, rows, columns });
    start += rows * columns;
  }
  return places;
}

/**
 * The number that a parameter is now, or NaN before the first frame.
 * @param {object} lab @param {string} name @param {number} row @param {number} column
 */
export function parameterNow(lab, name, row, column) {
  const place = lab.setup && parameterPlaces(lab.setup).get(name);
  if (!place || !lab.frame) return NaN;
  return floatsOf(lab.frame.buffers[0])[place.start + row * place.columns + column];
}

/** Do two selections mean the same thing? */
export function sameSelection(one, other) {
  if (!one || !other) return one === other;
  return ["of", "name", "row", "column", "layer", "unit", "set", "index"].every((key) => one[key] === other[key]);
}

/**
 * A function that calls `act` at most every so many milliseconds, with the last arguments;
 * `waiting()` tells whether a call is still to come.
 * @param {number} wait @param {(...given: any[]) => void} act
 */
export function atMostEvery(wait, act) {
  let [last, timer, next] = [-Infinity, 0, []];
  const now = () => ((timer = 0), (last = performance.now()), act(...next));
  const later = (...given) => {
    next = given;
    if (timer) return;
    const left = last + wait - performance.now();
    if (left <= 0) now();
    else timer = setTimeout(now, left);
  };
  return Object.assign(later, { waiting: () => timer !== 0 });
}
