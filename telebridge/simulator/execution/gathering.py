"""Executes `<Gather>`: keys and words of the caller while prompts play.

Follows Twilio's `<Gather>`: the first key, and with `bargeIn` the caller's voice, stops the prompts; the finishing key,
the wanted number of keys, or a pause ends it. What a caller says is what their script says, so nothing is recognized.

One rule: whatever the prompts do, a `<Gather>` ends as soon as the caller has been silent for its `timeout` after them.
"""

import asyncio
from dataclasses import dataclass, field

from telebridge.simulator.execution.prompts import PromptPlayer
from telebridge.simulator.media.line import CallerInput
from telebridge.simulator.media.timer import LineDriver
from telebridge.simulator.twiml.interpreter import VerbDone
from telebridge.simulator.twiml.verbs import GatherVerb

CONFIDENCE = "0.9"


@dataclass(slots=True)
class GatheredInput:
    """What a caller has given so far."""

    digits: str = ""
    words: list[str] = field(default_factory=list)
    speaking: bool = False
    finished_on_key: str | None = None

    def outcome(self) -> VerbDone:
        """Return the fields for the action."""
        if self.finished_on_key is not None:
            return VerbDone({"Digits": self.digits, "FinishedOnKey": self.finished_on_key})
        if self.words and not self.digits:
            return VerbDone({"SpeechResult": " ".join(self.words), "Confidence": CONFIDENCE})
        return VerbDone({"Digits": self.digits})


async def gather(verb: GatherVerb, driver: LineDriver, player: PromptPlayer) -> VerbDone:
    """Collect keys or words on an open line; the outcome has them in `Digits` or `SpeechResult`."""
    driver.drop_inputs()
    playing = asyncio.create_task(player.play(verb.prompts), name="simulated prompts")
    gathered = GatheredInput()
    try:
        while verb.num_digits is None or len(gathered.digits) < verb.num_digits:
            given = await _next_input(driver, playing, _patience(verb, gathered))
            if given is None or _take(verb, gathered, given, playing):
                break
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
    return gathered.outcome()


def _patience(verb: GatherVerb, gathered: GatheredInput) -> float | None:
    """Return how long the next input may take, once the prompts are over; None while somebody speaks."""
    if gathered.speaking:
        return None
    return verb.speech_timeout_seconds if gathered.words else verb.timeout_seconds


def _take(verb: GatherVerb, gathered: GatheredInput, given: CallerInput, playing: "asyncio.Task[None]") -> bool:
    """Take an input; returns whether it is the last one."""
    match given.kind:
        case "key" if verb.keys:
            playing.cancel()
            if given.text == verb.finish_on_key:
                gathered.finished_on_key = given.text
                return True
            gathered.digits += given.text
        case "speech" if verb.speech:
            gathered.speaking = True
            if verb.barge_in:
                playing.cancel()
        case "words" if verb.speech:
            gathered.speaking = False
            if given.text:
                gathered.words.append(given.text)
        case _:
            pass
    return False


async def _next_input(driver: LineDriver, playing: "asyncio.Task[None]", seconds: float | None) -> CallerInput | None:
    """Wait for an input: as long as the prompts play, and so many seconds after them."""
    getting = asyncio.create_task(driver.inputs.get())
    try:
        await asyncio.wait({getting, playing}, return_when=asyncio.FIRST_COMPLETED)
        if playing.done() and not playing.cancelled():
            playing.result()  # a failure of the simulator itself is not lost
        if not getting.done():
            await asyncio.wait({getting}, timeout=seconds)
        return getting.result() if getting.done() else None
    finally:
        getting.cancel()
