// A small chart on a canvas: lines, a grid with few numbers, and marks.


/**
 * @param {HTMLCanvasElement} canvas  its size comes from the style
 * @returns {{draw: function(Object): void}}
 */
export function createChart(canvas) {
  /**
   * @param {{lines: Array<{points: number[][], colour: string, dash: number[]}>, x: number[],
   *   logarithmic?: boolean, from?: number, to?: number,
   *   marks?: Array<{x: number, y: number, shape: "dot"|"ring", colour: string, label: string}>}} what
   *   `from` and `to` are values that the vertical axis shows in any case
   */
  function draw({ lines, x, logarithmic = false, from = null, to = null, marks = [] }) {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width || !height) return;
    const pen = preparedPen(canvas, width, height);
    const style = getComputedStyle(canvas);
    // As large as the text is: who enlarges it enlarges the numbers too.
    const size = parseFloat(style.fontSize);
    const margin = { left: 4 * size, right: size, top: 0.7 * size, bottom: 1.8 * size };
    const colour = (name) => style.getPropertyValue(name);
    const shown = lines.flatMap((line) => line.points.map((point) => point[1]))
      .concat(marks.map((mark) => mark.y)).filter((value) => Number.isFinite(value) && value !== null && (!logarithmic || value > 0));
    const [low, high] = heights(shown, logarithmic, from, to);
    const bend = logarithmic ? Math.log10 : (value) => value;
    const across = (value) => margin.left + (value - x[0]) / (x[1] - x[0]) * (width - margin.left - margin.right);
    const up = (value) => height - margin.bottom - (bend(value) - bend(low)) / (bend(high) - bend(low)) * (height - margin.top - margin.bottom);

    pen.font = `${size}px ${style.fontFamily}`;
    pen.lineWidth = 1;
    pen.strokeStyle = colour("--line");
    pen.fillStyle = colour("--faint");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const value of logarithmic ? decades(low, high) : ticks(low, high, 4)) {
      path(pen, [[margin.left, up(value)], [width - margin.right, up(value)]]);
      pen.fillText(tickText(value), margin.left - 6, up(value));
    }
    pen.textBaseline = "top";
    for (const value of ticks(x[0], x[1], 5)) {
      pen.textAlign = across(value) > width - 3 * size ? "right" : "center";
      pen.fillText(tickText(value), Math.min(across(value), width - 2), height - margin.bottom + 6);
    }
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    for (const line of lines) {
      pen.strokeStyle = colour(line.colour);
      pen.setLineDash(line.dash);
      path(pen, thinned(line.points, width, logarithmic).map(([a, b]) => [across(a), up(b)]));
    }
    pen.setLineDash([]);
    for (const mark of marks) drawMark(pen, mark, across(mark.x), up(mark.y), colour, width);
  }
  return { draw };
}

function preparedPen(canvas, width, height) {
  const scale = devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

function drawMark(pen, { shape, colour, label }, x, y, colourOf, width) {
  pen.beginPath();
  pen.arc(x, y, 5, 0, 2 * Math.PI);
  pen.fillStyle = colourOf(shape === "dot" ? colour : "--raised");
  pen.strokeStyle = colourOf(colour);
  pen.lineWidth = 2;
  pen.fill();
  pen.stroke();
  pen.fillStyle = colourOf("--ink");
  pen.textAlign = x > width / 2 ? "right" : "left";
  // Two marks close to each other: the word of one stands above it, of the other below.
  pen.textBaseline = shape === "dot" ? "bottom" : "top";
  pen.fillText(label, x + (x > width / 2 ? -9 : 9), shape === "dot" ? Math.max(y - 5, 14) : y + 5);
}

/** Lowest and highest value shown, with a little room. */
function heights(shown, logarithmic, from, to) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of shown) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!shown.length) return logarithmic ? [0.1, 1] : [from ?? 0, to ?? 1];
  if (logarithmic) return [low * 0.9, Math.max(high * 1.1, low * 1.3)];
  // Down to where it could be at best, unless what happens would then be too small to see.
  if (from !== null && low < 0.6 * high) low = Math.min(low, from);
  high = Math.max(high, to ?? high);
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low === from ? low : low - room, high === to ? high : high + room];
}

/** About `count` round values between two numbers. */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999);
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) values.push(i * step);
  return values;
}

/** Powers of ten, and 2 and 5 of them where they are few. */
function decades(low, high) {
  const few = Math.log10(high / low) < 1.6;
  const values = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const factor of few ? [1, 2, 5] : [1]) {
      const value = factor * 10 ** power;
      if (value >= low && value <= high) values.push(value);
    }
  }
  return values;
}

function tickText(value) {
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-3)) return value.toExponential(0).replace("-", "−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** No more points than twice the pixels. */
function thinned(points, width, logarithmic) {
  const seen = points.filter(([, value]) => value !== null && Number.isFinite(value) && (!logarithmic || value > 0));
  const every = Math.ceil(seen.length / (2 * width));
  return every < 2 ? seen : seen.filter((_, i) => i % every === 0 || i === seen.length - 1);
}

function path(pen, points) {
  pen.beginPath();
  points.forEach(([x, y], i) => i ? pen.lineTo(x, y) : pen.moveTo(x, y));
  // One epoch alone is a dot, or nobody would see it.
  if (points.length === 1) pen.lineTo(points[0][0] + 2, points[0][1]);
  pen.stroke();
}
