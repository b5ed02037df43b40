"""The calls of this process: begun by a webhook, carried by a media stream, remembered after their end.

What follows from a report on a call that another process may lead is in the table of `telebridge.call.ownership`; this
module performs the table's actions.

One rule: a CallSid has one runner, however often Twilio repeats the webhook, and whichever process it asks.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from telebridge import metrics
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.ownership import FINAL_ACTIONS, FOLLOWS, Action, Ownership, Report, of_row
from telebridge.call.record import CallRecord
from telebridge.call.runner.feed import CallFeed
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.ports import Outside
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.events import CallOver, CheckpointAsked
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.call.session.stream_phase import Phase
from telebridge.call.store.store import CallStore
from telebridge.errors import NotLive
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.logs import logger
from telebridge.turns.barge_in import BargeInCause

log = logger(__name__)

REMEMBERED_CALLS = 10_000
CHECK_SECONDS = 0.5
"""How often the process checks whether it still owns its calls that have no stream."""
WITHOUT_STREAM = Phase.WAITING, Phase.AWAY, Phase.CLOSING
FLOW_OVER = "hung up by the flow"


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
        max_calls: How many calls may be live at once; None for no limit.
        over: Called with the record of every call that has ended.
    """

    def __init__(
        self,
        flows: FlowCatalogue,
        outside: Outside,
        options: SessionOptions,
        *,
        feed: CallFeed | None = None,
        store: CallStore | None = None,
        max_calls: int | None = None,
        over: Callable[[CallRecord], None] = _ignored,
    ) -> None:
        self.flows = flows
        self.draining = False
        self.feed = CallFeed(first_id=0) if feed is None else feed
        self._outside = outside
        self._options = options
        self._store = store
        self._max_calls = max_calls
        self._on_over = over
        self._live: dict[str, CallRunner] = {}
        self._incoming: dict[str, IncomingCall] = {}
        self._ended: OrderedDict[str, CallRecord] = OrderedDict()
        self._error_messages: set[str] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._checking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many calls are live in this process."""
        return len(self._live)

    @property
    def full(self) -> bool:
        """Whether no further call may begin: the limit is reached, or the process is about to stop."""
        return self.draining or (self._max_calls is not None and len(self._live) >= self._max_calls)

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

    # Reports on calls that another process may own. One question each, answered by the table of ownership.

    async def resume(self, call_sid: str) -> CallRunner | None:
        """The runner of a call that Twilio asks about; a call that another process left is resumed here.

        Returns:
            None when the call is over or unknown; see `take_error_message`.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable, and this process does not know the call.
        """
        return await self._follow(call_sid, Report.WEBHOOK)

    async def resume_with_stream(self, incoming: IncomingCall) -> CallRunner:
        """The runner of a call whose stream opens: begun in this process, or in another that may be gone.

        Raises:
            ConfigurationError: There is no flow of that name.
            NotLive: The call is over: its flow ended while Twilio connected the stream.
        """
        runner = await self._follow(incoming.call_sid, Report.STREAM, incoming=incoming)
        if runner is None:
            raise NotLive(incoming.call_sid, "is over")
        return runner

    async def end(self, call_sid: str, status: str) -> None:
        """Twilio reports a final status: the call is over, whichever process leads it.

        Args:
            call_sid: The call.
            status: Twilio's word for how it ended, such as "completed".
        """
        await self._follow(call_sid, Report.FINAL_STATUS, status=status)

    async def check(self, call_sids: Collection[str]) -> None:
        """Release calls that another process has taken over, and end those that another process knows to be over.

        Args:
            call_sids: Calls of this process.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable.
        """
        if self._store is None or not call_sids:
            return
        before = {call_sid: self._live.get(call_sid) for call_sid in call_sids}
        for call_sid, found in (await self._store.not_owned(call_sids)).items():
            if self._live.get(call_sid) is before[call_sid]:  # while the database was asked
                status = found.end_reason.removeprefix("call ")
                await self._follow(call_sid, Report.CHECK, found.ownership, status=status)

    async def _follow(
        self,
        call_sid: str,
        report: Report,
        state: Ownership | None = None,
        *,
        status: str = "",
        incoming: IncomingCall | None = None,
    ) -> CallRunner | None:
        """Perform the actions that follow from a report.

        Args:
            call_sid: The call that the report is about.
            report: What was reported.
            state: What is known of the call; None for what this process knows by itself.
            status: How the call ended, if the report is that it did.
            incoming: What the stream's token tells of the call.
        """
        state = state or self._known(call_sid)
        failure: Exception | None = None
        while (action := FOLLOWS[state, report]) not in FINAL_ACTIONS:
            try:
                if action is Action.BEGIN and incoming is not None:
                    state = self._begin_owned(incoming)
                else:
                    state = await self._perform(action, call_sid, status)
            except (SQLAlchemyError, OSError) as error:
                log.error("the database is unreachable", call_sid=call_sid, action=action.value, error=str(error))
                state, failure = Ownership.UNREACHABLE, error
        if action is Action.FAIL and failure is not None:
            raise failure
        return self._live.get(call_sid) if action is Action.USE else None

    def _known(self, call_sid: str) -> Ownership:
        """What this process knows of a call without asking the database."""
        if call_sid in self._live:
            return Ownership.LIVE
        return Ownership.ENDED if call_sid in self._ended else Ownership.ABSENT

    async def _perform(self, action: Action, call_sid: str, status: str) -> Ownership:
        """Perform an action that is not final; returns what is known then."""
        match action:
            case Action.ASK:
                return await self._ask(call_sid)
            case Action.RELEASE:
                self._release(call_sid)
                return Ownership.ABSENT
            case Action.END:
                if (runner := self._live.get(call_sid)) is not None:
                    runner.deliver(CallOver(status))
                return Ownership.ENDED
            case Action.CLOSE_ROW:
                await self._close_row(call_sid, f"call {status}" if status else FLOW_OVER)
                return Ownership.OVER
            case Action.TAKE_OVER:
                return await self._take_over(call_sid)
            case _:
                raise AssertionError(action)

    async def _ask(self, call_sid: str) -> Ownership:
        """What the database says of a call."""
        store = self._store
        if call_sid in self._live:
            return Ownership.OWNED if store is None else await self._ask_owned(store, call_sid)
        if call_sid in self._ended:
            if store is None:
                return Ownership.CLOSED
            await store.writer.flush(call_sid)
            if await store.is_owned(call_sid):
                return Ownership.CLOSED
        call = None if store is None else await store.find(call_sid)
        if call_sid in self._live:  # while the database was asked
            return Ownership.OWNED
        if call is None:
            return Ownership.UNKNOWN
        checkpoint = call.resume_point()
        ownership = of_row(ended=call.ended, checkpoint=checkpoint)
        if checkpoint.apology and ownership is not Ownership.LEFT:
            self._error_messages.add(call_sid)
        return ownership

    async def _ask_owned(self, store: CallStore, call_sid: str) -> Ownership:
        """What the row of a call says that runs here; that it is owned when the database gives no answer."""
        before = self._live[call_sid]
        try:
            found = (await store.not_owned([call_sid])).get(call_sid)
        except (SQLAlchemyError, OSError):
            found = None
        if (runner := self._live.get(call_sid)) is not before:  # while the database was asked
            return self._known(call_sid) if runner is None else Ownership.OWNED
        return Ownership.OWNED if found is None else found.ownership

    async def _take_over(self, call_sid: str) -> Ownership:
        """Become the owner of a call that another process left, and resume it at its checkpoint."""
        call = None if self._store is None else await self._store.take_over(call_sid)
        if call_sid in self._live:  # while the database was asked
            return Ownership.OWNED
        if call is None:
            return Ownership.OVER
        incoming = IncomingCall(call_sid, call.flow, call.from_number, call.to_number, call.direction)
        log.info("call taken over", call_sid=call_sid, flow=call.flow)
        self._ended.pop(call_sid, None)
        self._begin(incoming, call.resume_point(), started_at=call.started_at)
        return Ownership.OWNED

    def _begin_owned(self, incoming: IncomingCall) -> Ownership:
        """Begin a call whose stream is here, whoever began it elsewhere."""
        if incoming.call_sid not in self._live:
            self._begin(incoming, None, taking_over=True)
        return Ownership.OWNED

    async def _close_row(self, call_sid: str, reason: str) -> None:
        """Write an end into the row of a call that does not run here, unless it has one."""
        if self._store is None:
            return
        try:
            if await self._store.close_row(call_sid, reason, wallclock=datetime.now(UTC)):
                log.info("a call of another process was ended", call_sid=call_sid, reason=reason)
        except (SQLAlchemyError, OSError) as error:
            log.error("a call cannot be ended: the database is unreachable", call_sid=call_sid, error=str(error))

    def _release(self, call_sid: str) -> None:
        """Stop the runner of a call that another process leads now."""
        runner = self._live.pop(call_sid, None)
        if runner is None:
            return
        del self._incoming[call_sid]
        runner.abandon()
        self._count_down()
        log.info("call led by another process", call_sid=call_sid)

    async def _check_until_empty(self) -> None:
        """Check calls without a stream, for as long as any call is live here."""
        while self._live:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self.check([sid for sid, one in self._live.items() if one.session.phase in WITHOUT_STREAM])
            except (SQLAlchemyError, OSError):
                continue

    # The register.

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
            started_at=started_at or datetime.now(UTC),
        )
        variables = incoming.flow_variables()
        interpreter = FlowInterpreter(flow, variables) if isinstance(flow, Flow) else None
        runner = CallRunner(CallSession(interpreter, record, self._options), self._outside, on_end=self._over)
        self._live[incoming.call_sid] = runner
        self._incoming[incoming.call_sid] = incoming
        self._empty.clear()
        metrics.CALLS_LIVE.inc()
        log.info("call begun", **incoming.log_fields(), call_sid=incoming.call_sid)
        self.feed.publish("call-started", incoming.call_sid, record.as_json())
        if self._store is not None:
            if started_at is None:  # else the row is there
                self._store.writer.began(record, taking_over=taking_over)
            if self._checking is None or self._checking.done():
                self._checking = asyncio.create_task(self._check_until_empty(), name="check ownership")
        runner.start(checkpoint)
        if not isinstance(flow, Flow):
            if checkpoint is None:
                runner.deliver(CheckpointAsked(None, variables))  # what the flow begins with, should this process die
            runner.start_python_flow(flow, dict(variables), checkpoint)
        return runner

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
            self._store.writer.ended(record, wallclock=datetime.now(UTC), apology=runner.session.apology_due)
        while len(self._ended) > REMEMBERED_CALLS:
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
