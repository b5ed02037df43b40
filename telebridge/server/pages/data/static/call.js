// The page of one call: what is being said, each utterance once it is over, and the timeline as it grows.
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
  list.parentElement.scrollTop = list.parentElement.scrollHeight;
}

// The timeline is drawn by the server, which reads the recording as it grows: what comes is put in its place whole.
const timeline = document.querySelector("[data-timeline]");
let fetching = false;

async function drawTimeline() {
  if (timeline === null || fetching) return;
  fetching = true;
  try {
    const answer = await fetch(timeline.dataset.timeline);
    if (!answer.ok) return;
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
    const open = timeline.querySelector("details")?.open ?? false;
    timeline.replaceChildren(...drawn.body.children);
    for (const each of timeline.querySelectorAll("details")) each.open = open;
  } catch {
    // the next change asks again
  } finally {
    fetching = false;
  }
}

if (page !== null) {
  follow(page.dataset.stream, {
    change(told) {
      for (const [name, value] of Object.entries(told.set)) {
        if (name === "recorded") { if (value) drawTimeline(); }
        else if (name.startsWith("line-")) showLine(Number(name.slice(5)), value);
        else for (const element of document.querySelectorAll(`[data-value=${name}]`)) element.textContent = value;
      }
    },
    over() { location.reload(); },
  });
}
showTimes();
