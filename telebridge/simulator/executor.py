"""Executes the instructions of the TwiML interpreter on one call: documents, prompts, `<Gather>`, `<Dial>`, streams.

This is a shell. Follows Twilio's "TwiML for Programmable Voice". In `<Gather>` the first key stops the prompts; the
finishing key, the wanted number of keys, or a pause ends it.

One rule: whatever happens in a verb ends in an outcome, and the document goes on.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urljoin
from uuid import uuid4

from telebridge.audio.mulaw import BYTES_PER_SECOND, frames, silence
from telebridge.audio.tones import dtmf
from telebridge.audio.wav import read
from telebridge.simulator.callbacks import CallCallbacks
from telebridge.simulator.caller.caller import Caller, Pickup
from telebridge.simulator.http.client import RequestFailed, WebClient
from telebridge.simulator.http.webhook_fields import call_fields
from telebridge.simulator.media.line import FRAME_SECONDS
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
from telebridge.simulator.media.session import MediaSession
from telebridge.simulator.media.timer import LineDriver
from telebridge.simulator.resources.call import CallResource
from telebridge.simulator.setup.faults import StreamFaults
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.simulator.twiml.interpreter import (
    Document,
    EndOfTwiml,
    Fetch,
    FetchFailed,
    Instruction,
    InstructionOutcome,
    VerbDone,
    VerbFailed,
)
from telebridge.simulator.twiml.verbs import (
    DialVerb,
    GatherVerb,
    Party,
    PauseVerb,
    PlayVerb,
    PromptVerb,
    RejectVerb,
    SayVerb,
    StreamVerb,
    TwimlError,
    Verb,
    read_document,
)


async def gather(
    verb: GatherVerb, driver: LineDriver, queue_prompts: Callable[[tuple[PromptVerb, ...]], Awaitable[float]]
) -> VerbDone:
    """Collect keys on an open line; the outcome has them in `Digits`."""
    while not driver.keys.empty():
        driver.keys.get_nowait()  # Twilio knows no type-ahead
    timeout_seconds = await queue_prompts(verb.prompts) + verb.timeout_seconds
    digits = ""
    while verb.num_digits is None or len(digits) < verb.num_digits:
        try:
            async with asyncio.timeout(timeout_seconds):
                key = await driver.keys.get()
        except TimeoutError:
            break
        if not digits:
            driver.line.playout.clear(now=driver.now())
        if key == verb.finish_on_key:
            return VerbDone({"Digits": digits, "FinishedOnKey": key})
        digits += key
        timeout_seconds = verb.timeout_seconds
    return VerbDone({"Digits": digits})


class TwimlExecutor:
    """Executes the instructions of one call.

    Args:
        record: The call's resource.
        recording: Receives the events of the execution.
        options: The options of the account.
        client: Makes requests to the web application.
        callbacks: Sends stream callbacks.
        line: Returns the open line; called when a verb needs it.
    """

    def __init__(
        self,
        record: CallResource,
        recording: DualChannelRecording,
        options: SimulatorOptions,
        client: WebClient,
        callbacks: CallCallbacks,
        line: Callable[[], LineDriver],
    ) -> None:
        self._record = record
        self._recording = recording
        self._options = options
        self._client = client
        self._callbacks = callbacks
        self._line = line
        self._document_url = ""
        self._streams = 0

    async def execute(self, instruction: Instruction, *, now: float) -> InstructionOutcome:
        """Execute one instruction to its end."""
        self._recording.note(EventKind.TWIML, type(instruction).__name__.removesuffix("Verb"), now=now)
        match instruction:
            case Fetch():
                return await self._fetch(instruction)
            case SayVerb() | PlayVerb() | PauseVerb():
                return await self._prompt(instruction)
            case GatherVerb():
                return await gather(instruction, self._line(), self._queue_prompts)
            case DialVerb():
                return await self._dial(instruction)
            case StreamVerb():
                return await self._stream(instruction)
            case EndOfTwiml() | RejectVerb():
                raise AssertionError(instruction)

    async def _fetch(self, fetch: Fetch) -> InstructionOutcome:
        loop = asyncio.get_running_loop()
        try:
            for _ in range(self._options.faults.webhook_copies - 1):
                await self._client.request(fetch.url, fetch.method, call_fields(self._record) | dict(fetch.fields))
            response = await self._client.request(
                fetch.url, fetch.method, call_fields(self._record) | dict(fetch.fields)
            )
        except RequestFailed as error:
            self._recording.note(EventKind.REQUEST, f"{fetch.method} {fetch.url} {error.problem}", now=loop.time())
            return FetchFailed(error.code, fetch.url)
        self._document_url = fetch.url
        self._recording.note(EventKind.REQUEST, f"{fetch.method} {fetch.url} {response.status}", now=loop.time())
        return Document(response.body, fetch.url, response.content_type)

    async def _prompt(self, verb: PromptVerb) -> InstructionOutcome:
        try:
            seconds = await self._queue_prompts((verb,))
        except RequestFailed as error:
            return VerbFailed(error.code, error.problem)
        except ValueError as error:
            return VerbFailed(12300, str(error))
        await asyncio.sleep(seconds)
        return VerbDone()

    async def _queue_prompts(self, prompts: tuple[PromptVerb, ...]) -> float:
        """Queue prompts for playout and return how many seconds they play."""
        seconds = 0.0
        for prompt in prompts:
            audio = await self._audio_of(prompt)
            driver = self._line()
            driver.line.playout.queue_audio(audio, now=driver.now())
            seconds += len(audio) / BYTES_PER_SECOND
        return seconds

    async def _audio_of(self, prompt: PromptVerb) -> bytes:
        match prompt:
            case SayVerb(text, loop):
                return self._options.say(text) * loop
            case PlayVerb(url, digits, loop):
                return (dtmf(digits) if digits else read(io.BytesIO(await self._client.fetch(url)))) * loop
            case PauseVerb(length_seconds):
                return silence(1000 * length_seconds)

    async def _dial(self, verb: DialVerb) -> InstructionOutcome:
        """Connect the caller to the first party that answers."""
        status = "no-answer"
        for party in verb.parties:
            script = self._options.script_for(party.number)
            await asyncio.sleep(min(script.ring_seconds, verb.timeout_seconds))
            if script.pickup is Pickup.ANSWER and script.ring_seconds <= verb.timeout_seconds:
                far = Caller(script)
                if party.url is None or await self._whisper(party, party.url, far):
                    return await self._bridge(far, verb.time_limit_seconds)
                return VerbDone({"DialCallStatus": "no-answer"})
            status = "no-answer" if script.pickup is Pickup.ANSWER else script.pickup.value
        return VerbDone({"DialCallStatus": status})

    async def _whisper(self, party: Party, url: str, far: Caller) -> bool:
        """Play the document at `url` to the party that answered, and return whether it may be connected."""
        fields = {"CallSid": f"CA{uuid4().hex}", "ParentCallSid": self._record.sid, "Direction": "outbound-dial"}
        fields |= {"To": party.number, "Called": party.number, "CallStatus": "in-progress"}
        try:
            response = await self._client.request(
                urljoin(self._document_url, url), party.method, call_fields(self._record) | fields
            )
            return await self._play_whisper(read_document(response.body), far)
        except (RequestFailed, TwimlError, ValueError) as error:
            self._recording.note(EventKind.WARNING, f"whisper: {error}", now=asyncio.get_running_loop().time())
            return False

    async def _play_whisper(self, verbs: tuple[Verb, ...], far: Caller) -> bool:
        for verb in verbs:
            if not isinstance(verb, SayVerb | PlayVerb | PauseVerb):
                return False  # Twilio allows more verbs; only prompts are simulated, anything else ends the leg
            self._recording.note(EventKind.WHISPER, getattr(verb, "text", ""), now=asyncio.get_running_loop().time())
            for frame in frames(await self._audio_of(verb)):
                await asyncio.sleep(FRAME_SECONDS)
                if far.frame(frame).hung_up:
                    return False
        return True

    async def _bridge(self, far: Caller, limit_seconds: float) -> VerbDone:
        """Connect both parties until the far one hangs up or the time limit ends."""
        driver = self._line()
        began = driver.now()
        driver.line.far = far
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_seconds):
                await driver.far_hung_up.wait()
        driver.line.far = None
        driver.far_hung_up.clear()
        return VerbDone({"DialCallStatus": "completed", "DialCallDuration": str(round(driver.now() - began))})

    async def _stream(self, verb: StreamVerb) -> InstructionOutcome:
        faults = self._options.faults.stream
        if self._streams and faults.only_first:
            faults = StreamFaults()
        self._streams += 1
        session = MediaSession(
            self._client,
            self._line(),
            self._recording,
            self._callbacks.stream_event,
            faults=faults,
            require_wss=self._options.require_wss,
            accept_extra_fields=self._options.accept_extra_fields,
        )
        return await session.run(
            verb, base_url=self._document_url, call_sid=self._record.sid, account_sid=self._record.account_sid
        )
