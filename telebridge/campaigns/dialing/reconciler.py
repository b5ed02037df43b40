"""Asks Twilio about attempts without reports, closes campaigns that are over and pauses those that go wrong.

This is a shell around `telebridge.campaigns.engine.reconciliation`. Every process runs one; the store gives
each attempt to one of them at a time.

One rule: nothing follows from a request to Twilio that failed, only from an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from telebridge.campaigns.dialing.breaker_watch import pause_campaign, why_pause, why_pause_abandoned
from telebridge.campaigns.dialing.start_checks import register_problem, stale_registers
from telebridge.campaigns.engine.attempt import (
    Attempt,
    CallReport,
    NotPlacedReason,
    Receipt,
)
from telebridge.campaigns.engine.campaign import Campaign, OnUnknown
from telebridge.campaigns.engine.reconciliation import (
    Adopt,
    GiveUp,
    ListedCall,
    LookAgain,
    reconcile,
)
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import TwilioAPIError
from telebridge.logs import logger
from telebridge.metrics import ATTEMPTS, DUPLICATE_CALLS
from telebridge.timing.epoch import epoch_ms, instant
from telebridge.twilio.calls import CallStatus
from telebridge.twilio.client import CallResource, TwilioCalls

Work = Callable[[], Awaitable[None]]

log = logger(__name__)

LISTED = 20
TOGETHER = 10
"""So many requests to Twilio at a time, so that fifty slow ones do not take minutes one after the other."""
CLOSING = "campaigns: close and watch"
NO_SUCH_CALL = 20404


@dataclass(frozen=True, slots=True)
class ReconcilerOptions:
    """How a reconciler works.

    Args:
        worker: The name of this reconciler, different for each process.
        every_seconds: How often it looks for attempts that are overdue.
        closing_seconds: How often campaigns are closed or stopped, by one process for all.
    """

    worker: str
    every_seconds: float = 1.0
    closing_seconds: float = 5.0


class Reconciler:
    """One process's reconciler; `run` it as a task and cancel it at the end."""

    def __init__(self, store: CampaignStore, twilio: TwilioCalls, options: ReconcilerOptions) -> None:
        self._store = store
        self._twilio = twilio
        self._options = options

    async def run(self) -> None:
        """Check attempts and campaigns until cancelled, in two loops, because Twilio may be slow."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self.look_once, self._options.every_seconds))
            group.create_task(self._repeat(self.close_once, self._options.closing_seconds))

    async def look_once(self) -> None:
        """Ask Twilio about every attempt whose report is overdue."""
        intents = await self._store.attempts.take_expired_intents()
        checks = await self._store.attempts.take_due_checks()
        looks = [partial(self._look_for, attempt, now=intents.now) for attempt in intents.attempts]
        await self._together([*looks, *(partial(self._look_at, attempt) for attempt in checks.attempts)])

    async def close_once(self) -> None:
        """Close campaigns that are over and pause those that go wrong, unless another process does."""
        if not await self._store.leases.take(CLOSING, self._options.worker, 3 * self._options.closing_seconds):
            return
        for campaign in await self._store.campaigns.all():
            if campaign.status is CampaignStatus.RUNNING:
                await self._watch(campaign)
        for campaign in await self._store.campaigns.close_finished():
            log.info("campaign closed", campaign=campaign.id, status=campaign.status.value)

    async def end_calls(self, campaign_id: str, *, answered_too: bool = False) -> int:
        """End the ringing calls of a campaign, and the answered ones if `answered_too`.

        Returns:
            How many requests to end a call Twilio has accepted.
        """
        ended: list[str] = []
        end = self._twilio.hang_up if answered_too else self._twilio.cancel

        async def end_one(sid: str) -> None:
            with suppress(TwilioAPIError):  # its end is reported, or looked up
                await end(sid)
                ended.append(sid)

        live = await self._store.attempts.live(campaign_id)
        wanted = [one for one in live if answered_too or one.state is not AttemptState.ANSWERED]
        await self._together([partial(end_one, one.call_sid) for one in wanted if one.call_sid is not None])
        return len(ended)

    async def _repeat(self, work: Work, every_seconds: float) -> None:
        while True:
            await self._carefully(work)
            await asyncio.sleep(every_seconds)

    async def _together(self, works: Iterable[Work]) -> None:
        """Run all, `TOGETHER` at a time; one that fails does not affect the others."""
        slots = asyncio.Semaphore(TOGETHER)

        async def one(work: Work) -> None:
            async with slots:
                await self._carefully(work)

        await asyncio.gather(*(one(work) for work in works))

    async def _carefully(self, work: Work) -> None:
        try:
            await work()
        except Exception:  # the store or Twilio failed: everything is still there, and is looked at again
            log.exception("reconciling failed", worker=self._options.worker)

    async def _look_for(self, attempt: Attempt, *, now: int) -> None:
        """Search Twilio's list for the call of an intent."""
        try:
            calls = await self._twilio.recent(to=attempt.phone, from_=attempt.from_number, limit=LISTED)
        except TwilioAPIError as error:
            log.warning("Twilio's calls cannot be listed", attempt=attempt.id, error=str(error))
            return
        listed = {call.sid: call for call in calls}
        bound = await self._store.attempts.bound(listed)
        match reconcile(attempt, _created(calls), bound, now=now):
            case Adopt(sid, others):
                ATTEMPTS.labels("adopted").inc()
                await self._report(attempt, _as_report(listed[sid]))
                await self._end_duplicates(attempt, others)
            case GiveUp():
                ATTEMPTS.labels("never_placed").inc()
                await self._store.attempts.not_placed(
                    attempt.id, await self._never_placed(attempt), error="Twilio has no such call"
                )
            case LookAgain():
                pass

    async def _never_placed(self, attempt: Attempt) -> NotPlacedReason:
        campaign = await self._store.campaigns.find(attempt.campaign_id)
        redial = campaign is None or campaign.plan.on_unknown is OnUnknown.REDIAL
        return NotPlacedReason.AGAIN if redial else NotPlacedReason.UNKNOWN

    async def _look_at(self, attempt: Attempt) -> None:
        """Fetch a call whose report is overdue."""
        sid = attempt.call_sid or ""
        try:
            report = _as_report(await self._twilio.fetch(sid))
        except TwilioAPIError as error:
            if error.code != NO_SUCH_CALL:
                log.warning("a call cannot be looked at", call_sid=sid, error=str(error))
                return
            report = CallReport(sid, CallStatus.FAILED, looked_up=True, error="Twilio has forgotten the call")
        await self._report(attempt, report)

    async def _report(self, attempt: Attempt, report: CallReport) -> None:
        if await self._store.attempts.report(attempt.id, report) is Receipt.MISMATCH:
            await self._end_duplicates(attempt, [report.call_sid])

    async def _end_duplicates(self, attempt: Attempt, sids: Iterable[str]) -> None:
        for sid in sids:
            DUPLICATE_CALLS.inc()
            log.error("an attempt has two calls; one is ended", call_sid=sid, attempt=attempt.id)
            with suppress(TwilioAPIError):
                await self._twilio.hang_up(sid)

    async def _watch(self, campaign: Campaign) -> None:
        for why in (partial(why_pause, self._store), partial(why_pause_abandoned, self._store), self._why_not_allowed):
            if reason := await why(campaign):
                await pause_campaign(self._store, campaign.id, reason)
                return

    async def _why_not_allowed(self, campaign: Campaign) -> str:
        """Why a campaign that was rightly started may dial no further; empty while it may."""
        wallclock = instant(await self._store.campaigns.now())
        missing = await stale_registers(self._store, campaign, wallclock=wallclock)
        return register_problem(missing[0]) if missing else ""


def _created(calls: Iterable[CallResource]) -> list[ListedCall]:
    return [ListedCall(call.sid, epoch_ms(call.created_at)) for call in calls if call.created_at is not None]


def _as_report(call: CallResource) -> CallReport:
    return CallReport(call.sid, call.status, answered_by=call.answered_by, looked_up=True)
