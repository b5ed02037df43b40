"""The calls of this process: begun by a webhook, carried by a media stream, remembered after their end.

What another process may report of a call goes to `LiveCalls.ownership`.

One rule: a CallSid has one runner, however often Twilio repeats the webhook, and whichever process it asks.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime

from telebridge import metrics
from telebridge.answering.plan import AnswerPlan
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.record import CallRecord
from telebridge.call.runner.admission import Admission
from telebridge.call.runner.call_ownership import CallOwnership
from telebridge.call.runner.feed import CallFeed
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.answering.watched_call import WatchedCallSession
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.call.session.stream_phase import Phase
from telebridge.call.store.store import CallStore
from telebridge.call.store.table import StoredCall
from telebridge.flows.inspection import matched_variables
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.logs import logger
from telebridge.timing.epoch import wallclock_now
from telebridge.turns.barge_in import BargeInCause

log = logger(__name__)

REMEMBERED_CALLS = 10_000
"""So many calls that are over are remembered where there is no database."""
LATELY_ENDED_CALLS = 200
"""So many beside a database, which has them all: for what comes right after their end."""
WITHOUT_STREAM = Phase.WAITING, Phase.HELD, Phase.AWAY, Phase.CLOSING


def _ignored(_: CallRecord) -> None:
    """Nobody is interested in calls that are over."""


class LiveCalls:
    """Begins, finds and forgets the calls of this process.

    Args:
        flows: Where a call's flow is looked up.
        outside: The ports of each call.
        options: The time-outs of each call.
        feed: Gets an event when a call begins and when it ends.
        store: Where calls outlive the process; None when they do not.
        admission: The bounds on the calls of this process; None for none.
        over: Called with the record of every call that has ended.
        surroundings: What flow files ask of their surroundings; None for the time and the other flows alone.

    Attributes:
        ownership: Takes reports on calls that another process may lead.
    """

    def __init__(
        self,
        flows: FlowCatalogue,
        outside: CallPorts,
        options: SessionOptions,
        *,
        feed: CallFeed | None = None,
        store: CallStore | None = None,
        admission: Admission | None = None,
        over: Callable[[CallRecord], None] = _ignored,
        surroundings: FlowSurroundings | None = None,
    ) -> None:
        self.flows = flows
        self.draining = False
        self.feed = CallFeed(first_id=0) if feed is None else feed
        self._outside = outside
        self._options = options
        self._store = store
        self.ownership = CallOwnership(self, store)
        self._admission = admission or Admission()
        self._load = self._admission.load
        self._on_over = over
        self._surroundings = surroundings or FlowSurroundings(wallclock_now, find_flow=flows.find_file)
        self._live: dict[str, CallRunner] = {}
        self._incoming: dict[str, IncomingCall] = {}
        self._ended: OrderedDict[str, CallRecord] = OrderedDict()
        self._error_messages: set[str] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        """How many calls are live in this process."""
        return len(self._live)

    @property
    def full(self) -> bool:
        """Whether no further call may begin: the limit is reached, or the process is about to stop."""
        return self.draining or _reaches(len(self._live), self._admission.max_calls) or self.crowded or self.overloaded

    @property
    def overloaded(self) -> bool:
        """Whether the process is too busy for another call."""
        return self._load is not None and self._load.refuses

    def refused(self) -> None:
        """A call was refused."""
        if self.overloaded and self._load is not None:
            self._load.call_refused()

    @property
    def crowded(self) -> bool:
        """Whether too many calls wait for their media streams."""
        most = self._admission.max_waiting
        if not _reaches(len(self._live), most):
            return False  # without looking at each call
        return _reaches(sum(runner.session.phase.is_waiting for runner in self._live.values()), most)

    def begin(self, incoming: IncomingCall) -> CallRunner:
        """The runner of a call, begun now unless it is live here already.

        Raises:
            ConfigurationError: There is no flow of that name.
        """
        return self._live.get(incoming.call_sid) or self._begin(incoming, None)

    async def flush(self, call_sid: str) -> None:
        """Wait until other processes can read what happened in a call here, for half a second at the most."""
        if self._store is not None:
            await self._store.writer.flush(call_sid)

    def _begin(
        self,
        incoming: IncomingCall,
        checkpoint: Checkpoint | None,
        *,
        started_at: datetime | None = None,
        taking_over: bool = False,
    ) -> CallRunner:
        flow = self.flows.find(incoming.flow)
        record = CallRecord(
            call_sid=incoming.call_sid,
            flow=incoming.flow,
            from_number=incoming.from_number,
            to_number=incoming.to_number,
            direction=incoming.direction,
            started_at=started_at or wallclock_now(),
        )
        variables = matched_variables(incoming.flow_variables(), self.flows.needs_of(incoming.flow))
        interpreter = FlowInterpreter(flow, variables, self._surroundings) if isinstance(flow, Flow) else None
        session = self._session(interpreter, record, incoming.answering if checkpoint is None else None)
        runner = CallRunner(session, self._outside, on_end=self._over)
        self._live[incoming.call_sid] = runner
        self._incoming[incoming.call_sid] = incoming
        self._empty.clear()
        metrics.CALLS_LIVE.inc()
        if self._load is not None:
            self._load.call_began()
        log.info("call begun", **incoming.log_fields(), call_sid=incoming.call_sid)
        self.feed.publish("call-started", incoming.call_sid, record.as_json())
        if self._store is not None:
            if started_at is None:  # else the row is there
                self._store.writer.began(record, taking_over=taking_over)
            self.ownership.keep_checking()
        runner.start(checkpoint)
        if not isinstance(flow, Flow):
            if checkpoint is None:
                # What the flow begins with, should this process die.
                runner.perform(runner.session.checkpoint(None, variables, now=asyncio.get_running_loop().time()))
            runner.start_python_flow(flow, dict(variables), checkpoint)
        return runner

    def _session(self, flow: FlowInterpreter | None, record: CallRecord, plan: AnswerPlan | None) -> CallSession:
        """The session of a call; it watches who answers where something follows from it."""
        options = self._options
        if flow is None or plan is None or not options.watches_answers:
            return CallSession(flow, record, options)
        if not plan.leaves_message and not options.words.available():
            return CallSession(flow, record, options)
        return WatchedCallSession(flow, record, options, plan)

    # What ownership changes.

    def has_ended(self, call_sid: str) -> bool:
        """Whether a call ended here, lately."""
        return call_sid in self._ended

    def without_stream(self) -> list[str]:
        """The CallSids of live calls that have no media stream."""
        return [sid for sid, runner in self._live.items() if runner.session.phase in WITHOUT_STREAM]

    def begin_owned(self, incoming: IncomingCall) -> None:
        """Begin a call whose stream is here, whichever process began it elsewhere.

        Raises:
            ConfigurationError: There is no flow of that name.
        """
        self._begin(incoming, None, taking_over=True)

    def resume_from(self, call: StoredCall) -> None:
        """Resume a call that another process left, at its checkpoint.

        Raises:
            ConfigurationError: There is no flow of that name.
        """
        begun = call.begun
        self._ended.pop(begun.call_sid, None)
        incoming = IncomingCall(begun.call_sid, begun.flow, begun.from_number, begun.to_number, begun.direction)
        self._begin(incoming, call.resume_point(), started_at=begun.started_at)

    def release(self, call_sid: str) -> None:
        """Stop the runner of a call that another process leads now, without a word to anybody."""
        if self._abandon(call_sid):
            log.info("call led by another process", call_sid=call_sid)

    def abandon_all(self) -> None:
        """Stop the runners of all live calls, without a word to anybody: this process ends.

        Another process may lead the calls on from their checkpoints.
        """
        for call_sid in list(self._live):
            self._abandon(call_sid)
            log.warning("call left at the end of the process", call_sid=call_sid)

    def _abandon(self, call_sid: str) -> bool:
        runner = self._live.pop(call_sid, None)
        if runner is None:
            return False
        del self._incoming[call_sid]
        runner.abandon()
        self._count_down()
        return True

    def expect_error_message(self, call_sid: str) -> None:
        """The caller of an ended call must still hear an error message."""
        self._error_messages.add(call_sid)

    # What is known of calls.

    def find(self, call_sid: str) -> CallRunner | None:
        """The runner of a live call of this process."""
        return self._live.get(call_sid)

    def incoming(self, call_sid: str) -> IncomingCall:
        """What Twilio told of a live call when it began."""
        return self._incoming[call_sid]

    def record(self, call_sid: str) -> CallRecord | None:
        """The record of a call, live or lately ended."""
        if (runner := self._live.get(call_sid)) is not None:
            return runner.session.record
        return self._ended.get(call_sid)

    def live_records(self) -> Iterator[CallRecord]:
        """The records of all live calls."""
        return (runner.session.record for runner in self._live.values())

    def ended_records(self) -> Iterator[CallRecord]:
        """The records of the calls that ended lately."""
        return iter(self._ended.values())

    def take_error_message(self, call_sid: str) -> bool:
        """Whether an error message is pending for the caller of an ended call; it is pending no more afterwards."""
        pending = call_sid in self._error_messages
        self._error_messages.discard(call_sid)
        return pending

    async def drain(self, *, seconds: float) -> int:
        """Take no further call, and wait until the live ones have finished.

        Args:
            seconds: How long to wait at the most.

        Returns:
            How many calls are still live.
        """
        self.draining = True
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            log.warning("calls were cut by the end of draining", live=len(self._live))
        return len(self._live)

    def _over(self, runner: CallRunner) -> None:
        record = runner.session.record
        if self._live.pop(record.call_sid, None) is None:
            return
        del self._incoming[record.call_sid]
        if runner.session.apology_due:
            self._error_messages.add(record.call_sid)
        self._ended[record.call_sid] = record
        if self._store is not None:
            self._store.writer.ended(record, wallclock=wallclock_now(), apology=runner.session.apology_due)
        while len(self._ended) > (REMEMBERED_CALLS if self._store is None else LATELY_ENDED_CALLS):
            forgotten, _ = self._ended.popitem(last=False)
            self._error_messages.discard(forgotten)
        self._count_down()
        _measure(record)
        values = record.as_json()
        log.info("call over", **values)
        self.feed.publish("call-ended", record.call_sid, values)
        self._on_over(record)

    def _count_down(self) -> None:
        metrics.CALLS_LIVE.dec()
        if not self._live:
            self._empty.set()


def _reaches(count: int, most: int | None) -> bool:
    return most is not None and count >= most


def _measure(record: CallRecord) -> None:
    """Count a call that is over in the metrics."""
    metrics.CALLS_ENDED.labels(record.flow).inc()
    if record.first_audio_ms is not None:
        metrics.FIRST_AUDIO_SECONDS.observe(record.first_audio_ms / 1000)
    for utterance in record.utterances:
        metrics.PAUSES.inc(len(utterance.pauses))
        if (cut := utterance.interruption) is not None:
            metrics.BARGE_INS.labels(cut.cause.value).inc()
            if cut.cause is BargeInCause.SPEECH:
                metrics.STOP_SECONDS.observe(cut.stop_ms / 1000)
