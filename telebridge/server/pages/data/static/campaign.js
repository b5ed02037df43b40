// The page of a campaign: its figures as they change. A row that is new, or another state, is shown by loading it again.
import { follow, showTimes } from "./live.js";

const elements = new Map([...document.querySelectorAll("[data-value]")].map((each) => [each.dataset.value, each]));
let before = null;

follow(document.querySelector("[data-stream]").dataset.stream, {
  change(told) {
    for (const [name, value] of Object.entries(told.set)) {
      if (!elements.has(name) || (name === "status" && before !== null && before !== value)) {
        setTimeout(() => location.reload(), 500);
        return;
      }
      elements.get(name).textContent = value;
      if (name === "status") before = value;
      if (name === "share") document.querySelector("[data-progress]").value = value;
      const meter = elements.get(name).closest("tr")?.querySelector("meter");
      if (meter) meter.value = value;
    }
    for (const name of told.gone ?? []) if (elements.has(name)) elements.get(name).textContent = "0";
    if ("over" in told.set) for (const meter of document.querySelectorAll("meter")) meter.max = Math.max(1, told.set.over);
  },
});
showTimes();
