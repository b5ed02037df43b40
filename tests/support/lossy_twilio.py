"""A Twilio of one account in this process that loses answers and callbacks, and remembers each call it placed.

With it goes the bridge that speaks in the calls that are answered, and tells so when they are over.
"""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from telebridge.errors import TwilioAPIError
from telebridge.timing.epoch import instant
from telebridge.twilio.calls import CallStatus, CallStatusReport
from telebridge.twilio.client import CallResource

LOST = TwilioAPIError(0, None, "no answer within 10 s")


@dataclass
class RungCall:
    """One call that rang, or was about to."""

    sid: str
    attempt_id: str
    to: str
    from_: str
    created_at: int
    listed_at: int
    status: CallStatus = CallStatus.QUEUED
    silent: bool = False
    answered: bool = False
    ended_by_us: bool = False
    begun_at: float = 0.0
    ended_at: float = 0.0


@dataclass
class Losses:
    """How often things go wrong, each from 0 to 1; a silent call sends no callbacks, a late one is listed late.

    Lost talk is a bridge that died in a call.
    """

    refused: float = 0.0
    too_many: float = 0.0
    broken: float = 0.0
    answer_lost: float = 0.0
    callback_lost: float = 0.0
    callback_doubled: float = 0.0
    silent: float = 0.0
    talk_lost: float = 0.0
    listed_late: float = 0.0


@dataclass
class LossyTwilio:
    """Has what the dialer and rescue need of `TwilioCalls`.

    Args:
        clock: Epoch milliseconds.
        random: Decides what goes wrong.
        losses: How often.
        talk_seconds: How long calls last.
        ends: Final statuses to choose from.
        talked: Told of every call in which the bridge spoke, once it is over.
    """

    clock: object
    random: object
    losses: Losses = field(default_factory=Losses)
    talk_seconds: float = 2.0
    latency_seconds: float = 0.05
    ends: tuple = (CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.NO_ANSWER)
    reports: object = None
    talked: object = None
    queue_ms: int | None = None
    late_ms: int = 100_000
    asked: int = 0
    calls: dict = field(default_factory=dict)
    tasks: set = field(default_factory=set)

    async def create(self, request):
        self.asked += 1
        answered = asyncio.get_running_loop().create_future()
        self._begin(self._take(request, answered))  # whoever asked may die meanwhile; the request is on its way
        return await answered

    async def _take(self, request, answered):
        await asyncio.sleep(self.random.random() * self.latency_seconds)
        dice, losses = self.random.random(), self.losses
        outcome = None
        for error, share in [
            (TwilioAPIError(0, None, "refused", sent=False), losses.refused),
            (TwilioAPIError(429, 20429, "Too Many Requests"), losses.too_many),
            (TwilioAPIError(500, 20500, "broken"), losses.broken),
        ]:
            if outcome is None and dice < share:
                outcome = error
            dice -= share
        if outcome is None:
            outcome = self._place(request)
            await asyncio.sleep(self.random.random() * self.latency_seconds)
            if self.random.random() < losses.answer_lost:
                outcome = LOST
        if answered.done():
            return
        if isinstance(outcome, Exception):
            answered.set_exception(outcome)
        else:
            answered.set_result(outcome)

    def _place(self, request):
        now = self.clock()
        attempt_id = parse_qs(urlsplit(request.status_callback).query)["attempt"][0]
        late = self.late_ms if self.random.random() < self.losses.listed_late else 0
        call = RungCall(f"CA{uuid4().hex}", attempt_id, request.to, request.from_, now // 1000 * 1000, now + late)
        call.silent = self.random.random() < self.losses.silent
        call.begun_at = asyncio.get_running_loop().time()
        self.calls[call.sid] = call
        self._begin(self._live(call))
        return self._placed(call)

    async def _live(self, call):
        final = self.random.choice(self.ends)
        steps = [CallStatus.INITIATED, CallStatus.RINGING]
        steps += [CallStatus.IN_PROGRESS] if final is CallStatus.COMPLETED else []
        for status in [*steps, final]:
            await asyncio.sleep(self.random.random() * self.talk_seconds / 2)
            if call.status.is_final:
                return
            call.status = status
            call.answered = call.answered or status is CallStatus.IN_PROGRESS
            self._report(call, status)
        self._tell(call)
        call.ended_at = asyncio.get_running_loop().time()

    def _report(self, call, status):
        if self.reports is None or call.silent or self.random.random() < self.losses.callback_lost:
            return
        for _ in range(2 if self.random.random() < self.losses.callback_doubled else 1):
            self._begin(self._deliver(call, status))

    async def _deliver(self, call, status):
        await asyncio.sleep(self.random.random())
        await self.reports.status(call.attempt_id, CallStatusReport(call.sid, status))

    def _tell(self, call):
        if self.talked is not None and call.answered and self.random.random() >= self.losses.talk_lost:
            self._begin(self._keep_talk(call))

    async def _keep_talk(self, call):
        await asyncio.sleep(self.random.random())
        while True:
            try:
                return await self.talked(call.attempt_id, call.sid)
            except (SQLAlchemyError, OSError):
                await asyncio.sleep(0.2)

    async def recent(self, *, to=None, from_=None, limit=50):
        await asyncio.sleep(self.random.random() * self.latency_seconds)
        now = self.clock()
        listed = [call for call in self.calls.values() if call.listed_at <= now and call.from_ == from_]
        found = [call for call in listed if to in (None, call.to)]
        return [self._placed(call) for call in found[::-1][:limit]]

    async def created_since(self, since, *, from_):
        calls = await self.recent(from_=from_, limit=len(self.calls))
        return [call for call in calls if call.created_at >= since]

    async def fetch(self, sid):
        await asyncio.sleep(self.random.random() * self.latency_seconds)
        return self._placed(self.calls[sid])

    async def hang_up(self, sid):
        call = self.calls[sid]
        if not call.status.is_final:
            call.status, call.ended_by_us = CallStatus.COMPLETED if call.answered else CallStatus.CANCELED, True
            call.ended_at = asyncio.get_running_loop().time()
            self._report(call, call.status)
            self._tell(call)

    async def cancel(self, sid):
        await self.hang_up(sid)

    def _placed(self, call):
        status = CallStatus.QUEUED if call.status is CallStatus.INITIATED else call.status
        return CallResource(
            call.sid,
            status,
            call.to,
            call.from_,
            None,
            created_at=instant(call.created_at),
            queue_ms=self.queue_ms,
        )

    def _begin(self, work):
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def aclose(self):
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
