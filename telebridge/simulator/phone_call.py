"""The life of one simulated call: rung, answered, led by TwiML, ended, and reported at every step.

This is a shell over the call's record, the TwiML interpreter and the line. Follows Twilio's Call resource: a status
moves forward only, each step is a callback of its own, and the last one is `completed` whatever the final status.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from telebridge.simulator.callbacks import CallReports
from telebridge.simulator.caller.caller import Caller, Pickup, Script
from telebridge.simulator.executor import VerbPerformer
from telebridge.simulator.http.client import WebClient
from telebridge.simulator.http.webhook_fields import detection_fields, first_inbound_fields
from telebridge.simulator.media.line import Line
from telebridge.simulator.media.recording import Kind, Recording
from telebridge.simulator.media.timer import LineDriver
from telebridge.simulator.resources.call import CallRecord
from telebridge.simulator.resources.parameters import CallOrder, CallUpdate
from telebridge.simulator.setup.clock import Clock
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.simulator.twiml.interpreter import (
    Act,
    EndCall,
    Fetch,
    Interpreter,
)
from telebridge.simulator.twiml.verbs import Reject
from telebridge.twilio.calls import CallStatus

UNANSWERED = {Pickup.BUSY: CallStatus.BUSY, Pickup.NO_ANSWER: CallStatus.NO_ANSWER, Pickup.FAILED: CallStatus.FAILED}
DIAL_SECONDS = 0.1

Beginning = Callable[[], Act]
"""Starts the interpreter on a document."""


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
        self._order = order
        self._script = script
        self._clock = clock
        self._reports = CallReports(record, order, self.recording, client, clock, options.faults)
        self._performer = VerbPerformer(record, self.recording, options, client, self._reports, self._line)
        self._interpreter = Interpreter(fallback_url=order.fallback_url, fallback_method=order.fallback_method)
        self._driver: LineDriver | None = None
        self._over = asyncio.Event()
        self._update: CallUpdate | None = None
        self._following: asyncio.Task[EndCall | Reject] | None = None
        self._detecting: asyncio.Task[None] | None = None

    # What others do to the call.

    def hang_up(self, who: str) -> None:
        """Somebody hangs up: caller, bridge, limit."""
        if not self._over.is_set():
            self._note(Kind.HUNG_UP, who)
            self._over.set()

    def update(self, update: CallUpdate) -> None:
        """A REST request: end the call, or let another document lead it."""
        if update.status is not None:
            if self.record.status in (CallStatus.QUEUED, CallStatus.INITIATED, CallStatus.RINGING):
                self._finish(CallStatus.CANCELED)
            self.hang_up("bridge")
        elif self._following is not None:
            self._update = update
            self._following.cancel()

    # Its life.

    async def run(self) -> None:
        """Live through the call; when cancelled, everything is dropped where it is."""
        try:
            await (self._arrive() if self.record.direction == "inbound" else self._place())
            await self._reports.delivered()
        finally:
            if self._detecting is not None:
                self._detecting.cancel()
                await asyncio.gather(self._detecting, return_exceptions=True)
            if self._driver is not None:
                self._driver.stop()
            await self.drop()

    async def drop(self) -> None:
        """Deliver nothing more."""
        await self._reports.abort()

    async def _arrive(self) -> None:
        """Somebody calls: the application is asked while it rings."""
        self.record.move(CallStatus.INITIATED, at=self._clock.wallclock())
        self.record.move(CallStatus.RINGING, at=self._clock.wallclock())
        await self._lead(self._beginning(first_inbound_fields(self.record)))

    async def _place(self) -> None:
        """The application calls somebody."""
        self._reports.moved(CallStatus.INITIATED, "initiated")
        await asyncio.sleep(DIAL_SECONDS)
        if not self._over.is_set():
            self._reports.moved(CallStatus.RINGING, "ringing")
            answered = await self._ring()
            if not self._over.is_set():
                await self._picked_up(answered)

    async def _picked_up(self, answered: CallStatus) -> None:
        if answered is not CallStatus.IN_PROGRESS:
            self.record.sip_response_code = self._script.sip_response_code if answered is CallStatus.FAILED else None
            self._finish(answered)
            return
        self._answer()
        fields = await self._detect()
        if not self._over.is_set():
            await self._lead(self._beginning(fields))
        else:
            self._finish(CallStatus.COMPLETED)

    async def _ring(self) -> CallStatus:
        """How it is picked up."""
        pickup, limit = self._script.pickup, self._order.timeout_seconds
        await self._over_within(limit if pickup is Pickup.NO_ANSWER else min(self._script.ring_seconds, limit))
        if pickup is Pickup.ANSWER:
            return CallStatus.IN_PROGRESS if self._script.ring_seconds <= limit else CallStatus.NO_ANSWER
        return UNANSWERED[pickup]

    def _answer(self) -> None:
        """The line opens."""
        now = self._clock.now()
        self.recording.open(now)
        self._reports.moved(CallStatus.IN_PROGRESS, "answered")
        line = Line(Caller(self._script), self.recording, opened_at=now)
        self._driver = LineDriver(line, on_hung_up=lambda: self.hang_up("caller"))

    async def _detect(self) -> Mapping[str, str]:
        """Answering machine detection: before the application is asked, or beside the talk."""
        detection, seconds = self._order.detection, self._script.detection_seconds
        if detection is None:
            return {}
        verdict = detection.verdict(self._script.answered_by)
        if detection.asynchronous:
            self._detecting = asyncio.create_task(self._detect_beside(verdict, seconds))
            return {}
        await self._over_within(seconds)
        self.record.answered_by = verdict
        return detection_fields(verdict, round(seconds * 1000))

    async def _detect_beside(self, verdict: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.record.answered_by = verdict
        self._reports.detected(verdict, seconds)

    # TwiML.

    def _beginning(self, fields: Mapping[str, str]) -> Beginning:
        url, method, document = self._order.url, self._order.method, (self._order.twiml or "").encode()
        if url is not None:
            return lambda: self._interpreter.start(url, method, fields)
        return lambda: self._interpreter.start_document(document)

    async def _lead(self, begin: Beginning | None) -> None:
        """Follow documents until one ends, somebody hangs up, or time is up."""
        try:
            async with asyncio.timeout(self._order.time_limit_seconds):
                while begin is not None:
                    begin = await self._follow_until_over(begin)
        except TimeoutError:
            self.hang_up("limit")
        self._finish(CallStatus.COMPLETED)
        await self._end_dial()

    async def _end_dial(self) -> None:
        """Ask the action of a `<Dial>` that the end of the call cut; what it answers leads nowhere any more."""
        driver = self._driver
        ask = self._interpreter.abandoned(connected=driver is not None and driver.line.far is not None)
        if ask is not None:
            await self._performer.perform(ask, now=self._clock.now())

    async def _follow_until_over(self, begin: Beginning) -> Beginning | None:
        """One run of the interpreter; answers with what an update wants instead, or None when the call is over."""
        self._following = following = asyncio.create_task(self._follow(begin()))
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({following, over}, return_when=asyncio.FIRST_COMPLETED)
            if self._over.is_set():
                return None
            if self._update is not None:
                return self._updated()
            self._ended(await following)
            return None
        finally:
            for task in (following, over):
                task.cancel()
            await asyncio.gather(following, over, return_exceptions=True)

    async def _follow(self, act: Act) -> EndCall | Reject:
        while not isinstance(act, EndCall | Reject):
            if not isinstance(act, Fetch) and self.record.status is CallStatus.RINGING:
                self._answer()
            act = self._interpreter.resume(await self._performer.perform(act, now=self._clock.now()))
        return act

    def _updated(self) -> Beginning:
        update, self._update = self._update, None
        if update is not None and update.url is not None:
            url, method = update.url, update.method
            return lambda: self._interpreter.start(url, method)
        document = ((update.twiml if update else None) or "").encode()
        return lambda: self._interpreter.start_document(document)

    def _ended(self, act: EndCall | Reject) -> None:
        """The document is at its end, or refused the call."""
        if isinstance(act, Reject):
            self.hang_up("bridge")
            self._finish(CallStatus.BUSY if act.reason == "busy" else CallStatus.FAILED)
        else:
            self._note(Kind.TWIML, act.reason if act.code is None else f"{act.reason} ({act.code})")
            self.hang_up("bridge")

    # Small things.

    def _finish(self, status: CallStatus) -> None:
        """Enter a final status, unless one was entered before."""
        if self.record.status.is_final:
            return
        if self._driver is not None:
            self._driver.stop()
        self._reports.moved(status, "completed")

    def _line(self) -> LineDriver:
        if self._driver is None:
            raise AssertionError("the line is not open")
        return self._driver

    async def _over_within(self, seconds: float) -> None:
        """Let so much time pass, or less if somebody hangs up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    def _note(self, kind: Kind, detail: str) -> None:
        self.recording.note(kind, detail, now=self._clock.now())
