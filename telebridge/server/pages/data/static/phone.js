// The browser phone: a call of this page to a flow of the bridge.
import { follow, lengthText } from "./live.js";
import { decode } from "./codec.js";
import { MediaStream } from "./media-stream.js";
import { INSECURE, PhoneAudio, microphoneProblem } from "./phone-audio.js";

const $ = (id) => document.getElementById(id);
const page = $("phone").dataset;
const CAUSES = { speech: "when you spoke", key: "by a key", api: "through the API", "hang-up": "by the end of the call" };
let told = false; // whether a line comes from the bridge, which tells all of them again to a page that was hidden
let call = null; // {sid, audio, stream, unfollow}
let began = 0; // when the last call did

function state(text) {
  $("state").textContent = text;
}

/** Show what is wrong above the page; while there is a call, also where that is looked at. */
function problem(text) {
  $("problem").textContent = text;
  $("problem").hidden = !text;
  if (text && call) line(text);
}

function line(text, ...marked) {
  const item = document.createElement("li");
  const at = document.createElement("span");
  at.className = "at";
  at.textContent = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  item.append(at, text, ...marked);
  item.toggleAttribute("data-told", told);
  $("log").append(item);
  $("happened").scrollTop = $("happened").scrollHeight;
}

function marked(kind, text) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

// What happens in the call, as the bridge tells it.

function tellUtterance(event) {
  const pauses = event.pauses_ms ?? [];
  for (const ms of pauses) line(`The prompt paused for a sound of yours, and went on after ${Math.round(ms)} ms.`);
  if (event.interrupted_by === undefined) {
    line("Heard: ", marked("heard", event.text));
    return;
  }
  const heard = event.heard_text ?? "";
  const rest = event.text.startsWith(heard) ? event.text.slice(heard.length) : "";
  const stop = event.stop_ms ? `, silent ${Math.round(event.stop_ms)} ms after you began` : "";
  const cut = ` — cut here ${CAUSES[event.interrupted_by] ?? event.interrupted_by}, after `
    + `${(event.heard_ms / 1000).toFixed(2)} s${stop} — `;
  line("Heard: ", marked("heard", heard), marked("cut", cut), marked("unheard", rest));
  if (call) state(`The prompt was interrupted after "${heard.split(" ").slice(-3).join(" ")}"`);
}

function tell(event) {
  switch (event.kind) {
    case "utterance": return tellUtterance(event);
    case "node": return line(`Node: ${event.node}`);
    case "key": return line(`Key: ${event.key}`);
    case "digits": return line(`Understood: ${event.digits}`);
    case "transfer": return line(`Transfer to ${event.to}: a telephone would ring there now; this phone ends here.`);
    case "call-started": case "stream-started": case "call-ended": return undefined;
    default: {
      const { kind, call_sid, ...rest } = event;
      return line(`${kind} ${Object.keys(rest).length ? JSON.stringify(rest) : ""}`);
    }
  }
}

function watch(sid) {
  return follow(`${page.calls}/${sid}/stream`, {
    change(state, whole) {
      if (whole) for (const item of document.querySelectorAll("#log [data-told]")) item.remove();
      for (const [name, value] of Object.entries(state.set)) if ($(`now-${name}`)) $(`now-${name}`).textContent = value;
      told = true;
      (state.events ?? []).forEach(tell);
      told = false;
    },
  });
}

// The call.

async function begin() {
  problem("");
  $("log").replaceChildren();
  $("call").disabled = true;
  state("Calling");
  try {
    const audio = await PhoneAudio.open({ frame: sendFrame, mark: (name) => call?.stream?.returnMark(name) }, page.worklet);
    began = performance.now();
    call = { audio, stream: null, sid: "", unfollow: null };
    await openSource(audio);
    const made = await mint();
    call.sid = made.callSid;
    call.unfollow = watch(made.callSid);
    const socket = new WebSocket(new URL(made.path, location.href).href.replace(/^http/, "ws"));
    call.stream = new MediaStream(socket, made, listener(audio));
    socket.addEventListener("open", connected);
  } catch (error) {
    await end("The call did not begin");
    problem(error.message);
    $("problem").scrollIntoView({ block: "nearest" });
    $("call").disabled = false;
  }
}

async function mint() {
  const fields = new URLSearchParams(new FormData($("dial")));
  const answer = await fetch(page.calls, { method: "POST", body: fields, headers: { Accept: "application/json" } });
  if (answer.ok) return answer.json();
  const refused = new DOMParser().parseFromString(await answer.text(), "text/html");
  throw new Error(refused.querySelector("[role=alert]")?.textContent.trim() || `The bridge answers ${answer.status}.`);
}

async function openSource(audio) {
  const source = new FormData($("dial")).get("source");
  const file = $("recording").files[0];
  if (source === "recording") {
    if (!file) throw new Error("Choose a recording first.");
    return;
  }
  if (source !== "microphone") return;
  if (!navigator.mediaDevices) {
    problem(INSECURE);
    return;
  }
  try {
    const chosen = { deviceId: $("device").value, echoCancellation: !$("raw").checked };
    await audio.useMicrophone(chosen, problem);
    await listDevices();
  } catch (error) {
    problem(microphoneProblem(error));
  }
}

function connected() {
  state("Connected");
  $("hang-up").disabled = false;
  $("mute").disabled = false;
  $("keypad").disabled = false;
  $("latency").textContent = `${call.audio.latencyMs} ms`;
  line("Connected.");
  $("live").focus({ preventScroll: true }); // the button that had the focus is off now
  $("in-call").scrollIntoView({ block: "nearest" });
  if (new FormData($("dial")).get("source") === "recording") {
    call.audio.useRecording($("recording").files[0], () => line("The recording is over."))
      .catch(() => problem("The recording cannot be read: choose a WAV, MP3 or Ogg file."));
  }
}

function listener(audio) {
  let clearedAt = null;
  return {
    audio(mulaw) {
      if (clearedAt !== null) $("now-line").textContent = `playing again ${Math.round(performance.now() - clearedAt)} ms later`;
      else $("now-line").textContent = "playing";
      clearedAt = null;
      audio.play(mulaw);
    },
    mark: (name) => audio.mark(name),
    clear() {
      audio.clear();
      clearedAt = performance.now();
      $("now-line").textContent = "silenced";
    },
    ended: () => end(),
  };
}

let shownAt = 0;
function sendFrame(frame) {
  if (!call?.stream) return;
  call.stream.sendFrame(frame);
  const now = performance.now();
  if (now - shownAt < 100) return;
  shownAt = now;
  let peak = 0;
  for (const byte of frame) peak = Math.max(peak, Math.abs(decode(byte)));
  $("level").value = peak ? Math.max(0, 60 + 20 * Math.log10(peak / 32768)) : 0;
  $("frames").textContent = call.stream.chunk;
}

function press(key) {
  if (!call?.stream?.started) return;
  call.stream.sendDigit(key);
  call.audio.tone(key);
}

async function end(why) {
  if (call === null) return;
  const ended = call;
  call = null;
  ended.stream?.stop();
  setTimeout(() => ended.unfollow?.(), 1500); // what was heard of the last prompt is still to come
  const seconds = (performance.now() - began) / 1000;
  state(why ?? `Call ended: ${lengthText(seconds)}`);
  if (ended.sid) {
    $("record").href = `${page.record}/${ended.sid}`;
    $("record").hidden = false;
  }
  for (const id of ["hang-up", "mute"]) $(id).disabled = true;
  $("keypad").disabled = true;
  $("call").disabled = false;
  $("mute").setAttribute("aria-pressed", "false");
  $("now-saying").textContent = "";
  $("now-line").textContent = "";
  $("level").value = 0;
  await ended.audio.close();
}

// The controls.

async function listDevices() {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "audioinput");
  const chosen = $("device").value;
  const options = devices.map((each, at) => new Option(each.label || `Microphone ${at + 1}`, each.deviceId));
  $("device").replaceChildren(new Option("the system's microphone", ""), ...options);
  $("device").value = [...$("device").options].some((each) => each.value === chosen) ? chosen : "";
}

function showNeeds() {
  for (const group of document.querySelectorAll("[data-needs-of]")) {
    const shown = group.dataset.needsOf === $("flow").value;
    group.hidden = !shown;
    group.disabled = !shown;
  }
}

function showSource() {
  const source = new FormData($("dial")).get("source");
  $("for-microphone").hidden = source !== "microphone";
  $("for-recording").hidden = source !== "recording";
}

$("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
$("hang-up").addEventListener("click", () => end());
$("mute").addEventListener("click", () => {
  const muted = $("mute").getAttribute("aria-pressed") !== "true";
  $("mute").setAttribute("aria-pressed", String(muted));
  call?.audio.mute(muted);
});
$("keypad").addEventListener("click", ({ target }) => {
  const button = target.closest("[data-key]");
  if (button) press(button.dataset.key);
});
document.addEventListener("keydown", (event) => {
  if (!$("keys").checked || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea")) return;
  if (/^[0-9*#]$/.test(event.key)) press(event.key);
});
$("flow").addEventListener("change", showNeeds);
$("dial").addEventListener("change", showSource);
window.addEventListener("pagehide", () => end());
showNeeds();
showSource();
$("call").disabled = false;
if (!window.isSecureContext || !navigator.mediaDevices) problem(INSECURE);
state("Ready");
