// A picture of parts of the page: their SVG, canvases and words, put into one SVG or PNG.

const SVG = "http://www.w3.org/2000/svg";
const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap",
  "opacity", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "dominant-baseline", "paint-order"];
const LEFT_OUT = "label, summary, [hidden], .lab-visually-hidden, .unseen, .tooltip";

/**
 * The parts beside each other, as the text of an SVG that needs nothing else.
 * @param {HTMLElement[]} parts
 * @param {{background: string, gap?: number}} options
 * @returns {{text: string, width: number, height: number}}
 */
export function pictureOf(parts, { background, gap = 24 }) {
  const picture = document.createElementNS(SVG, "svg");
  let left = gap;
  let height = 0;
  for (const part of parts) {
    const box = part.getBoundingClientRect();
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("transform", `translate(${left - box.left} ${gap - box.top})`);
    collect(part, group);
    picture.append(group);
    left += box.width + gap;
    height = Math.max(height, box.height);
  }
  const size = { width: Math.ceil(left), height: Math.ceil(height + 2 * gap) };
  for (const [name, value] of Object.entries({ xmlns: SVG, ...size, viewBox: `0 0 ${size.width} ${size.height}` })) {
    picture.setAttribute(name, value);
  }
  const paper = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ width: "100%", height: "100%", fill: background })) paper.setAttribute(name, value);
  picture.prepend(paper);
  return { text: new XMLSerializer().serializeToString(picture), ...size };
}

/**
 * The same as a PNG of twice the size.
 * @param {{text: string, width: number, height: number}} picture
 * @returns {Promise<Blob>}
 */
export async function asPNG({ text, width, height }) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** Goes through what is seen, in the order in which it is painted. */
function collect(node, group) {
  if (node instanceof Text) return addWords(node, group);
  if (!(node instanceof Element) || node.matches(LEFT_OUT)) return;
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  if (style.display === "none" || style.visibility === "hidden" || Number(style.opacity) === 0) return;
  if (node instanceof HTMLCanvasElement) {
    if (box.width && box.height) addImage(node.toDataURL("image/png"), box, group, style);
    return;
  }
  // Of what is chosen or typed the words stay; of buttons those that show something.
  if (node.matches("select, input")) return addText(node.selectedOptions?.[0]?.textContent ?? node.value, box, style, group);
  if (node.matches("button") && !node.querySelector("canvas")) return;
  addBorder(box, style, group);
  if (node instanceof SVGSVGElement) return addDrawing(node, box, group);
  for (const child of node.childNodes) collect(child, group);
}

function addImage(url, box, group, style) {
  const image = document.createElementNS(SVG, "image");
  const place = { x: box.left, y: box.top, width: box.width, height: box.height, href: url, preserveAspectRatio: "none" };
  for (const [name, value] of Object.entries(place)) image.setAttribute(name, value);
  if (style.imageRendering === "pixelated") image.setAttribute("image-rendering", "pixelated");
  group.append(image);
}

function addWords(node, group) {
  const words = node.textContent.trim();
  if (!words) return;
  const range = document.createRange();
  range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  if (box.width > 1 && box.height > 1) addText(words, box, getComputedStyle(node.parentElement), group);
}

function addText(words, box, style, group) {
  const text = document.createElementNS(SVG, "text");
  const look = { x: box.left + box.width / 2, y: box.top + box.height / 2, "text-anchor": "middle", "dominant-baseline": "central",
    fill: style.color, "font-family": style.fontFamily, "font-size": style.fontSize, "font-weight": style.fontWeight };
  for (const [name, value] of Object.entries(look)) text.setAttribute(name, value);
  text.textContent = words;
  group.append(text);
}

function addBorder(box, style, group) {
  const width = parseFloat(style.borderTopWidth);
  if (!width || !parseFloat(style.borderLeftWidth)) return;
  const frame = document.createElementNS(SVG, "rect");
  const radius = style.borderTopLeftRadius.endsWith("%") ? box.width / 2 : parseFloat(style.borderTopLeftRadius);
  const look = { x: box.left + width / 2, y: box.top + width / 2, width: box.width - width, height: box.height - width, rx: radius,
    fill: style.backgroundColor, stroke: style.borderTopColor, "stroke-width": width };
  for (const [name, value] of Object.entries(look)) frame.setAttribute(name, value);
  group.append(frame);
}

/** An SVG with its styles written into it, since it leaves its style sheet behind. */
function addDrawing(drawing, box, group) {
  const copy = drawing.cloneNode(true);
  for (const name of ["style", "class"]) copy.removeAttribute(name);
  for (const [name, value] of Object.entries({ x: box.left, y: box.top, width: box.width, height: box.height })) {
    copy.setAttribute(name, value);
  }
  if (!drawing.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
  const gone = [];
  const [from, to] = [drawing.querySelectorAll("*"), copy.querySelectorAll("*")];
  from.forEach((node, i) => {
    const style = getComputedStyle(node);
    if (style.display === "none" || style.visibility === "hidden" || node.matches(LEFT_OUT)) gone.push(to[i]);
    for (const name of ["style", "class"]) to[i].removeAttribute(name);
    // As attributes: a page whose policy forbids inline styles may not even prepare them for a file.
    for (const name of KEPT) to[i].setAttribute(name, style.getPropertyValue(name));
    // What lies in an SVG as HTML is a canvas: it becomes an image in the same place.
    if (node instanceof HTMLCanvasElement) addImage(node.toDataURL("image/png"), node.getBoundingClientRect(), group, style);
    if (node.localName === "foreignObject") gone.push(to[i]);
  });
  for (const node of gone) node.remove();
  group.append(copy);
}
