"""Executes `<Record>`: a beep, then the caller's message until a key, silence, the longest time or the end of the call.

Follows Twilio's `<Record>`: the action gets the recording; after an empty one the document goes on instead.
"""

import asyncio

from telebridge.audio.mulaw import BYTES_PER_SECOND
from telebridge.audio.tones import beep
from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.execution.recorder import RecordingControl
from telebridge.simulator.resources.parameters import RecordingSetup
from telebridge.simulator.resources.recordings import RecordingResource, audible_span
from telebridge.simulator.twiml.interpreter import VerbDone
from telebridge.simulator.twiml.verbs import RecordVerb

BEEP_MS = 400
HUNG_UP = "hangup"


async def record_message(verb: RecordVerb, call: LiveCallParts, recorder: RecordingControl) -> VerbDone:
    """Record the caller; the outcome has the recording, unless there was nothing to be heard."""
    driver = call.line
    if verb.play_beep:
        driver.line.playout.queue_audio(beep(BEEP_MS), now=driver.now())
        await asyncio.sleep(BEEP_MS / 1000)
    driver.drop_inputs()
    setup = RecordingSetup(track="inbound", trim=verb.trim, callback=verb.recording)
    resource = recorder.start("RecordVerb", setup)
    key = HUNG_UP
    try:
        key = await _end_of_message(verb, call)
    finally:
        recorder.stop(resource.sid)
        fields = _fields(resource, recorder, key)
        call.cut_short.update(fields)
    return VerbDone(fields)


def _fields(resource: RecordingResource, recorder: RecordingControl, key: str) -> dict[str, str]:
    if not any(audible_span(leg) != (0, 0) for leg in resource.legs):
        return {}
    return recorder.fields_of(resource) | ({"Digits": key} if key else {})


async def _end_of_message(verb: RecordVerb, call: LiveCallParts) -> str:
    """Wait for the end of the message; returns the key that ended it, or nothing."""
    began = quiet_since = call.now()
    while True:
        ends = min(began + verb.max_length_seconds, quiet_since + verb.timeout_seconds)
        try:
            async with asyncio.timeout(ends - call.now()):
                while True:
                    given = await call.line.inputs.get()
                    if given.kind == "key" and given.text in verb.finish_on_key:
                        return given.text
        except TimeoutError:
            pass
        heard_until = _last_sound(call, since=began)
        if call.now() >= began + verb.max_length_seconds or call.now() >= heard_until + verb.timeout_seconds - 1e-6:
            return ""
        quiet_since = heard_until


def _last_sound(call: LiveCallParts, *, since: float) -> float:
    """Return when the caller was heard last, or `since`."""
    opened = call.recording.opened_at
    start = round((since - opened) * BYTES_PER_SECOND)
    _, end = audible_span(bytes(call.recording.caller[start:]))
    return since + end / BYTES_PER_SECOND
