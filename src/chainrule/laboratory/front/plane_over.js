// What lies over the points for a moment: the one looked at, the selected one, a mini-batch, the cross.

/**
 * @param {CanvasRenderingContext2D} context
 * @param {object} what scales, hovered {x}, chosen and lit points, cross in pixels, dark, radius
 */
export function drawOver(context, { scales, hovered, chosen, lit, cross, dark, radius }) {
  const [ink, paper] = dark ? ["#ffffff", "#000000"] : ["#000000", "#ffffff"];
  context.clearRect(0, 0, scales.width, scales.height);
  const ring = (x, y, size, width, colour) => {
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    [context.lineWidth, context.strokeStyle] = [width, colour];
    context.stroke();
  };
  const twice = (x, y, size, width) => (ring(x, y, size, width + 2, paper), ring(x, y, size, width, ink)); // seen on any colour
  for (const point of lit) twice(scales.toX(point.x), scales.toY(point.y), radius + 2.5, 1.8);
  if (chosen) {
    twice(scales.toX(chosen.x), scales.toY(chosen.y), radius + 4, 2);
    twice(scales.toX(chosen.x), scales.toY(chosen.y), radius + 9, 1.2);
  }
  if (hovered) twice(scales.toX(hovered.x[0]), scales.toY(hovered.x[1]), radius + 3, 1.5);
  if (cross) {
    const lines = new Path2D(`M${cross[0]} ${scales.top}v${scales.h}M${scales.left} ${cross[1]}h${scales.w}`);
    for (const [width, colour] of [[3, paper], [1, ink]]) {
      [context.lineWidth, context.strokeStyle] = [width, colour];
      context.stroke(lines);
    }
  }
}
