"""Executes `<Dial>` with telephone numbers, SIP addresses and clients.

Follows Twilio's `<Dial>`: all parties ring at once, or one after the other with `sequential`; the first who answers is
connected, after the document of the noun was played to them; whoever does not answer rings until the `timeout`.

One rule: each leg ends with exactly one final status.
"""

import asyncio

from telebridge.audio.mulaw import frames
from telebridge.simulator.caller.caller import Caller
from telebridge.simulator.execution.dialed_legs import DialedLeg
from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.execution.prompts import PromptPlayer
from telebridge.simulator.execution.recorder import RecordingControl
from telebridge.simulator.http.client import RequestFailed
from telebridge.simulator.http.webhook_fields import call_fields
from telebridge.simulator.media.line import FRAME_SECONDS, FarEnd
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.resources.parameters import RecordingSetup
from telebridge.simulator.twiml.document import read_document
from telebridge.simulator.twiml.interpreter import VerbDone
from telebridge.simulator.twiml.verbs import DialVerb, PauseVerb, PlayVerb, SayVerb, TwimlError, Verb
from telebridge.twilio.calls import CallStatus

STAR = "*"


async def connect(call: LiveCallParts, far: FarEnd, *, limit_seconds: float, hangup_on_star: bool) -> None:
    """Connect the caller with a far end as long as `wait_connected` waits."""
    call.line.connect(far)
    try:
        await wait_connected(call, limit_seconds=limit_seconds, hangup_on_star=hangup_on_star)
    finally:
        call.line.connect(None)


async def wait_connected(call: LiveCallParts, *, limit_seconds: float, hangup_on_star: bool) -> None:
    """Wait until the far end hangs up, the time limit ends, or the caller presses `*` where that ends it."""
    driver = call.line
    driver.drop_inputs()
    far = asyncio.create_task(driver.far_hung_up.wait())
    star = asyncio.create_task(_star_pressed(call)) if hangup_on_star else None
    waiting = {task for task in (far, star) if task is not None}
    try:
        await asyncio.wait(waiting, timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _star_pressed(call: LiveCallParts) -> None:
    while (given := await call.line.inputs.get()).kind != "key" or given.text != STAR:
        pass


class PartyDialer:
    """Dials parties for one call."""

    def __init__(self, call: LiveCallParts, player: PromptPlayer, recorder: RecordingControl) -> None:
        self._call = call
        self._player = player
        self._recorder = recorder

    async def dial(self, verb: DialVerb) -> VerbDone:
        """Connect the caller to the first party that answers."""
        outcome = VerbDone({"DialCallStatus": "failed"})
        self._call.cut_short["DialCallStatus"] = "canceled"
        groups = [(party,) for party in verb.parties] if verb.sequential else [verb.parties]
        for group in groups:
            legs = [DialedLeg.dial(self._call, party, verb.caller_id) for party in group]
            try:
                answered = await self._ring(legs, verb.timeout_seconds)
                if answered is not None:
                    return await self._connect(answered, verb)
            finally:
                for leg in legs:
                    leg.end()
            if legs:
                last = max(legs, key=lambda leg: leg.decides_after(verb.timeout_seconds)[0])
                outcome = VerbDone({"DialCallStatus": last.record.status.value, "DialCallSid": last.record.sid})
        return outcome

    async def _ring(self, legs: list[DialedLeg], timeout_seconds: float) -> DialedLeg | None:
        """Ring at all legs; returns the one that answers first, and ends the others."""
        began = self._call.now()
        for leg in sorted(legs, key=lambda each: each.decides_after(timeout_seconds)[0]):
            seconds, status = leg.decides_after(timeout_seconds)
            await asyncio.sleep(max(0.0, began + seconds - self._call.now()))
            leg.move(status)
            if status is CallStatus.IN_PROGRESS:
                for other in legs:
                    if other is not leg:
                        other.end()
                return leg
        return None

    async def _connect(self, leg: DialedLeg, verb: DialVerb) -> VerbDone:
        far = Caller(leg.script)
        heard_out = await self._play_to(far, self._player.tones(leg.party.send_digits))
        if not heard_out or (leg.party.url is not None and not await self._whisper(leg, leg.party.url, far)):
            return VerbDone({"DialCallStatus": "no-answer", "DialCallSid": leg.record.sid})
        return await self._bridge(leg, far, verb)

    async def _whisper(self, leg: DialedLeg, url: str, far: Caller) -> bool:
        """Play the document at `url` to the party that answered, and return whether it may be connected."""
        fields = {"CallSid": leg.record.sid, "ParentCallSid": self._call.record.sid, "Direction": "outbound-dial"}
        fields |= {"To": leg.party.number, "Called": leg.party.number, "CallStatus": "in-progress"}
        try:
            response = await self._call.client.request(
                self._call.absolute(url), leg.party.method, call_fields(self._call.record) | fields
            )
            return await self._play_whisper(read_document(response.body).verbs, far)
        except (RequestFailed, TwimlError, ValueError) as error:
            self._call.note(EventKind.WARNING, f"whisper: {error}")
            return False

    async def _play_whisper(self, verbs: tuple[Verb, ...], far: Caller) -> bool:
        for verb in verbs:
            if not isinstance(verb, SayVerb | PlayVerb | PauseVerb):
                return False  # Twilio allows more verbs; only prompts are simulated, anything else ends the leg
            self._call.note(EventKind.WHISPER, getattr(verb, "text", ""))
            if not await self._play_to(far, await self._player.audio_of(verb)):
                return False
        return True

    async def _play_to(self, far: Caller, audio: bytes) -> bool:
        """Play audio to the far party alone; returns whether they have heard it to its end."""
        for frame in frames(audio):
            await asyncio.sleep(FRAME_SECONDS)
            if far.frame(frame).hung_up:
                return False
        return True

    async def _bridge(self, leg: DialedLeg, far: Caller, verb: DialVerb) -> VerbDone:
        """Connect both parties until one hangs up or the time limit ends."""
        call = self._call
        began = call.now()
        fields = {"DialCallStatus": "completed", "DialCallSid": leg.record.sid, "DialBridged": "true"}
        call.cut_short.update(fields)
        recording = None
        if verb.record != "do-not-record":
            channels = 2 if verb.record.endswith("dual") else 1
            setup = RecordingSetup(channels, trim=verb.trim, callback=verb.recording)
            recording = self._recorder.start("DialVerb", setup)
        try:
            await connect(call, far, limit_seconds=verb.time_limit_seconds, hangup_on_star=verb.hangup_on_star)
        finally:
            fields["DialCallDuration"] = str(round(call.now() - began))
            if recording is not None:
                self._recorder.stop(recording.sid)
                fields |= self._recorder.fields_of(recording)
            call.cut_short.update(fields)
        return VerbDone(fields)
