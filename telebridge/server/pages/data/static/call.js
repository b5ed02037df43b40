// The page of one call: what is being said, and each utterance once it is over.
import { follow, showTimes } from "./live.js";

const page = document.querySelector("[data-stream]");
const list = document.getElementById("transcript");

function span(kind, text) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

function showLine(at, line) {
  const item = list.children[at] ?? list.appendChild(document.createElement("li"));
  const parts = [span("heard", line.heard)];
  if (line.unheard) parts.push(span("unheard", line.unheard));
  if (line.note) parts.push(" ", span("cut", `— ${line.note} —`));
  item.replaceChildren(...parts);
}

if (page !== null) {
  follow(page.dataset.stream, {
    change(told) {
      for (const [name, value] of Object.entries(told.set)) {
        if (name.startsWith("line-")) showLine(Number(name.slice(5)), value);
        else for (const element of document.querySelectorAll(`[data-value=${name}]`)) element.textContent = value;
      }
    },
    over() { location.reload(); },
  });
}
showTimes();
