"""Carrying out TwiML on a call: fetching documents, prompts, `<Gather>`, `<Dial>` and media streams.

This is a shell. One rule: whatever happens in a verb ends in an outcome, and the document goes on.

`<Gather>`: keys pressed while prompts play and for some seconds after each.

Follows Twilio's "TwiML <Gather>": the first key stops the prompts; a finishing key, the wanted number of keys or a
pause ends it.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urljoin
from uuid import uuid4

from telebridge.audio.mulaw import frames, silence
from telebridge.audio.tones import dtmf
from telebridge.audio.wav import read
from telebridge.simulator.callbacks import CallReports
from telebridge.simulator.caller.caller import Caller, Pickup
from telebridge.simulator.http.client import RequestFailed, WebClient
from telebridge.simulator.http.webhook_fields import call_fields
from telebridge.simulator.media.line import FRAME_SECONDS
from telebridge.simulator.media.recording import Kind, Recording
from telebridge.simulator.media.session import MediaSession
from telebridge.simulator.media.timer import LineDriver
from telebridge.simulator.resources.call import CallRecord
from telebridge.simulator.setup.faults import StreamFaults
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.simulator.twiml.interpreter import (
    Act,
    Document,
    Done,
    EndCall,
    Failed,
    Fetch,
    FetchFailed,
    Outcome,
)
from telebridge.simulator.twiml.verbs import (
    Dial,
    Gather,
    Party,
    Pause,
    Play,
    Prompt,
    Reject,
    Say,
    Stream,
    TwimlError,
    Verb,
    read_document,
)


async def gather(
    act: Gather, driver: LineDriver, queue_prompts: Callable[[tuple[Prompt, ...]], Awaitable[float]]
) -> Done:
    """Carry it out on an open line; the keys are in the outcome's `Digits`."""
    while not driver.keys.empty():
        driver.keys.get_nowait()  # Twilio knows no type-ahead
    patience = await queue_prompts(act.prompts) + act.timeout_seconds
    digits = ""
    while act.num_digits is None or len(digits) < act.num_digits:
        try:
            async with asyncio.timeout(patience):
                key = await driver.keys.get()
        except TimeoutError:
            break
        if not digits:
            driver.line.playout.clear(now=driver.now())
        if key == act.finish_on_key:
            return Done({"Digits": digits, "FinishedOnKey": key})
        digits += key
        patience = act.timeout_seconds
    return Done({"Digits": digits})


BYTES_PER_SECOND = 8000


class VerbPerformer:
    """Performs the acts of one call.

    Args:
        record: Whose they are.
        recording: Where they are noted.
        options: The account.
        client: Asks the web application.
        reports: Tells it of streams.
        line: The open line; asked for when a verb needs it.
    """

    def __init__(
        self,
        record: CallRecord,
        recording: Recording,
        options: SimulatorOptions,
        client: WebClient,
        reports: CallReports,
        line: Callable[[], LineDriver],
    ) -> None:
        self._record = record
        self._recording = recording
        self._options = options
        self._client = client
        self._reports = reports
        self._line = line
        self._document_url = ""
        self._streams = 0

    async def perform(self, act: Act, *, now: float) -> Outcome:
        """Carry out one act to its end."""
        self._recording.note(Kind.TWIML, type(act).__name__, now=now)
        match act:
            case Fetch():
                return await self._fetch(act)
            case Say() | Play() | Pause():
                return await self._prompt(act)
            case Gather():
                return await gather(act, self._line(), self._queue_prompts)
            case Dial():
                return await self._dial(act)
            case Stream():
                return await self._stream(act)
            case EndCall() | Reject():
                raise AssertionError(act)

    async def _fetch(self, act: Fetch) -> Outcome:
        loop = asyncio.get_running_loop()
        try:
            answer = await self._client.ask(act.url, act.method, call_fields(self._record) | dict(act.fields))
        except RequestFailed as error:
            self._recording.note(Kind.REQUEST, f"{act.method} {act.url} {error.problem}", now=loop.time())
            return FetchFailed(error.code, act.url)
        self._document_url = act.url
        self._recording.note(Kind.REQUEST, f"{act.method} {act.url} {answer.status}", now=loop.time())
        return Document(answer.body, act.url, answer.content_type)

    async def _prompt(self, act: Prompt) -> Outcome:
        try:
            seconds = await self._queue_prompts((act,))
        except RequestFailed as error:
            return Failed(error.code, error.problem)
        except ValueError as error:
            return Failed(12300, str(error))
        await asyncio.sleep(seconds)
        return Done()

    async def _queue_prompts(self, prompts: tuple[Prompt, ...]) -> float:
        """Put prompts into the playout; answers how long they sound."""
        seconds = 0.0
        for prompt in prompts:
            audio = await self._audio_of(prompt)
            driver = self._line()
            driver.line.playout.queue_audio(audio, now=driver.now())
            seconds += len(audio) / BYTES_PER_SECOND
        return seconds

    async def _audio_of(self, prompt: Prompt) -> bytes:
        match prompt:
            case Say(text, loop):
                return self._options.say(text) * loop
            case Play(url, digits, loop):
                return (dtmf(digits) if digits else read(io.BytesIO(await self._client.fetch(url)))) * loop
            case Pause(length_seconds):
                return silence(1000 * length_seconds)

    async def _dial(self, act: Dial) -> Outcome:
        """Connect the caller with the first who answers."""
        status = "no-answer"
        for party in act.parties:
            script = self._options.script_for(party.number)
            await asyncio.sleep(min(script.ring_seconds, act.timeout_seconds))
            if script.pickup is Pickup.ANSWER and script.ring_seconds <= act.timeout_seconds:
                far = Caller(script)
                if party.url is None or await self._whisper(party, party.url, far):
                    return await self._talk(far, act.time_limit_seconds)
                return Done({"DialCallStatus": "no-answer"})
            status = "no-answer" if script.pickup is Pickup.ANSWER else script.pickup.value
        return Done({"DialCallStatus": status})

    async def _whisper(self, party: Party, url: str, far: Caller) -> bool:
        """Perform a document to who answered, and to them alone; answers whether they are to be connected."""
        fields = {"CallSid": f"CA{uuid4().hex}", "ParentCallSid": self._record.sid, "Direction": "outbound-dial"}
        fields |= {"To": party.number, "Called": party.number, "CallStatus": "in-progress"}
        try:
            answer = await self._client.ask(
                urljoin(self._document_url, url), party.method, call_fields(self._record) | fields
            )
            return await self._hear_out(read_document(answer.body), far)
        except (RequestFailed, TwimlError, ValueError) as error:
            self._recording.note(Kind.WARNING, f"whisper: {error}", now=asyncio.get_running_loop().time())
            return False

    async def _hear_out(self, verbs: tuple[Verb, ...], far: Caller) -> bool:
        for verb in verbs:
            if not isinstance(verb, Say | Play | Pause):
                return False  # Twilio allows more; whoever hangs up here is not connected
            self._recording.note(Kind.WHISPER, getattr(verb, "text", ""), now=asyncio.get_running_loop().time())
            for frame in frames(await self._audio_of(verb)):
                await asyncio.sleep(FRAME_SECONDS)
                if far.frame(frame).hung_up:
                    return False
        return True

    async def _talk(self, far: Caller, limit_seconds: float) -> Done:
        """The two hear each other until the far one hangs up."""
        driver = self._line()
        began = driver.now()
        driver.line.far = far
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_seconds):
                await driver.far_hung_up.wait()
        driver.line.far = None
        driver.far_hung_up.clear()
        return Done({"DialCallStatus": "completed", "DialCallDuration": str(round(driver.now() - began))})

    async def _stream(self, act: Stream) -> Outcome:
        faults = self._options.faults.stream
        if self._streams and faults.only_first:
            faults = StreamFaults()
        self._streams += 1
        session = MediaSession(
            self._client,
            self._line(),
            self._recording,
            self._reports.stream,
            faults=faults,
            require_wss=self._options.require_wss,
            heed_misshapen=self._options.heed_misshapen,
        )
        return await session.run(
            act, base_url=self._document_url, call_sid=self._record.sid, account_sid=self._record.account_sid
        )
