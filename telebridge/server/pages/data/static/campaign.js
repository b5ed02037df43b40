// The page of a campaign: its figures as they change. A row that is new, or another state, is shown by loading it again.
import { listenByButtons } from "./listen.js";
import { follow, showTimes } from "./live.js";

const STACKED = ["reached", "others", "live", "ready"];
const shown = new Map();
for (const each of document.querySelectorAll("[data-value]")) {
  shown.set(each.dataset.value, [...(shown.get(each.dataset.value) ?? []), each]);
}
const DERIVED = new Set(STACKED);
const values = {};

function draw() {
  let x = 0;
  for (const name of STACKED) {
    const share = (100 * (values[name] ?? 0)) / Math.max(1, values.total ?? 0);
    const part = document.querySelector(`[data-share=${name}]`);
    part.setAttribute("x", `${x}%`);
    part.setAttribute("width", `${share}%`);
    x += share;
  }
  for (const bar of document.querySelectorAll("[data-bar]")) {
    const count = values[bar.closest("tr").querySelector("[data-value]").dataset.value] ?? 0;
    bar.setAttribute("width", `${(100 * count) / Math.max(1, values.over ?? 0)}%`);
  }
}

follow(document.querySelector("[data-stream]").dataset.stream, {
  change(told) {
    const before = values.status;
    Object.assign(values, told.set);
    for (const name of told.gone ?? []) values[name] = 0;
    const isNew = Object.keys(told.set).some((name) => !shown.has(name) && !DERIVED.has(name));
    if (isNew || (before !== undefined && before !== values.status)) {
      setTimeout(() => location.reload(), 500);
      return;
    }
    for (const name of [...Object.keys(told.set), ...(told.gone ?? [])]) {
      for (const element of shown.get(name) ?? []) element.textContent = values[name];
    }
    draw();
  },
});
showTimes();
listenByButtons();
