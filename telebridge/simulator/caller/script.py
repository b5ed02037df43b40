"""Scripts of callers as short text or JSON, for the command line and the simulator's own routes.

    wait; press 1; silence 500ms; speak 1.5s; listen 2s; hang up
    busy after 3s          no answer          fail 603          machine; speak 4s; hang up

| words | meaning |
|---|---|
| `wait [600ms]` | until the bridge sounds, and that much longer |
| `silence [700ms]` | until the bridge has spoken and been quiet that long |
| `listen 2s` | that long |
| `speak 1.5s`, `speak FILE` | a voice-like sound, or what the given reader makes of FILE |
| `say TEXT` | a voice-like sound as long as TEXT takes to say; a scripted recognizer knows the words |
| `beep [1000] [300ms]` | the tone of a voice mailbox, of so many hertz |
| `cough`, `click`, `breathe`, `mm-hm` | what is no interruption |
| `at 3.2s` | until so long after the line was opened |
| `noise street -35dB`, `noise off` | from now on; also `hum`, `babble`, `music`; the level is below full scale |
| `echo -12dB 120ms`, `echo off` | from now on a loudspeaker: what is heard comes back, so much weaker and later |
| `press 1234#` | keys; `w` is half a second |
| `hang up` | |
| `ring 4s` | how long it rings before it is answered |
| `busy`, `no answer`, `fail [SIP code]` | a call to them is not answered |
| `human`, `machine`, `fax`, `unknown` | what answers, and when that is detected: `machine after 6s` |

JSON is a list of such texts, or `{"steps": [...]}`.

One rule: whatever the text, parsing raises nothing but ConfigurationError.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace

from telebridge.audio.tones import sine
from telebridge.errors import ConfigurationError
from telebridge.simulator.caller.caller import (
    CallerStep,
    HangUpStep,
    Listen,
    Loudspeaker,
    Noise,
    Pickup,
    Press,
    Script,
    Speak,
    WaitForPrompt,
    WaitForSilence,
    WaitUntil,
)
from telebridge.simulator.caller.noises import (
    KINDS,
    background,
    breath,
    click,
    cough,
)
from telebridge.simulator.caller.voices import murmur, speech, spoken

DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s)?")
KEYS = re.compile(r"[0-9A-D*#w]+")
DECIBELS = re.compile(r"-(\d{1,2}(?:\.\d)?)(?:db)?")
LONGEST_SECONDS = 14_400.0
NOISE_DB = -35.0
LOWEST_BEEP_HZ, HIGHEST_BEEP_HZ = 200, 3400
SOUNDS: dict[str, Callable[[], bytes]] = {"cough": cough, "click": click, "breathe": breath, "mm-hm": murmur}

AudioReader = Callable[[str], bytes]


def parse_script(text: str, *, read_audio: AudioReader | None = None) -> Script:
    """A script from text or JSON.

    Args:
        text: As in this module's description; parts are separated by `;`, `,` or line ends.
        read_audio: Turns the FILE of `speak FILE` into mu-law; without it such a part is an error.

    Raises:
        ConfigurationError: It names the part that is not understood.
    """
    script = Script()
    for part in _parts(text):
        script = _with_part(script, " ".join(part.split()), read_audio)
    return script


def _parts(text: str) -> list[str]:
    if text.lstrip()[:1] in {"[", "{"}:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigurationError("script", f"is not JSON: {error}") from None
        steps = value.get("steps") if isinstance(value, dict) else value
        if not isinstance(steps, list) or not all(isinstance(step, str) for step in steps):
            raise ConfigurationError("script", "must be a list of texts", 'such as ["wait", "press 1", "hang up"]')
        return [step for step in steps if step.strip()]
    return [part for part in re.split(r"[;,\n]", text) if part.strip()]


def _with_part(script: Script, part: str, read_audio: AudioReader | None) -> Script:
    verb, _, rest = part.partition(" ")
    verb = verb.lower()
    pickup = _with_pickup(script, verb, rest)
    if pickup is not None:
        return pickup
    return replace(script, steps=(*script.steps, _step(part, verb, rest, read_audio)))


def _step(part: str, verb: str, rest: str, read_audio: AudioReader | None) -> CallerStep:  # noqa: C901 - a case for each
    match verb, rest.lower():
        case "wait", _:
            return WaitForPrompt(into_ms=round(_seconds(part, rest or "0") * 1000))
        case "silence", _:
            return WaitForSilence(ms=round(_seconds(part, rest or "700ms") * 1000))
        case "listen", _:
            return Listen(_seconds(part, rest))
        case (("speak" | "say" | "beep"), _):
            return _sound(part, verb, rest, read_audio)
        case "at", _:
            return WaitUntil(_seconds(part, rest))
        case (("cough" | "click" | "breathe" | "mm-hm"), ""):
            return Speak(SOUNDS[verb](), words=verb)
        case "noise", _:
            return _noise(part, rest.lower().split())
        case "echo", _:
            return _echo(part, rest.lower().split())
        case "press", _ if KEYS.fullmatch(rest):
            return Press(rest)
        case ("hang", "up") | ("hangup", ""):
            return HangUpStep()
        case _:
            pass
    sounds = "speak, say, beep, cough, click, breathe, mm-hm, noise, echo"
    hint = (
        f"there are wait, silence, listen, at, {sounds}, press, hang up; "
        "of who is called also busy, no answer, fail, human, machine"
    )
    raise ConfigurationError(f"script part '{part}'", "is not understood", hint)


def _with_pickup(script: Script, verb: str, rest: str) -> Script | None:
    """The script with another pickup, when the words say one."""
    words = f"{verb} {rest.lower()}".strip()
    outcome, _, after = words.partition(" after ")
    match outcome.split():
        case ["ring", duration]:
            return replace(script, ring_seconds=_seconds(words, duration))
        case ["busy"]:
            return replace(script, pickup=Pickup.BUSY, ring_seconds=_seconds(words, after or "1s"))
        case ["no", "answer"]:
            return replace(script, pickup=Pickup.NO_ANSWER)
        case ["fail", *code] if all(part.isdecimal() for part in code) and len(code) < 2:
            status = int(code[0][:3]) if code else 404
            return replace(
                script, pickup=Pickup.FAILED, sip_response_code=status, ring_seconds=_seconds(words, after or "1s")
            )
        case [("human" | "machine" | "fax" | "unknown") as found]:
            return replace(script, answered_by=found, detection_seconds=_seconds(words, after or "3s"))
        case _:
            return None


def _seconds(part: str, text: str) -> float:
    match = DURATION.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"script part '{part}'", f"'{text}' is not a duration", "such as 2s or 300ms")
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1)
    if seconds > LONGEST_SECONDS:
        raise ConfigurationError(f"script part '{part}'", "lasts longer than four hours")
    return seconds


def _noise(part: str, words: list[str]) -> Noise:
    match words:
        case ["off"]:
            return Noise(b"")
        case [kind] if kind in KINDS:
            return Noise(background(kind, NOISE_DB))
        case [kind, level] if kind in KINDS:
            return Noise(background(kind, _decibels(part, level)))
        case _:
            raise ConfigurationError(f"script part '{part}'", "is no noise", f"there are {', '.join(KINDS)} and off")


def _echo(part: str, words: list[str]) -> Loudspeaker:
    match words:
        case ["off"]:
            return Loudspeaker(None)
        case [gain]:
            return Loudspeaker(_decibels(part, gain))
        case [gain, delay]:
            return Loudspeaker(_decibels(part, gain), round(_seconds(part, delay) * 1000))
        case _:
            raise ConfigurationError(f"script part '{part}'", "is no echo", "such as 'echo -12dB 120ms', or 'echo off'")


def _decibels(part: str, text: str) -> float:
    match = DECIBELS.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"script part '{part}'", f"'{text}' is no level", "such as -30dB")
    return -float(match[1])


def _sound(part: str, verb: str, rest: str, read_audio: AudioReader | None) -> Speak:
    if verb == "beep":
        return _beep(part, rest.lower().split())
    if verb == "say" and rest:
        return Speak(spoken(rest), words=rest)
    return _speak(part, rest, read_audio)


def _beep(part: str, words: list[str]) -> Speak:
    hertz = int(words.pop(0)) if words and words[0].isdecimal() and len(words[0]) < 5 else 1000
    ms = round(min(_seconds(part, words.pop(0) if words else "300ms"), 10) * 1000)
    if words or not LOWEST_BEEP_HZ <= hertz <= HIGHEST_BEEP_HZ:
        problem = f"is no beep of {LOWEST_BEEP_HZ} to {HIGHEST_BEEP_HZ} hertz"
        raise ConfigurationError(f"script part '{part}'", problem, "such as 'beep', or 'beep 1400 500ms'")
    return Speak(sine(hertz, ms), words="beep")


def _speak(part: str, rest: str, read_audio: AudioReader | None) -> Speak:
    if DURATION.fullmatch(rest):
        return Speak(speech(round(min(_seconds(part, rest), 120) * 1000)))
    if read_audio is None or not rest:
        raise ConfigurationError(f"script part '{part}'", "needs a duration such as 1.5s")
    return Speak(read_audio(rest), words=rest)
