// The diagram as a picture of its own: what the page shows, as one SVG without any style beside it.

/**
 * @param {HTMLElement} root that `createDiagram` was given
 * @returns {string} a self-contained SVG, or "" before there is a diagram
 */
export function diagramAsSVG(root) {
  const stage = root.querySelector(".stage");
  const svg = stage?.querySelector("svg");
  if (!svg) return "";
  const [width, height] = [svg.getAttribute("width"), svg.getAttribute("height")];
  const edge = stage.getBoundingClientRect();
  const page = getComputedStyle(root);
  const paper = page.getPropertyValue("--paper").trim() || "white";
  const parts = [`<rect width="${width}" height="${height}" fill="${attribute(paper)}"/>`];
  for (const path of svg.querySelectorAll(".to-loss path, .curves path")) parts.push(pathOf(path));
  for (const box of stage.querySelectorAll(".place")) parts.push(unitOf(box, edge));
  for (const node of stage.querySelectorAll(".name, .more, .title, .fact, .units-bar span, .loss")) parts.push(wordsIn(node, edge));
  for (const select of stage.querySelectorAll(".activation")) parts.push(activationIn(select, edge));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="${attribute(page.fontFamily)}">${parts.join("")}</svg>\n`;
}

const attribute = (text) => String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

function pathOf(path) {
  const style = getComputedStyle(path);
  return `<path d="${path.getAttribute("d")}" fill="none" stroke="${attribute(style.stroke)}" ` +
    `stroke-width="${parseFloat(style.strokeWidth)}" stroke-opacity="${style.opacity}" stroke-linecap="round"/>`;
}

function placeOf(node, edge) {
  const box = node.getBoundingClientRect();
  return { x: box.left - edge.left, y: box.top - edge.top, width: box.width, height: box.height };
}

function unitOf(box, edge) {
  const canvas = box.querySelector("canvas");
  const { x, y, width, height } = placeOf(canvas, edge);
  const where = `x="${x}" y="${y}" width="${width}" height="${height}"`;
  const line = attribute(getComputedStyle(box.querySelector(".unit")).borderTopColor);
  return `<image ${where} preserveAspectRatio="none" href="${canvas.toDataURL()}"/>` +
    `<rect ${where} rx="4" fill="none" stroke="${line}"/>`;
}

function wordsIn(node, edge, text = node.textContent) {
  const { x, y, width, height } = placeOf(node, edge);
  const style = getComputedStyle(node);
  return `<text x="${x + width / 2}" y="${y + height / 2}" text-anchor="middle" dominant-baseline="central" ` +
    `font-size="${parseFloat(style.fontSize)}" fill="${attribute(style.color)}">${attribute(text)}</text>`;
}

function activationIn(box, edge) {
  const field = box.querySelector("input");
  const select = box.querySelector("select");
  return wordsIn(select, edge, field ? field.value : select.selectedOptions[0]?.textContent ?? "");
}
