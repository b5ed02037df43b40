// The list of live calls: rows come, change and go one by one, so that focus and selection stay.
import { fill, follow, showTimes } from "./live.js";

const table = document.querySelector("table[data-stream]");
const body = table.tBodies[0];
const template = document.getElementById("live-row").content.firstElementChild;
const rows = new Map([...body.rows].map((row) => [row.dataset.key, row]));

function set(key, call) {
  let row = rows.get(key);
  if (row === undefined) {
    row = template.cloneNode(true);
    row.dataset.key = key;
    row.querySelector("a").href += encodeURIComponent(key);
    rows.set(key, row);
    body.append(row);
  }
  const since = row.querySelector("[data-since]");
  if (since.dataset.since !== call.since) since.dataset.since = call.since;
  fill(row, call);
}

function remove(key) {
  rows.get(key)?.remove();
  rows.delete(key);
}

follow(`${table.dataset.stream}?${table.dataset.query}`, {
  change(told, whole) {
    if (whole) for (const key of [...rows.keys()]) if (!(key in told.set)) remove(key);
    for (const key of told.gone ?? []) remove(key);
    for (const [key, value] of Object.entries(told.set)) {
      if (key === "total") document.querySelector("[data-value=total]").textContent = value;
      else set(key, value);
    }
  },
});
showTimes();
