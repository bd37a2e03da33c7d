// Where everything on the diagram lies: columns of units from the inputs to the loss. Pure geometry.

export const UNIT = 42; // the side of a unit's map
const NAME = 12; // below a unit
const COLUMN = 100; // the narrowest a column may be: a select of activations must fit
const LOSS = 46;

/**
 * @param {object} setup the desk's message
 * @param {number} available pixels of width
 * @param {number} head pixels above the units, for the controls of a layer
 * @param {number} scale of the text, 1 where it is as large as usual
 * @returns {{width:number, height:number, head:number, column:number, columns:object[], loss:{x:number,y:number}}}
 */
export function layoutOf(setup, available, head, scale = 1) {
  const pitch = UNIT + NAME * scale; // from one unit to the next below
  const kinds = [
    { layer: 0, units: setup.inputs.names.length, shown: setup.inputs.shown },
    ...setup.layers.map((l, i) => ({ layer: i + 1, units: l.units, shown: l.shown })),
  ];
  const width = Math.max(available, kinds.length * COLUMN * scale + LOSS);
  const column = (width - LOSS) / kinds.length;
  const most = Math.max(...kinds.map(({ shown }) => shown.length));
  const middle = head + (most * pitch) / 2;
  const columns = kinds.map(({ layer, units, shown }, i) => {
    const x = column * (i + 0.5);
    const top = middle - ((shown.length - 1) * pitch) / 2;
    const places = shown.map((unit, row) => ({ unit, x, y: top + row * pitch }));
    return { layer, x, places, more: units - shown.length, end: top + (shown.length - 0.5) * pitch };
  });
  const hidden = columns.some(({ more }) => more > 0);
  return {
    width, head, column, columns,
    height: head + most * pitch + (hidden ? 26 * scale : 8),
    loss: { x: width - LOSS / 2, y: middle },
  };
}

/**
 * The curve of a weight, from the right of one unit to its own place at the left of the next.
 * @param {{x:number,y:number}} from @param {{x:number,y:number}} to
 * @param {number} index of the weight among those that arrive @param {number} count of these
 */
export function curveOf(from, to, index, count) {
  const spread = Math.min(5, (UNIT - 12) / count);
  const [x1, y1] = [from.x + UNIT / 2, from.y];
  const [x2, y2] = [to.x - UNIT / 2, to.y + (index - (count - 1) / 2) * spread];
  const bend = (x2 - x1) * 0.45;
  return `M${fixed(x1)} ${fixed(y1)}C${fixed(x1 + bend)} ${fixed(y1)} ${fixed(x2 - bend)} ${fixed(y2)} ${fixed(x2)} ${fixed(y2)}`;
}

const fixed = (number) => String(Math.round(number * 10) / 10);
