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

/** Show a value; of one that is longer than its line, the end. */
function show(name, value) {
  for (const element of document.querySelectorAll(`[data-value=${name}]`)) {
    element.textContent = value;
    element.scrollLeft = element.scrollWidth;
  }
}

function showLine(at, line) {
  const item = list.children[at] ?? list.appendChild(document.createElement("li"));
  const parts = [span("heard", line.heard)];
  if (line.unheard) parts.push(span("unheard", line.unheard));
  if (line.note) parts.push(" ", span("cut", `— ${line.note} —`));
  item.replaceChildren(...parts);
  list.parentElement.scrollTop = list.parentElement.scrollHeight;
}

// The timeline is drawn by the server, which reads the recording as it grows. A list that is open stays so, with its focus.
const timeline = document.querySelector("[data-timeline]");
let fetching = false;

function redraw(before, after) {
  const list = before.querySelector("ol");
  if (list === null) before.replaceWith(after);
  else list.replaceWith(after.querySelector("ol"));
}

async function drawTimeline() {
  if (timeline === null || fetching) return;
  fetching = true;
  try {
    const answer = await fetch(timeline.dataset.timeline);
    if (!answer.ok) return;
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [before, after] = [[...timeline.children], [...drawn.body.children]];
    const same = before.length === after.length && before.every((each, at) => each.localName === after[at].localName);
    if (same) before.forEach((each, at) => redraw(each, after[at]));
    else timeline.replaceChildren(...after);
  } catch {
    // the next change asks again
  } finally {
    fetching = false;
  }
}

// The player of the call so far takes what has come meanwhile when it is started, and goes on where it had ended.
const player = document.getElementById("so-far");
let recorded = "";
let heardUntil = 0; // where the player came to its end, until somebody moves it

function take() {
  player.src = `${player.dataset.recordings}/${recorded}`;
}

// It is seen once its source is known, and has its place before.
player?.addEventListener("suspend", () => requestAnimationFrame(() => player.classList.remove("unseen")), { once: true });

player?.addEventListener("ended", () => { heardUntil = player.currentTime; });
player?.addEventListener("seeking", () => { if (player.currentTime > 0) heardUntil = 0; });
player?.addEventListener("play", () => {
  const isBegun = player.currentTime > 0 && heardUntil === 0;
  if (!recorded || isBegun || player.getAttribute("src").endsWith(`/${recorded}`)) return;
  const at = heardUntil;
  heardUntil = 0;
  take();
  player.currentTime = at;
  player.play();
});

if (page !== null) {
  follow(page.dataset.stream, {
    change(told) {
      for (const [name, value] of Object.entries(told.set)) {
        if (name === "recorded") {
          recorded = value;
          if (value) drawTimeline();
          if (value && !player.hasAttribute("src")) take();
        }
        else if (name.startsWith("line-")) showLine(Number(name.slice(5)), value);
        else show(name, value);
      }
    },
    over() { location.reload(); },
  });
}
showTimes();
