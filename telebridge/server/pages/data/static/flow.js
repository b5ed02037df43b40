// The graph of a flow: how many calls are at each node, as badges at the corners of the boxes.
import { listenByButtons } from "./listen.js";
import { follow, showTimes } from "./live.js";

const SVG = "http://www.w3.org/2000/svg";
const boxes = new Map([...document.querySelectorAll("rect[data-node]")].map((box) => [box.dataset.node, box]));
const cells = new Map([...document.querySelectorAll("[data-node-count]")].map((cell) => [cell.dataset.nodeCount, cell]));
const badges = new Map();

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

function badgeOf(node) {
  if (badges.has(node) || !boxes.has(node)) return badges.get(node);
  const box = boxes.get(node);
  const x = Number(box.getAttribute("x")) + Number(box.getAttribute("width"));
  const y = Number(box.getAttribute("y"));
  const group = element("g", {}, box.parentNode);
  element("rect", { class: "badge", x: x - 14, y: y - 9, width: 28, height: 18, rx: 9 }, group);
  const text = element("text", { class: "badge-text", x, y: y + 4, "text-anchor": "middle" }, group);
  badges.set(node, { group, text });
  return badges.get(node);
}

function show(node, count) {
  if (cells.has(node)) cells.get(node).textContent = count;
  const badge = badgeOf(node);
  if (!badge) return;
  badge.group.toggleAttribute("hidden", !count);
  badge.text.textContent = count;
}

for (const [node, cell] of cells) if (cell.textContent !== "0") show(node, Number(cell.textContent));
follow(document.querySelector("[data-stream]").dataset.stream, {
  change(told) {
    for (const name of told.gone ?? []) show(name.slice(5), 0);
    for (const [name, value] of Object.entries(told.set)) {
      if (name === "checked") { if (value && document.querySelector("[data-checking]")) location.reload(); }
      else if (name === "live") document.querySelector("[data-value=live]").textContent = value;
      else show(name.slice(5), value);
    }
  },
});
showTimes();
listenByButtons();
