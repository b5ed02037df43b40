"""One simulated call: it rings, is answered, runs TwiML and ends, with a callback at each change of status.

This is a shell over the call's resource, the TwiML interpreter and the line. Follows Twilio's Call resource: a status
moves forward only, each change is a callback of its own, and the last event is `completed` whatever the final status.

One rule: whatever happens, a call ends with exactly one final status.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from telebridge.logs import logger
from telebridge.simulator.callbacks import CallCallbacks
from telebridge.simulator.caller.caller import Caller, CallerStep, Pickup, Script
from telebridge.simulator.execution.executor import TwimlExecutor
from telebridge.simulator.execution.live_call import Account, LiveCallParts
from telebridge.simulator.execution.recorder import RecordingControl
from telebridge.simulator.execution.streaming import ForkedStreams
from telebridge.simulator.execution.texting import MessageSender
from telebridge.simulator.http.webhook_fields import detection_fields, first_inbound_fields
from telebridge.simulator.media.line import PhoneLine
from telebridge.simulator.media.playout import PlayoutObserver
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
from telebridge.simulator.media.timer import LineDriver
from telebridge.simulator.resources.call import CallResource
from telebridge.simulator.resources.parameters import CallSetup, CallUpdate
from telebridge.simulator.twiml.interpreter import (
    EndOfTwiml,
    Fetch,
    Instruction,
    InstructionOutcome,
    Interpreter,
    VerbFailed,
)
from telebridge.simulator.twiml.verbs import GatherVerb, RejectVerb, SayVerb
from telebridge.twilio.calls import CallStatus

UNANSWERED = {Pickup.BUSY: CallStatus.BUSY, Pickup.NO_ANSWER: CallStatus.NO_ANSWER, Pickup.FAILED: CallStatus.FAILED}
DIAL_SECONDS = 0.1
TRIAL_SECONDS = 600.0
"""The longest call of a trial account (warning 13805)."""
LOG = logger("telebridge.simulator")

TRIAL_ANNOUNCEMENT = GatherVerb(
    (
        SayVerb(
            "You have a trial account. You can remove this message at any time by upgrading to a full account. "
            "Press any key to execute your code."
        ),
    ),
    timeout_seconds=10,
    num_digits=1,
    finish_on_key="",
)
"""After ten seconds without a key the call goes on; what Twilio does then is not documented."""

FirstInstruction = Callable[[], Instruction]
"""Starts the interpreter on a document and returns its first instruction."""


class PhoneCall:
    """One call between the web application and a scripted caller. Await `run` once.

    Attributes:
        record: The call's resource.
        recording: Both legs and the events.
        observer: Is informed about what the caller will hear; set it before the line opens.
        opened: Set when the line opens.
        recorder: Records the call.

    Args:
        record: The call's resource.
        setup: The parameters that the call was created with.
        script: What the caller or callee does.
        account: The account; the options that it has now are those of this call.
        sender: Sends text messages.
    """

    def __init__(
        self,
        record: CallResource,
        setup: CallSetup,
        script: Script,
        account: Account,
        sender: MessageSender,
    ) -> None:
        self.record = record
        self.recording = DualChannelRecording(account.clock.now())
        self.observer: PlayoutObserver | None = None
        self.opened = asyncio.Event()
        self._setup = setup
        self._script = script
        self._options = account.options
        self._clock = account.clock
        client = account.client.for_call()
        self._callbacks = CallCallbacks(record, setup, self.recording, client, account.clock, self._options.faults)
        self._parts = LiveCallParts(
            record,
            self.recording,
            self._options,
            client,
            self._callbacks,
            account,
            self._line,
            lambda: self.hang_up("bridge"),
        )
        self.recorder = RecordingControl(self._parts)
        self._executor = TwimlExecutor(self._parts, self.recorder, sender)
        self._interpreter = Interpreter(fallback_url=setup.fallback_url, fallback_method=setup.fallback_method)
        self._driver: LineDriver | None = None
        self._over = asyncio.Event()
        self._update: CallUpdate | None = None
        self._running: asyncio.Task[EndOfTwiml | RejectVerb] | None = None
        self._detecting: asyncio.Task[None] | None = None
        self._recording_sid: str | None = None
        self._announced = False
        self._reported = 0  # how many problems of documents were recorded

    # Events from outside the call.

    def act(self, step: CallerStep) -> None:
        """Let the caller do something further, after the steps of the script; only once the line is open."""
        self._line().act(step)

    async def drop_stream(self) -> None:
        """Cut the media stream, as a network that fails."""
        await self._line().drop()

    def note_heard(self) -> None:
        """Put what the caller has heard so far into the recording."""
        self._line().line.close(now=self._clock.now())

    @property
    def streams(self) -> ForkedStreams:
        """The one-way streams of the call."""
        return self._executor.streams

    @property
    def caller(self) -> Caller:
        """The person at this end of the open line."""
        return self._line().line.caller

    def hang_up(self, who: str) -> None:
        """End the call; `who` is recorded: caller, bridge or limit."""
        if not self._over.is_set():
            self._note(EventKind.HUNG_UP, who)
            self._over.set()

    def update(self, update: CallUpdate) -> None:
        """Apply a REST update: end the call, or replace its TwiML."""
        if update.status is not None:
            if self.record.status in (CallStatus.QUEUED, CallStatus.INITIATED, CallStatus.RINGING):
                self._finish(CallStatus.CANCELED)
            self.hang_up("bridge")
        elif self._running is not None:
            self._update = update
            self._running.cancel()

    # From ringing to the end.

    async def run(self) -> None:
        """Run the call to its end. When cancelled, the call is dropped and no further callback is sent."""
        try:
            await self._run()
            await self._executor.streams.aclose()
            await self._callbacks.delivered()
        finally:
            await self._executor.streams.aclose()
            if self._detecting is not None:
                self._detecting.cancel()
                await asyncio.gather(self._detecting, return_exceptions=True)
            if self._driver is not None:
                self._driver.stop()
            await self.drop()

    async def _run(self) -> None:
        """Run the call to its final status, also when the simulator itself fails."""
        try:
            await (self._run_inbound() if self.record.direction == "inbound" else self._run_outbound())
        except Exception:  # at the top of a call's task: it must not stay in progress for ever
            LOG.exception("a simulated call failed", call_sid=self.record.sid)
            self.hang_up("bridge")
            self._finish(CallStatus.FAILED if self._driver is None else CallStatus.COMPLETED)

    async def drop(self) -> None:
        """Drop the callbacks that were not sent."""
        await self._callbacks.abort()

    async def _run_inbound(self) -> None:
        """Request the first document while the call rings."""
        self.record.move(CallStatus.INITIATED, at=self._clock.wallclock())
        self.record.move(CallStatus.RINGING, at=self._clock.wallclock())
        await self._run_twiml(self._first_instruction(first_inbound_fields(self.record)))

    async def _run_outbound(self) -> None:
        """Dial, ring, and run TwiML once the callee answers."""
        self._callbacks.status_changed(CallStatus.INITIATED)
        await asyncio.sleep(DIAL_SECONDS)
        if not self._over.is_set():
            self._callbacks.status_changed(CallStatus.RINGING)
            status = await self._ring()
            if not self._over.is_set():
                await self._after_ringing(status)

    async def _after_ringing(self, status: CallStatus) -> None:
        if status is not CallStatus.IN_PROGRESS:
            self.record.sip_response_code = self._script.sip_response_code if status is CallStatus.FAILED else None
            self._finish(status)
            return
        self._answer()
        fields = await self._detect()
        if not self._over.is_set():
            await self._run_twiml(self._first_instruction(fields))
        else:
            self._finish(CallStatus.COMPLETED)

    async def _ring(self) -> CallStatus:
        """Ring, and return the status that follows."""
        pickup, limit = self._script.pickup, self._setup.timeout_seconds
        await self._over_within(limit if pickup is Pickup.NO_ANSWER else min(self._script.ring_seconds, limit))
        if pickup is Pickup.ANSWER:
            return CallStatus.IN_PROGRESS if self._script.ring_seconds <= limit else CallStatus.NO_ANSWER
        return UNANSWERED[pickup]

    def _answer(self) -> None:
        """Open the line."""
        now = self._clock.now()
        self.recording.open(now)
        self._callbacks.status_changed(CallStatus.IN_PROGRESS)
        line = PhoneLine(Caller(self._script), self.recording, opened_at=now, silent_frames=self._options.silent_frames)
        line.playout.observer = self.observer
        self._driver = LineDriver(line, on_hung_up=lambda: self.hang_up("caller"))
        if self._setup.recording is not None:
            self._recording_sid = self.recorder.start("OutboundAPI", self._setup.recording).sid
        self.opened.set()

    async def _detect(self) -> Mapping[str, str]:
        """Detect an answering machine: before the first request, or asynchronously while the TwiML runs."""
        detection, seconds = self._setup.detection, self._script.detection_seconds
        if detection is None:
            return {}
        verdict = detection.verdict(self._script.answered_by)
        if detection.asynchronous:
            self._detecting = asyncio.create_task(self._detect_asynchronously(verdict, seconds))
            return {}
        await self._over_within(seconds)
        self.record.answered_by = verdict
        return detection_fields(verdict, round(seconds * 1000))

    async def _detect_asynchronously(self, verdict: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.record.answered_by = verdict
        self._callbacks.machine_detected(verdict, seconds)

    # TwiML.

    def _first_instruction(self, fields: Mapping[str, str]) -> FirstInstruction:
        url, method, document = self._setup.url, self._setup.method, (self._setup.twiml or "").encode()
        if url is not None:
            return lambda: self._interpreter.start(url, method, fields)
        return lambda: self._interpreter.start_document(document)

    async def _run_twiml(self, begin: FirstInstruction | None) -> None:
        """Run documents until one ends, somebody hangs up, or the time limit ends."""
        try:
            limit = self._setup.time_limit_seconds
            async with asyncio.timeout(min(limit, TRIAL_SECONDS) if self._options.trial else limit):
                while begin is not None:
                    begin = await self._run_until_over(begin)
        except TimeoutError:
            self.hang_up("limit")
        self._finish(CallStatus.COMPLETED)
        await self._end_verb()

    async def _end_verb(self) -> None:
        """Request the action of a verb that the end of the call cut short; its response is ignored."""
        fetch = self._interpreter.abandoned(self._parts.cut_short)
        if fetch is not None:
            await self._executor.execute(fetch)

    async def _run_until_over(self, begin: FirstInstruction) -> FirstInstruction | None:
        """Run the interpreter once. Return how to go on after an update, or None when the call is over."""
        self._running = running = asyncio.create_task(self._run_instructions(begin()))
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({running, over}, return_when=asyncio.FIRST_COMPLETED)
            if self._over.is_set():
                return None
            if self._update is not None:
                return self._updated()
            self._twiml_ended(await running)
            return None
        finally:
            for task in (running, over):
                task.cancel()
            await asyncio.gather(running, over, return_exceptions=True)

    async def _run_instructions(self, instruction: Instruction) -> EndOfTwiml | RejectVerb:
        self._report()
        if self._options.trial_announcement and self.record.direction != "inbound" and not self._announced:
            self._announced = True
            await self._executor.execute(TRIAL_ANNOUNCEMENT)
        while not isinstance(instruction, EndOfTwiml | RejectVerb):
            if not isinstance(instruction, Fetch) and self.record.status is CallStatus.RINGING:
                self._answer()
            outcome = await self._executor.execute(instruction)
            instruction = self._resume(outcome)
        return instruction

    def _resume(self, outcome: InstructionOutcome) -> Instruction:
        """Return the next instruction, and record what is wrong with its document."""
        instruction = self._interpreter.resume(outcome)
        self._report(skip=int(isinstance(outcome, VerbFailed)))  # its verb has recorded the failure
        return instruction

    def _report(self, *, skip: int = 0) -> None:
        """Record what is wrong with documents and was not recorded before."""
        self._parts.report(self._interpreter.problems[self._reported + skip :])
        self._reported = len(self._interpreter.problems)

    def _updated(self) -> FirstInstruction:
        update, self._update = self._update, None
        if update is not None and update.url is not None:
            url, method = update.url, update.method
            return lambda: self._interpreter.start(url, method)
        document = ((update.twiml if update else None) or "").encode()
        return lambda: self._interpreter.start_document(document)

    def _twiml_ended(self, last: EndOfTwiml | RejectVerb) -> None:
        """End the call after its last document, or because a document rejected it."""
        if isinstance(last, RejectVerb):
            self.hang_up("bridge")
            self._finish(CallStatus.BUSY if last.reason == "busy" else CallStatus.FAILED)
        else:
            self._note(EventKind.TWIML, last.reason if last.code is None else f"{last.reason} ({last.code})")
            self.hang_up("bridge")

    def _finish(self, status: CallStatus) -> None:
        """Set a final status, unless one was set before."""
        if self.record.status.is_final:
            return
        if self._driver is not None:
            self.recorder.stop_all()
            self._driver.stop()
        if self._recording_sid is not None:
            finished = self._parts.account.books.recordings.find(self._recording_sid)
            self._callbacks.final_fields = self.recorder.fields_of(finished)
        self._callbacks.status_changed(status)

    def _line(self) -> LineDriver:
        if self._driver is None:
            raise AssertionError("the line is not open")
        return self._driver

    async def _over_within(self, seconds: float) -> None:
        """Wait that many seconds, or less if somebody hangs up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    def _note(self, kind: EventKind, detail: str) -> None:
        self.recording.note(kind, detail, now=self._clock.now())
