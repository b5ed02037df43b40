"""Looking at campaigns in this process's memory; see `ReportRecords` for what is promised."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from itertools import islice

from typing_extensions import override

from support.memory_store.rows import MemoryRows
from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Contact, Lane
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.pacing import rate_limited_until
from telebridge.campaigns.engine.states import ContactState
from telebridge.campaigns.engine.transitions import TALK_OVERDUE_MS
from telebridge.campaigns.store.protocols import (
    DIALING,
    DialingNow,
    Progress,
    ReportRecords,
    WaitingLane,
    dialing_task,
)


class MemoryReports(ReportRecords):
    """Looking at a campaign."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    @override
    async def progress(self, campaign_id: str) -> Progress:
        contacts = self._rows.contacts_of(campaign_id)
        over = [one for one in contacts if one.state in {ContactState.DONE, ContactState.SKIPPED}]
        return Progress(
            dict(Counter(contact.state.value for contact in contacts)),
            dict(Counter(contact.outcome for contact in over)),
            dict(Counter(attempt.state.value for attempt in self._rows.attempts_of(campaign_id))),
        )

    @override
    async def waiting(self, campaign_id: str) -> list[WaitingLane]:
        now = self._rows.clock()
        due: Counter[int] = Counter()
        later: defaultdict[int, Counter[str]] = defaultdict(Counter)
        times: defaultdict[int, list[int]] = defaultdict(list)
        for contact in self._rows.contacts_of(campaign_id):
            if contact.state is ContactState.READY and contact.due_at <= now:
                due[contact.lane_id] += 1
            elif contact.state is ContactState.READY:
                later[contact.lane_id][contact.held] += 1
                times[contact.lane_id].append(contact.due_at)
        return [
            WaitingLane(lane_id, lane, due[lane_id], dict(later[lane_id]), min(times[lane_id], default=None))
            for lane_id, (owner, lane, _) in self._rows.lanes.items()
            if owner == campaign_id and (due[lane_id] or later[lane_id])
        ]

    @override
    async def dialing(self, campaign: Campaign) -> DialingNow:
        now, account = self._rows.clock(), campaign.plan.account
        tasks = [name for name, (_, until) in self._rows.leases.items() if until > now and name.startswith(DIALING)]
        ours = sum(name.startswith(dialing_task(account, "")) for name in tasks)
        pacer = self._rows.pacers.get(account)
        limited = None if pacer is None else rate_limited_until(pacer.pacing, pacer.backoff, pacer.tat, now=now)
        return DialingNow(ours, len(tasks) - ours, limited, campaign.plan.numbers_left(self._rows.made(now)))

    @override
    async def outcomes(self, campaign_id: str, *, since: int, latest: int | None = None) -> Mapping[Outcome, int]:
        overdue = self._rows.clock() - TALK_OVERDUE_MS
        begun = [one for one in self._rows.attempts_of(campaign_id) if one.intent_at >= since]
        begun.sort(key=lambda attempt: (attempt.intent_at, attempt.id), reverse=True)
        ended = [one for one in begun if one.outcome or (one.ended_at is not None and one.ended_at <= overdue)]
        return Counter(attempt.outcome or Outcome.LOST for attempt in ended[:latest])

    @override
    async def lanes(self, campaign_id: str) -> Mapping[int, Lane]:
        return {id_: lane for id_, (owner, lane, _) in self._rows.lanes.items() if owner == campaign_id}

    @override
    async def priorities(self, campaign_id: str) -> Mapping[int, int]:
        return {id_: priority for id_, (owner, _, priority) in self._rows.lanes.items() if owner == campaign_id}

    @override
    async def columns(self, campaign_id: str) -> list[str]:
        return list(dict.fromkeys(name for one in self._rows.contacts_of(campaign_id) for name in one.variables))

    @override
    async def contacts(self, campaign_id: str, *, after: int = 0) -> AsyncIterator[Contact]:
        for contact in self._rows.contacts_of(campaign_id):
            if contact.id > after:
                yield contact

    @override
    async def first_ready(self, campaign_id: str, count: int) -> list[Contact]:
        ready = (one for one in self._rows.contacts_of(campaign_id) if one.state is ContactState.READY)
        return list(islice(ready, count))

    @override
    async def attempts(self, campaign_id: str) -> AsyncIterator[Attempt]:
        for attempt in sorted(self._rows.attempts_of(campaign_id), key=lambda one: (one.contact_id, one.n)):
            yield attempt
