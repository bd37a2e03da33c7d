// From the plane's coordinates to pixels and back, and where its axes have ticks. Pure functions.

/**
 * @param {object} axes of the setup: x and y as [low, high]
 * @param {number} width @param {number} height of the whole picture, in CSS pixels
 * @param {number} scale of the text beside the axes
 */
export function planeScales(axes, width, height, scale = 1) {
  const [left, right, top, bottom] = [46 * scale, 10, 8, 38 * scale];
  const [[x0, x1], [y0, y1]] = [axes.x, axes.y];
  const [w, h] = [width - left - right, height - top - bottom];
  return {
    left, top, w, h, width, height, scale,
    toX: (x) => left + ((x - x0) / (x1 - x0)) * w,
    toY: (y) => top + ((y1 - y) / (y1 - y0)) * h,
    fromX: (px) => x0 + ((px - left) / w) * (x1 - x0),
    fromY: (py) => y1 - ((py - top) / h) * (y1 - y0),
    inside: (px, py) => px >= left && px <= left + w && py >= top && py <= top + h,
  };
}

/**
 * Round numbers between two ends, some five of them, as they are written.
 * @param {number} low @param {number} high
 * @returns {{at: number, text: string}[]}
 */
export function ticksOf(low, high) {
  const rough = (high - low) / 5;
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((n) => n * power >= rough * 0.999) * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const large = Math.abs(high) >= 1e6 || Math.abs(low) >= 1e6 || digits > 5;
  const ticks = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n++) {
    const at = n * step;
    const text = large ? at.toExponential(1) : at.toFixed(digits);
    ticks.push({ at, text: text.replace(/^-(0\.?0*)$/, "$1").replaceAll("-", "−") });
  }
  return ticks;
}
