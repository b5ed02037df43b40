// Audio behind small buttons: one sounds at a time, and the same button stops it. Without script each is a link to a WAV.

const player = new Audio();
let sounding = null;

function show(button, sign) {
  button.firstElementChild.textContent = sign;
  button.setAttribute("aria-pressed", String(sign !== "▶"));
}

function stop() {
  if (sounding === null) return;
  player.pause();
  show(sounding, "▶");
  sounding = null;
}

function say(text) {
  const status = document.getElementById("listening");
  if (status !== null) status.textContent = text;
}

player.addEventListener("ended", stop);
player.addEventListener("playing", () => { if (sounding !== null) show(sounding, "■"); });
player.addEventListener("error", () => {
  if (sounding === null) return;
  const button = sounding;
  stop();
  button.classList.add("bad");
  button.title = "This cannot be spoken now.";
  say(button.title);
});

/** Let the buttons of the page sound. */
export function listenByButtons() {
  for (const button of document.querySelectorAll("[data-listen]")) {
    button.setAttribute("role", "button");
    show(button, "▶");
    button.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      button.click();
    });
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const again = button === sounding;
      stop();
      if (again) return;
      sounding = button;
      button.classList.remove("bad");
      show(button, "…");
      player.src = button.href;
      player.play().catch(() => undefined); // the event `error` tells of it
    });
  }
}
