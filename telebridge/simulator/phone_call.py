"""The life of one simulated call: rung, answered, led by TwiML, ended, and reported at every step.

This is a shell over the call's record, the TwiML interpreter and the line. Follows Twilio's Call resource: a status
moves forward only, each step is a callback of its own, and the last one is `completed` whatever the final status.
"""

import asyncio
import io
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from telebridge.audio.mulaw import silence
from telebridge.audio.tones import dtmf
from telebridge.audio.wav import read
from telebridge.simulator.caller import Caller, Pickup, Script
from telebridge.simulator.client import RequestFailed, WebClient
from telebridge.simulator.clock import Clock
from telebridge.simulator.courier import Callback, Courier
from telebridge.simulator.driver import LineDriver
from telebridge.simulator.faults import StreamFaults
from telebridge.simulator.gathering import gather
from telebridge.simulator.line import Line
from telebridge.simulator.media_session import MediaSession
from telebridge.simulator.options import SimulatorOptions
from telebridge.simulator.orders import CallOrder, CallUpdate
from telebridge.simulator.recording import Kind, Recording
from telebridge.simulator.records import CallRecord, Status
from telebridge.simulator.twiml import Act, Document, Done, EndCall, Failed, Fetch, FetchFailed, Interpreter, Outcome
from telebridge.simulator.verbs import Dial, Gather, Pause, Play, Prompt, Reject, Say, Stream
from telebridge.simulator.webhooks import (
    call_fields,
    detection_fields,
    first_inbound_fields,
    status_fields,
    stream_fields,
)

UNANSWERED = {Pickup.BUSY: Status.BUSY, Pickup.NO_ANSWER: Status.NO_ANSWER, Pickup.FAILED: Status.FAILED}
DIAL_SECONDS = 0.1


class PhoneCall:
    """One call between the web application and somebody on the telephone.

    Args:
        record: What Twilio remembers of it.
        order: What it was created with.
        script: What the person does.
        options: The account.
        client: Asks the web application.
        clock: Time.
    """

    def __init__(
        self,
        record: CallRecord,
        order: CallOrder,
        script: Script,
        options: SimulatorOptions,
        client: WebClient,
        clock: Clock,
    ) -> None:
        self.record = record
        self.recording = Recording(clock.now())
        self.driver: LineDriver | None = None
        self._order = order
        self._script = script
        self._options = options
        self._client = client
        self._clock = clock
        self._interpreter = Interpreter(fallback_url=order.fallback_url, fallback_method=order.fallback_method)
        self._courier = Courier(client, options.faults, lambda detail: self._note(Kind.CALLBACK, detail))
        self._sequence = 0
        self._streams = 0
        self._base_url = order.url or ""
        self._ended_by = ""
        self._over = asyncio.Event()
        self._update: CallUpdate | None = None
        self._following: asyncio.Task[EndCall | Reject] | None = None
        self._side_tasks: set[asyncio.Task[None]] = set()

    # What others do to the call.

    def hang_up(self, who: str) -> None:
        """Somebody hangs up: caller, bridge, limit."""
        if not self._over.is_set():
            self._ended_by = who
            self._note(Kind.HUNG_UP, who)
            self._over.set()

    def update(self, update: CallUpdate) -> None:
        """A REST request: end the call, or let another document lead it."""
        if update.status is not None:
            if self.record.status in (Status.QUEUED, Status.INITIATED, Status.RINGING):
                self._finish(Status.CANCELED)
            self.hang_up("bridge")
        elif self._following is not None:
            self._update = update
            self._following.cancel()

    # Its life.

    async def run(self) -> None:
        """Live through the call; when cancelled, everything is dropped where it is."""
        try:
            await (self._arrive() if self.record.direction == "inbound" else self._place())
            await self._courier.aclose()
        finally:
            for task in self._side_tasks:
                task.cancel()
            await asyncio.gather(*self._side_tasks, return_exceptions=True)
            await self._courier.abort()
            if self.driver is not None:
                self.driver.stop()

    async def drop(self) -> None:
        """Give up a call that never began."""
        await self._courier.abort()

    async def _arrive(self) -> None:
        """Somebody calls: the application is asked while it rings."""
        self.record.move(Status.INITIATED, at=self._clock.wallclock())
        self.record.move(Status.RINGING, at=self._clock.wallclock())
        await self._lead(self._first_act(first_inbound_fields(self.record)))

    async def _place(self) -> None:
        """The application calls somebody."""
        self._move(Status.INITIATED, "initiated")
        await asyncio.sleep(DIAL_SECONDS)
        if self._over.is_set():
            return
        self._move(Status.RINGING, "ringing")
        answered = await self._ring()
        if self._over.is_set():
            return
        if answered is not Status.IN_PROGRESS:
            self.record.sip_response_code = self._script.sip_response_code if answered is Status.FAILED else None
            self._finish(answered)
            return
        self._answer()
        fields = await self._detect()
        if not self._over.is_set():
            await self._lead(self._first_act(fields))

    async def _ring(self) -> Status:
        """How it is picked up."""
        pickup = self._script.pickup
        limit = self._order.timeout_seconds
        rings = limit if pickup is Pickup.NO_ANSWER else min(self._script.ring_seconds, limit)
        with suppress(TimeoutError):
            async with asyncio.timeout(rings):
                await self._over.wait()
        if pickup is Pickup.ANSWER:
            return Status.IN_PROGRESS if self._script.ring_seconds <= limit else Status.NO_ANSWER
        return UNANSWERED[pickup]

    def _answer(self) -> None:
        """The line opens."""
        now = self._clock.now()
        self.recording.open(now)
        self._move(Status.IN_PROGRESS, "answered")
        line = Line(Caller(self._script), self.recording, opened_at=now)
        self.driver = LineDriver(line, on_hung_up=lambda: self.hang_up("caller"))

    async def _detect(self) -> Mapping[str, str]:
        """Answering machine detection: before the application is asked, or beside the talk."""
        detection = self._order.detection
        if detection is None:
            return {}
        if detection.asynchronous:
            self._spawn(self._detect_beside())
            return {}
        with suppress(TimeoutError):
            async with asyncio.timeout(self._script.detection_seconds):
                await self._over.wait()
        return self._verdict()

    async def _detect_beside(self) -> None:
        await asyncio.sleep(self._script.detection_seconds)
        detection = self._order.detection
        fields = self._verdict()
        if detection is not None and detection.callback is not None:
            identity = {"CallSid": self.record.sid, "AccountSid": self.record.account_sid}
            self._courier.send(Callback("amd", detection.callback, detection.callback_method, identity | fields))

    def _verdict(self) -> dict[str, str]:
        if self._order.detection is None:
            return {}
        self.record.answered_by = self._order.detection.verdict(self._script.answered_by)
        return detection_fields(self.record.answered_by, round(self._script.detection_seconds * 1000))

    def _first_act(self, fields: Mapping[str, str]) -> Callable[[], Act]:
        order = self._order
        if order.url is not None:
            return lambda: self._interpreter.start(order.url or "", order.method, fields)
        return lambda: self._interpreter.start_document((order.twiml or "").encode())

    async def _lead(self, first: Callable[[], Act]) -> None:
        """Follow documents until one ends, somebody hangs up, or time is up."""
        begin: Callable[[], Act] | None = first
        try:
            async with asyncio.timeout(self._order.time_limit_seconds):
                while begin is not None:
                    begin = await self._follow_until_over(begin)
        except TimeoutError:
            self.hang_up("limit")
        self._finish(Status.COMPLETED)

    async def _follow_until_over(self, begin: Callable[[], Act]) -> Callable[[], Act] | None:
        """One run of the interpreter; answers with what an update wants instead, or None when the call is over."""
        self._following = asyncio.create_task(self._follow(begin()))
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({self._following, over}, return_when=asyncio.FIRST_COMPLETED)
            if self._over.is_set():
                return None
            if self._update is not None:
                return self._updated()
            match await self._following:
                case EndCall(reason, code):
                    self._note(Kind.TWIML, reason if code is None else f"{reason} ({code})")
                    self.hang_up("bridge")
                case Reject(reason):
                    self.hang_up("bridge")
                    self._finish(Status.BUSY if reason == "busy" else Status.FAILED)
            return None
        finally:
            for task in (self._following, over):
                task.cancel()
            await asyncio.gather(self._following, over, return_exceptions=True)

    def _updated(self) -> Callable[[], Act]:
        update, self._update = self._update, None
        if update is not None and update.url is not None:
            url, method = update.url, update.method
            return lambda: self._interpreter.start(url, method)
        document = ((update.twiml if update else None) or "").encode()
        return lambda: self._interpreter.start_document(document)

    # TwiML.

    async def _follow(self, act: Act) -> EndCall | Reject:
        while True:
            if isinstance(act, EndCall | Reject):
                return act
            if not isinstance(act, Fetch) and self.record.status is Status.RINGING:
                self._answer()
            act = self._interpreter.resume(await self._perform(act))

    async def _perform(self, act: Act) -> Outcome:
        self._note(Kind.TWIML, type(act).__name__)
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
        try:
            answer = await self._client.ask(act.url, act.method, call_fields(self.record) | dict(act.fields))
        except RequestFailed as error:
            self._note(Kind.REQUEST, f"{act.method} {act.url} {error.problem}")
            return FetchFailed(error.code, act.url)
        self._base_url = act.url
        self._note(Kind.REQUEST, f"{act.method} {act.url} {answer.status}")
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
            self._line().line.playout.queue_audio(audio, now=self._clock.now())
            seconds += len(audio) / 8000
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
        driver = self._line()
        status = "no-answer"
        for number in act.numbers:
            script = self._options.script_for(number)
            await asyncio.sleep(min(script.ring_seconds, act.timeout_seconds))
            if script.pickup is Pickup.ANSWER and script.ring_seconds <= act.timeout_seconds:
                began = self._clock.now()
                driver.line.far = Caller(script)
                with suppress(TimeoutError):
                    async with asyncio.timeout(act.time_limit_seconds):
                        await driver.far_hung_up.wait()
                driver.line.far = None
                driver.far_hung_up.clear()
                return Done({"DialCallStatus": "completed", "DialCallDuration": str(round(self._clock.now() - began))})
            status = "no-answer" if script.pickup is Pickup.ANSWER else script.pickup.value
        return Done({"DialCallStatus": status})

    async def _stream(self, act: Stream) -> Outcome:
        faults = self._options.faults.stream
        if self._streams and faults.only_first:
            faults = StreamFaults()
        self._streams += 1
        session = MediaSession(
            self._client,
            self._line(),
            self.recording,
            self._report_stream,
            faults=faults,
            require_wss=self._options.require_wss,
            heed_misshapen=self._options.heed_misshapen,
        )
        return await session.run(
            act, base_url=self._base_url, call_sid=self.record.sid, account_sid=self.record.account_sid
        )

    def _report_stream(self, event: str, verb: Stream, stream_sid: str, code: int | None, error: str) -> None:
        if verb.status_callback is None:
            return
        fields = stream_fields(
            self.record,
            stream_sid=stream_sid,
            name=verb.name,
            event=event,
            at=self._clock.wallclock(),
            code=code,
            error=error,
        )
        self._courier.send(Callback(event, verb.status_callback, verb.status_callback_method, fields))

    def _line(self) -> LineDriver:
        if self.driver is None:
            raise AssertionError("the line is not open")
        return self.driver

    # Its status.

    def _finish(self, status: Status) -> None:
        """Enter a final status, unless one was entered before."""
        if self.record.status.final:
            return
        if status is Status.COMPLETED and self.record.status in (Status.QUEUED, Status.INITIATED):
            status = Status.CANCELED
        if self.driver is not None:
            self.driver.stop()
        self._move(status, "completed")

    def _move(self, status: Status, event: str) -> None:
        at = self._clock.wallclock()
        self.record.move(status, at=at)
        self._note(Kind.STATUS, status.value)
        url = self._order.status_callback
        if url is not None and event in self._order.status_events:
            fields = status_fields(self.record, sequence_number=self._sequence, at=at)
            self._courier.send(Callback(event, url, self._order.status_callback_method, fields))
            self._sequence += 1

    def _note(self, kind: Kind, detail: str) -> None:
        self.recording.note(kind, detail, now=self._clock.now())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)
