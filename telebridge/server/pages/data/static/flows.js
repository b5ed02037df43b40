// The list of flows: how many calls each leads, and what the checker has found once it has checked the file.
import { fill, follow } from "./live.js";

const table = document.querySelector("table[data-stream]");
const rows = new Map([...document.querySelectorAll("[data-flow]")].map((row) => [row.dataset.flow, row]));

if (table !== null) {
  follow(table.dataset.stream, {
    change(told) {
      for (const [name, values] of Object.entries(told.set)) {
        const row = rows.get(name);
        if (row === undefined) continue;
        fill(row, { ...values, findings: values.findings ?? "…" });
        row.querySelector("[data-field=findings]").classList.toggle("warn", values.findings > 0);
      }
    },
  });
}
