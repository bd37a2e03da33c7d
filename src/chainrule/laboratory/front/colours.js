// The colours of values, classes and quantities, on light and on dark paper.

/** Of numbers: positive and negative, as everywhere in the library. */
const POSITIVE_RGB = [31, 125, 193];
const NEGATIVE_RGB = [210, 81, 42];

// Okabe & Ito (2008), and three that stay apart from them for the eyes that see fewer colours.
const CLASS_COLOURS = [
  "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7",
  "#56B4E9", "#F0E442", "#7B4B94", "#8C8C8C", "#6B3F1D",
];

/**
 * The colour of a class. Of two classes the second has the colour of positive numbers: what pushes
 * the output up pushes towards it.
 * @param {number} index @param {number} count @returns {string}
 */
export function classColour(index, count) {
  if (count === 2) return index === 1 ? hexOf(POSITIVE_RGB) : "#E08214";
  return CLASS_COLOURS[index % CLASS_COLOURS.length];
}

/** The paper that maps fade into. @param {boolean} dark @returns {number[]} */
export function paperRGB(dark) {
  return dark ? [27, 30, 36] : [255, 255, 255];
}

/** @param {string} hex such as "#1F7DC1" @returns {number[]} red, green, blue of 0 … 255 */
export function rgbOf(hex) {
  const bits = parseInt(hex.slice(1), 16);
  return [bits >> 16, (bits >> 8) & 255, bits & 255];
}

/** @param {number[]} rgb @returns {string} */
export function hexOf(rgb) {
  return "#" + rgb.map((c) => Math.round(c).toString(16).padStart(2, "0")).join("");
}

/** @param {number[]} from @param {number[]} to @param {number} share of `to` @returns {number[]} */
export function mixed(from, to, share) {
  return from.map((c, i) => c + (to[i] - c) * share);
}

/** One pixel as ImageData's 32 bits have it, red first in memory. @param {number[]} rgb */
export function pixelOf([r, g, b]) {
  return ((255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0;
}

/**
 * 256 pixels from one colour over the paper to another.
 * @param {number[]} low @param {number[]} high @param {boolean} dark @param {number} strength
 * @returns {Uint32Array}
 */
function scaleOver(low, high, dark, strength) {
  const paper = paperRGB(dark);
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const t = (i - 127.5) / 127.5;
    return pixelOf(mixed(paper, t < 0 ? low : high, Math.abs(t) * strength));
  });
}

/** The scale of a unit's values, negative to positive. @param {boolean} dark */
export function valueScale(dark) {
  return scaleOver(NEGATIVE_RGB, POSITIVE_RGB, dark, 1);
}

/** The scale of the plane: paler, so that points stand out. @param {boolean} dark @param {boolean} binary */
export function planeScale(dark, binary) {
  const low = binary ? rgbOf(classColour(0, 2)) : NEGATIVE_RGB;
  return scaleOver(low, POSITIVE_RGB, dark, binary ? 0.72 : 0.85);
}

/** The pale colours of classes on the plane. @param {number} count @param {boolean} dark */
export function classShades(count, dark) {
  return Array.from({ length: count }, (_, k) => mixed(paperRGB(dark), rgbOf(classColour(k, count)), 0.6));
}

/** Relative luminance, as WCAG 2 defines it. @param {number[]} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((c) => {
    const s = c / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {number[]} one @param {number[]} other @returns {number} of 1 … 21 */
export function contrastOf(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const readableOnes = new Map(); // pure results, kept: the same few colours are asked for in each panel

/**
 * The same hue, as much darker or lighter as text needs for a contrast of 4.5 on any of our papers.
 * @param {string} hex @param {boolean} dark @returns {string}
 */
export function readable(hex, dark) {
  const key = hex + dark;
  if (!readableOnes.has(key)) {
    const paper = dark ? [46, 51, 60] : [238, 241, 245]; // the papers nearest to the text
    const ink = dark ? [255, 255, 255] : [0, 0, 0];
    let [rgb, share] = [rgbOf(hex), 0];
    while (contrastOf(rgb, paper) < 4.6 && share < 1) rgb = mixed(rgbOf(hex), ink, (share += 0.04));
    readableOnes.set(key, hexOf(rgb));
  }
  return readableOnes.get(key);
}

/** The server's MathML has the library's colours; here each becomes readable. @param {string} html @param {boolean} dark */
export function readableMath(html, dark) {
  return html.replace(/mathcolor="(#[0-9a-fA-F]{6})"/g, (_, hex) => `mathcolor="${readable(hex, dark)}"`);
}
