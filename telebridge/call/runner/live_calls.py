"""The calls of this process: begun by a webhook, carried by a media stream, remembered until Twilio's last question.

One rule: a CallSid has one runner, however often Twilio repeats the webhook, and whichever process it asks. Who has the
database's word leads the call; another process that began it too lets go of it, and tells nobody.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from telebridge import metrics
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.record import CallRecord
from telebridge.call.runner.feed import CallFeed
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.events import CallOver
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.call.session.stream_phase import Phase
from telebridge.call.store.store import CallStore
from telebridge.errors import NotLive
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.logs import logger
from telebridge.turns.barge_in import BargeInCause
from telebridge.twilio.signed_urls import MOST_CHARACTERS

log = logger(__name__)

REMEMBERED_CALLS = 10_000
LOOK_SECONDS = 0.5
"""How often one looks whether the calls that have no stream here are led elsewhere, or over."""
APART = Phase.WAITING, Phase.AWAY, Phase.CLOSING
FLOW_OVER = "hung up by the flow"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a call when it arrives: Twilio's words, and the flow that will lead it."""

    call_sid: str
    flow: str
    from_number: str
    to_number: str
    direction: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, str]:
        """What may be logged of it: not its variables, which may be somebody's own business."""
        return {"flow": self.flow, "from": self.from_number, "to": self.to_number, "direction": self.direction}

    def claims(self) -> dict[str, str]:
        """What a stream token carries of it, besides the CallSid, so that any process can take the stream."""
        variables = json.dumps(dict(self.variables), separators=(",", ":"))
        if not self.variables or len(variables) > MOST_CHARACTERS:  # a contact's may be long: its checkpoint has them
            return self.told()
        return {**self.told(), "variables": variables}

    @classmethod
    def from_claims(cls, call_sid: str, claims: Mapping[str, str]) -> "Arrival":
        """Read what `claims` wrote."""
        variables = json.loads(claims.get("variables", "{}"))
        return cls(call_sid, claims["flow"], claims["from"], claims["to"], claims["direction"], variables)


def nobody_cares(_: CallRecord) -> None:
    """Nobody wants to know of a call that is over."""


def contact_variables(variables: Mapping[str, Any], *, from_number: str, to_number: str) -> dict[str, Any]:
    """What a flow knows when its call begins."""
    return {**variables, "from": from_number, "to": to_number}


class LiveCalls:
    """Begins, finds and forgets the calls of this process.

    Args:
        flows: Where a call's flow is looked up.
        outside: The world around each call.
        options: How calls wait.
        feed: Told of every call.
        store: Where calls outlive the process; None when they do not.
        max_calls: How many calls may be live at once; None for no limit.
        over: Told of every call that has ended.
    """

    def __init__(
        self,
        flows: FlowCatalogue,
        outside: CallPorts,
        options: SessionOptions,
        *,
        feed: CallFeed | None = None,
        store: CallStore | None = None,
        max_calls: int | None = None,
        over: Callable[[CallRecord], None] = nobody_cares,
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
        self._arrivals: dict[str, Arrival] = {}
        self._ended: OrderedDict[str, CallRecord] = OrderedDict()
        self._apologies: set[str] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._live)

    @property
    def full(self) -> bool:
        """Whether no further call may begin: the limit is reached, or the process is about to stop."""
        return self.draining or (self._max_calls is not None and len(self._live) >= self._max_calls)

    def begin(self, arrival: Arrival) -> CallRunner:
        """The runner of a call that arrives, begun now unless it is live here already.

        Raises:
            ConfigurationError: There is no flow of that name.
        """
        return self._live.get(arrival.call_sid) or self._begin(arrival, None)

    async def carried_on(self, arrival: Arrival) -> CallRunner:
        """The runner of a call whose stream comes: begun in this process, or in another that may be gone.

        Raises:
            ConfigurationError: There is no flow of that name.
            NotLive: The call is over: its flow ended while Twilio connected the stream.
        """
        call_sid = arrival.call_sid
        try:
            runner = await self.found(call_sid)
            over = call_sid in self._ended or (runner is None and await self._is_over(call_sid))
        except (SQLAlchemyError, OSError) as error:
            log.error("a call cannot be looked up: it begins anew", call_sid=call_sid, error=str(error))
            runner, over = self._live.get(call_sid), call_sid in self._ended
        if runner is not None:
            return runner
        if over:
            raise NotLive(call_sid, "is over")
        return self._live.get(call_sid) or self._begin(arrival, None, seized=True)

    async def _is_over(self, call_sid: str) -> bool:
        kept = None if self._store is None else await self._store.find(call_sid)
        return kept is not None and (kept.ended or kept.place().over)

    async def kept(self, call_sid: str) -> None:
        """Wait until other processes can know of a call that began here, for half a second at the most."""
        if self._store is not None:
            await self._store.flush(call_sid)

    async def led_here(self, call_sid: str) -> CallRunner | None:
        """The runner of a live call that this process leads; one that another process took is let go of."""
        runner = self._live.get(call_sid)
        if runner is None or self._store is None or await self._store.is_ours(call_sid):
            return self._live.get(call_sid)
        self._abandon(runner)
        return None

    async def found(self, call_sid: str) -> CallRunner | None:
        """The runner of a live call; one that another process left is gone on with here.

        Raises:
            SQLAlchemyError, OSError: The database is away, and nobody here knows the call.
        """
        if self._store is None or await self.led_here(call_sid) is not None:
            return self._live.get(call_sid)
        if call_sid in self._ended:
            await self._store.flush(call_sid)
            if await self._store.is_ours(call_sid):
                return None
        return await self._taken(self._store, call_sid)

    async def _taken(self, store: CallStore, call_sid: str) -> CallRunner | None:
        """The call as another process left it."""
        kept = await store.find(call_sid)
        if kept is None:
            return self._live.get(call_sid)
        place = kept.place()
        if kept.ended or place.over:
            if place.apology:
                self._apologies.add(call_sid)
            if not kept.ended:  # whoever lives and leads it writes the whole record in place of this one
                await store.end_orphan(call_sid, FLOW_OVER, wallclock=datetime.now(UTC))
            return None
        kept = await store.take(call_sid)
        if kept is None or call_sid in self._live:  # while the database was asked
            return self._live.get(call_sid)
        arrival = Arrival(kept.call_sid, kept.flow, kept.from_number, kept.to_number, kept.direction)
        log.info("call taken over", call_sid=call_sid, flow=kept.flow)
        self._ended.pop(call_sid, None)
        return self._begin(arrival, kept.place(), started_at=kept.started_at)

    async def end_elsewhere(self, call_sid: str, reason: str) -> None:
        """A call is over that this process does not lead: see that it has an end, should nobody else."""
        if self._store is None or call_sid in self._ended:
            return
        try:
            if await self._store.end_orphan(call_sid, reason, wallclock=datetime.now(UTC)):
                log.info("a call of another process was ended", call_sid=call_sid, reason=reason)
        except (SQLAlchemyError, OSError) as error:
            log.error("a call cannot be ended: the database is away", call_sid=call_sid, error=str(error))

    def _abandon(self, runner: CallRunner) -> None:
        """Another process leads the call now."""
        record = runner.session.record
        if self._live.get(record.call_sid) is not runner:
            return
        del self._live[record.call_sid], self._arrivals[record.call_sid]
        runner.abandon()
        if not self._live:
            self._empty.set()
        metrics.CALLS_LIVE.dec()
        log.info("call led by another process", call_sid=record.call_sid)

    async def _look_for_lost(self, store: CallStore) -> None:
        """Let go of calls that another process leads, though nobody asks this one for them any more."""
        while self._live:
            await asyncio.sleep(LOOK_SECONDS)
            apart = {sid: runner for sid, runner in self._live.items() if runner.session.phase in APART}
            try:
                lost = await store.lost(apart) if apart else {}
            except (SQLAlchemyError, OSError):
                continue
            for call_sid, end_reason in lost.items():
                if (runner := self._live.get(call_sid)) is not apart[call_sid]:
                    continue
                if end_reason is None:
                    self._abandon(runner)
                else:
                    runner.deliver(CallOver(end_reason.removeprefix("call ")))

    def _begin(
        self,
        arrival: Arrival,
        checkpoint: Checkpoint | None,
        *,
        started_at: datetime | None = None,
        seized: bool = False,
    ) -> CallRunner:
        flow = self.flows.find(arrival.flow)
        record = CallRecord(
            call_sid=arrival.call_sid,
            flow=arrival.flow,
            from_number=arrival.from_number,
            to_number=arrival.to_number,
            direction=arrival.direction,
            started_at=started_at or datetime.now(UTC),
        )
        variables = contact_variables(arrival.variables, from_number=arrival.from_number, to_number=arrival.to_number)
        interpreter = FlowInterpreter(flow, variables) if isinstance(flow, Flow) else None
        runner = CallRunner(CallSession(interpreter, record, self._options), self._outside, on_end=self._over)
        self._live[arrival.call_sid] = runner
        self._arrivals[arrival.call_sid] = arrival
        self._empty.clear()
        metrics.CALLS_LIVE.inc()
        log.info("call arrived", **arrival.told(), call_sid=arrival.call_sid)
        self.feed.publish("call-started", arrival.call_sid, record.as_json())
        if self._store is not None:
            if started_at is None:  # else it was taken, and is there
                self._store.begun(record, seized=seized)
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look_for_lost(self._store), name="lost calls")
        runner.start(checkpoint)
        if not isinstance(flow, Flow):
            if checkpoint is None:
                # What the flow begins with, should this process die.
                runner.perform(runner.session.checkpoint(None, variables, now=asyncio.get_running_loop().time()))
            runner.start_python_flow(flow, dict(variables), checkpoint)
        return runner

    def find(self, call_sid: str) -> CallRunner | None:
        """The runner of a live call."""
        return self._live.get(call_sid)

    def arrival(self, call_sid: str) -> Arrival:
        """How a live call arrived."""
        return self._arrivals[call_sid]

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

    def takes_apology(self, call_sid: str) -> bool:
        """Whether the caller of an ended call is owed an apology; answers yes once."""
        owed = call_sid in self._apologies
        self._apologies.discard(call_sid)
        return owed

    async def drain(self, *, seconds: float) -> int:
        """Let live calls finish, for at most so long.

        Returns:
            How many are live still.
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
        del self._arrivals[record.call_sid]
        if runner.session.apology_due:
            self._apologies.add(record.call_sid)
        self._ended[record.call_sid] = record
        if self._store is not None:
            self._store.ended(record, wallclock=datetime.now(UTC), apology=runner.session.apology_due)
        while len(self._ended) > REMEMBERED_CALLS:
            forgotten, _ = self._ended.popitem(last=False)
            self._apologies.discard(forgotten)
        if not self._live:
            self._empty.set()
        metrics.CALLS_LIVE.dec()
        metrics.CALLS_ENDED.labels(record.flow).inc()
        if record.first_audio_ms is not None:
            metrics.FIRST_AUDIO_SECONDS.observe(record.first_audio_ms / 1000)
        for utterance in record.utterances:
            metrics.PAUSES.inc(len(utterance.pauses))
            if (cut := utterance.interruption) is not None:
                metrics.BARGE_INS.labels(cut.cause.value).inc()
                if cut.cause is BargeInCause.SPEECH:
                    metrics.STOP_SECONDS.observe(cut.stop_ms / 1000)
        told = record.as_json()
        log.info("call over", **told)
        self.feed.publish("call-ended", record.call_sid, told)
        self._on_over(record)
