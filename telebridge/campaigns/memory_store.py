"""Campaigns in this process's memory: the twin of the SQL store, for tests and for trying things out.

It keeps every promise of `telebridge.campaigns.store` but one: it forgets everything at the end.

One rule: nothing awaits in the middle of a method, so each is a transaction.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from typing_extensions import override

from telebridge.campaigns.attempt import Attempt, CallReport, Contact, Receipt, Unplaced
from telebridge.campaigns.campaign import Campaign, CampaignPlan
from telebridge.campaigns.claiming import (
    EVERY_CAMPAIGN,
    Admitted,
    Claim,
    OpenLane,
    PastCall,
    PhoneFacts,
    Quota,
    quota,
    sift,
)
from telebridge.campaigns.contact import Lane, NewContact
from telebridge.campaigns.epoch import Clock, epoch_ms, system_clock
from telebridge.campaigns.memory_outbox import MemoryOutbox, OutboxRows, keep_news
from telebridge.campaigns.outbox import Change, news_of_attempt, news_of_skipped, news_of_status
from telebridge.campaigns.outcomes import PERHAPS_CONVERSATIONS, Outcome, Reported
from telebridge.campaigns.pacing import Backoff, Pacing, grant, quiet_until, room, wait_out_queue
from telebridge.campaigns.reconciliation import next_look
from telebridge.campaigns.settling import (
    CHECK_AGAIN_MS,
    CHECK_FURTHEST_MS,
    TALK_OVERDUE_MS,
    never_placed,
    release,
    settle,
    take_report,
)
from telebridge.campaigns.states import AttemptState, CampaignInput, ContactState
from telebridge.campaigns.status import changed, check_fillable, closing, filled_elsewhere, name_taken, replanned
from telebridge.campaigns.store import (
    DIALING,
    IMPORT_LEASE_SECONDS,
    Added,
    AttemptRecords,
    Barred,
    BegunImport,
    CampaignLane,
    CampaignRecords,
    ClaimRecords,
    ContactRecords,
    DialingNow,
    DoNotCallRecords,
    ImportPosition,
    Overdue,
    Progress,
    ReportRecords,
    TaskLeases,
    WaitingLane,
    dialing_task,
    import_lease,
)
from telebridge.errors import CampaignRefused, LocalProtocolError


@dataclass(slots=True)
class _Pacer:
    pacing: Pacing
    tat: float = 0.0
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(slots=True)
class _Rows:
    """All that is kept."""

    clock: Clock
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    lanes: dict[int, tuple[str, Lane, int]] = field(default_factory=dict)
    contacts: dict[int, Contact] = field(default_factory=dict)
    phones: dict[tuple[str, str], int] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    pacers: dict[str, _Pacer] = field(default_factory=dict)
    imported: dict[str, ImportPosition] = field(default_factory=dict)
    barred: dict[tuple[str, str], Barred] = field(default_factory=dict)
    scrubbed: dict[str, int] = field(default_factory=dict)
    leases: dict[str, tuple[str, int]] = field(default_factory=dict)
    outbox: OutboxRows = field(default_factory=dict)

    def not_over(self, plan: CampaignPlan) -> Campaign | None:
        """The campaign of that account and name that is not over."""
        named = (
            one for one in self.campaigns.values() if (one.plan.account, one.plan.name) == (plan.account, plan.name)
        )
        return next((one for one in named if not one.status.is_over), None)

    def contacts_of(self, campaign_id: str) -> list[Contact]:
        return [contact for contact in self.contacts.values() if contact.campaign_id == campaign_id]

    def attempts_of(self, campaign_id: str) -> list[Attempt]:
        return [attempt for attempt in self.attempts.values() if attempt.campaign_id == campaign_id]

    def live(self) -> list[Attempt]:
        return [attempt for attempt in self.attempts.values() if attempt.state.is_live]


class MemoryCampaignStore:
    """Every part of a store, over the same rows.

    Args:
        clock: Epoch milliseconds.
    """

    def __init__(self, clock: Clock = system_clock) -> None:
        rows = _Rows(clock)
        self.campaigns = MemoryCampaigns(rows)
        self.contacts = MemoryContacts(rows)
        self.claims = MemoryClaims(rows)
        self.attempts = MemoryAttempts(rows)
        self.do_not_call = MemoryDoNotCall(rows)
        self.leases = MemoryLeases(rows)
        self.outbox = MemoryOutbox(rows.outbox, rows.campaigns, rows.clock)
        self.reports = MemoryReports(rows)


class MemoryCampaigns(CampaignRecords):
    """See `CampaignRecords`."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    @override
    async def create(self, plan: CampaignPlan) -> Campaign:
        campaign = Campaign(uuid4().hex, plan, status_at=self._rows.clock())
        return self._keep(campaign)

    @override
    async def keep(self, plan: CampaignPlan) -> Campaign:
        known = self._rows.not_over(plan)
        if known is None:
            return await self.create(plan)
        return self._keep(replanned(known, plan))

    @override
    async def replan(self, campaign_id: str, plan: CampaignPlan) -> Campaign:
        campaign = self._rows.campaigns.get(campaign_id)
        if campaign is None:
            raise CampaignRefused(campaign_id, "there is none")
        return self._keep(replanned(campaign, plan))

    @override
    async def find(self, campaign_id: str) -> Campaign | None:
        return self._rows.campaigns.get(campaign_id)

    @override
    async def all(self) -> list[Campaign]:
        return list(reversed(self._rows.campaigns.values()))

    @override
    async def change(self, campaign_id: str, happened: CampaignInput, *, reason: str = "") -> Campaign:
        campaign = self._rows.campaigns.get(campaign_id)
        if campaign is None:
            raise CampaignRefused(campaign_id, "there is none")
        now = self._rows.clock()
        after = self._keep(changed(campaign, happened, reason=reason, now=now))
        keep_news(self._rows.outbox, news_of_status(Change(campaign, after), now=now))
        return after

    @override
    async def lanes(self, account: str) -> list[CampaignLane]:
        now = self._rows.clock()
        found = []
        for lane_id, (campaign_id, lane, priority) in self._rows.lanes.items():
            campaign = self._rows.campaigns[campaign_id]
            if campaign.plan.account == account and campaign.dials_at(now):
                found.append(CampaignLane(lane_id, campaign, lane, priority))
        return found

    @override
    async def now(self) -> int:
        return self._rows.clock()

    @override
    async def close_finished(self) -> list[Campaign]:
        now = self._rows.clock()
        closed = []
        for campaign in list(self._rows.campaigns.values()):
            states = Counter(contact.state for contact in self._rows.contacts_of(campaign.id))
            checks = sum(attempt.check_at is not None for attempt in self._rows.attempts_of(campaign.id))
            live = states[ContactState.LIVE] + checks
            imported = self._rows.imported.get(campaign.id, ImportPosition())
            filled = bool(states) and not imported.under_way
            happened = closing(campaign, filled=filled, ready=states[ContactState.READY], live=live, now=now)
            if happened is not None:
                closed.append(await self.change(campaign.id, happened))
        return closed

    def _keep(self, campaign: Campaign) -> Campaign:
        """Keep a campaign as it is now, unless another one has its name."""
        other = self._rows.not_over(campaign.plan)
        if not campaign.status.is_over and other is not None and other.id != campaign.id:
            raise name_taken(campaign)
        self._rows.campaigns[campaign.id] = campaign
        return campaign


class MemoryContacts(ContactRecords):
    """See `ContactRecords`."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows
        self._leases = MemoryLeases(rows)

    @override
    async def add(
        self, campaign_id: str, contacts: Sequence[NewContact], *, upto_line: int, owner: str | None = None
    ) -> Added:
        rows = self._rows
        if owner is not None:
            self._keep_hold(campaign_id, owner)
        imported = rows.imported.get(campaign_id, ImportPosition())
        if upto_line <= imported.line:
            return Added(0, 0)
        rows.imported[campaign_id] = replace(imported, line=upto_line)
        added = 0
        for new in contacts:
            if (campaign_id, new.phone) in rows.phones:
                continue
            contact_id = len(rows.contacts) + 1
            rows.phones[campaign_id, new.phone] = contact_id
            rows.contacts[contact_id] = Contact(
                contact_id,
                campaign_id,
                self._lane(campaign_id, new),
                new.phone,
                ContactState.READY,
                0 if new.due_at is None else epoch_ms(new.due_at),
                variables=dict(new.variables),
                consented_at=None if new.consented_at is None else epoch_ms(new.consented_at),
                consent_source=new.consent_source,
            )
            added += 1
        return Added(added, len(contacts) - added)

    @override
    async def begin_import(self, campaign_id: str, source: str, *, owner: str) -> BegunImport:
        campaign = self._rows.campaigns.get(campaign_id)
        if campaign is None:
            raise CampaignRefused(campaign_id, "there is none")
        check_fillable(campaign)
        before = self._rows.imported.get(campaign_id, ImportPosition())
        if not self._leases.take_now(import_lease(campaign_id), owner, IMPORT_LEASE_SECONDS):
            raise filled_elsewhere(campaign.plan.name, before.name)
        line = before.line if before.source == source else 0
        self._rows.imported[campaign_id] = ImportPosition(source, line, under_way=True)
        return BegunImport(line, before)

    @override
    async def finish_import(self, campaign_id: str, *, owner: str) -> None:
        self._keep_hold(campaign_id, owner)
        self._rows.imported[campaign_id] = ImportPosition()
        self._leases.release_now(import_lease(campaign_id), owner)

    @override
    async def leave_import(self, campaign_id: str, begun: BegunImport, *, owner: str) -> None:
        if self._leases.release_now(import_lease(campaign_id), owner) and not self._rows.imported[campaign_id].line:
            self._rows.imported[campaign_id] = begun.before

    @override
    async def import_position(self, campaign_id: str) -> ImportPosition:
        return self._rows.imported.get(campaign_id, ImportPosition())

    @override
    async def is_filled(self, campaign_id: str) -> bool:
        under_way = self._rows.imported.get(campaign_id, ImportPosition()).under_way
        return not under_way and bool(self._rows.contacts_of(campaign_id))

    @override
    async def without_consent(self, campaign_id: str) -> int:
        return sum(
            contact.state in {ContactState.READY, ContactState.LIVE}
            and (contact.consented_at is None or not contact.consent_source)
            for contact in self._rows.contacts_of(campaign_id)
        )

    @override
    async def regions(self, campaign_id: str) -> set[str]:
        return {lane.region for owner, lane, _ in self._rows.lanes.values() if owner == campaign_id}

    @override
    async def find(self, campaign_id: str, phone: str) -> Contact | None:
        contact_id = self._rows.phones.get((campaign_id, phone))
        return None if contact_id is None else self._rows.contacts[contact_id]

    @override
    async def lane(self, contact: Contact) -> Lane:
        return self._rows.lanes[contact.lane_id][1]

    def _keep_hold(self, campaign_id: str, owner: str) -> None:
        """Go on filling a campaign, if nobody else does by now."""
        name = import_lease(campaign_id)
        if self._rows.leases.get(name, ("", 0))[0] != owner:
            imported = self._rows.imported.get(campaign_id, ImportPosition())
            raise filled_elsewhere(self._rows.campaigns[campaign_id].plan.name, imported.name)
        self._leases.take_now(name, owner, IMPORT_LEASE_SECONDS)

    def _lane(self, campaign_id: str, new: NewContact) -> int:
        wanted = (campaign_id, new.lane, new.priority)
        for lane_id, lane in self._rows.lanes.items():
            if lane == wanted:
                return lane_id
        lane_id = len(self._rows.lanes) + 1
        self._rows.lanes[lane_id] = wanted
        return lane_id


class MemoryClaims(ClaimRecords):
    """See `ClaimRecords`."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    @override
    async def set_pacing(self, account: str, pacing: Pacing) -> None:
        self._rows.pacers.setdefault(account, _Pacer(pacing)).pacing = pacing

    @override
    async def claim(
        self, account: str, lanes: Sequence[OpenLane], *, worker: str, wanted: int, lease_seconds: float
    ) -> list[Claim]:
        pacer, now = self._pacer(account), self._rows.clock()
        live = Counter(attempt.campaign_id for attempt in self._rows.live() if attempt.account == account)
        wanted = min(wanted, room(pacer.pacing, live.total()))
        wanted = grant(pacer.tat, pacer.pacing.calls_per_second, wanted=wanted, now=now).calls
        if wanted == 0 or pacer.backoff.holds(now=now):
            return []
        quotas = self._quotas(lanes, live, wanted, now)
        due = self._due(lanes, quotas, now)
        facts = {contact.phone: self._facts(contact.phone) for contact in due}
        sifted = sift(due, facts, quotas, {lane.id: lane.caps for lane in lanes}, wanted=wanted, now=now)
        for contact in sifted.changed:
            self._rows.contacts[contact.id] = contact
            owner = self._rows.campaigns[contact.campaign_id]
            keep_news(self._rows.outbox, news_of_skipped(owner, contact, now=now))
        claims = [
            self._intend(account, one, quotas, worker=worker, lease_ms=round(1000 * lease_seconds), now=now)
            for one in sifted.admitted
        ]
        pacer.tat = grant(pacer.tat, pacer.pacing.calls_per_second, wanted=len(claims), now=now).tat
        return claims

    @override
    async def back_off(self, account: str, *, jitter: float) -> int:
        pacer = self._pacer(account)
        pacer.backoff = pacer.backoff.longer(jitter=jitter, now=self._rows.clock())
        return pacer.backoff.until

    @override
    async def wait_out_queue(self, account: str, queue_ms: int) -> None:
        pacer = self._pacer(account)
        pacer.tat = wait_out_queue(pacer.tat, queue_ms=queue_ms, now=self._rows.clock())

    def _pacer(self, account: str) -> _Pacer:
        if account not in self._rows.pacers:
            raise LocalProtocolError(f"the pacing of account '{account}' was never set")
        return self._rows.pacers[account]

    def _quotas(self, lanes: Sequence[OpenLane], live: Counter[str], wanted: int, now: int) -> dict[str, Quota]:
        quotas = {}
        for campaign_id in dict.fromkeys(lane.campaign_id for lane in lanes):
            campaign = self._rows.campaigns[campaign_id]
            if campaign.dials_at(now):
                made: Counter[str] = Counter(
                    attempt.from_number
                    for attempt in self._rows.attempts.values()
                    if attempt.intent_at > now - 86_400_000 and attempt.state is not AttemptState.VOID
                )
                quotas[campaign_id] = quota(
                    campaign, live=live[campaign_id], made=made, turn=campaign.turn, wanted=wanted, now=now
                )
        return {campaign_id: allowed for campaign_id, allowed in quotas.items() if allowed.calls > 0}

    def _due(self, lanes: Sequence[OpenLane], quotas: Mapping[str, Quota], now: int) -> list[Contact]:
        order = {lane.id: index for index, lane in enumerate(lanes) if lane.campaign_id in quotas}
        due = [
            contact
            for contact in self._rows.contacts.values()
            if contact.state is ContactState.READY and contact.due_at <= now and contact.lane_id in order
        ]
        return sorted(due, key=lambda contact: (order[contact.lane_id], contact.due_at, contact.id))

    def _facts(self, phone: str) -> PhoneFacts:
        attempts = [attempt for attempt in self._rows.attempts.values() if attempt.phone == phone]
        return PhoneFacts(
            frozenset(scope for number, scope in self._rows.barred if number == phone),
            any(attempt.state.is_live for attempt in attempts),
            tuple(
                PastCall(attempt.intent_at, attempt.outcome in PERHAPS_CONVERSATIONS)
                for attempt in attempts
                if attempt.state is not AttemptState.VOID
            ),
        )

    def _intend(
        self, account: str, one: Admitted, quotas: Mapping[str, Quota], *, worker: str, lease_ms: int, now: int
    ) -> Claim:
        campaign = quotas[one.contact.campaign_id].campaign
        attempt, contact = one.intend(
            uuid4().hex, campaign, account=account, worker=worker, lease_until=now + lease_ms, now=now
        )
        self._rows.attempts[attempt.id] = attempt
        self._rows.contacts[contact.id] = contact
        self._rows.campaigns[campaign.id] = self._rows.campaigns[campaign.id].called(now=now)
        return Claim(attempt.id, campaign, contact, attempt.n, attempt.from_number)


class MemoryAttempts(AttemptRecords):
    """See `AttemptRecords`."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    @override
    async def find(self, attempt_id: str) -> Attempt | None:
        return self._rows.attempts.get(attempt_id)

    @override
    async def find_by_call(self, call_sid: str) -> Attempt | None:
        return next((one for one in self._rows.attempts.values() if one.call_sid == call_sid), None)

    @override
    async def report(self, attempt_id: str, report: CallReport) -> Receipt:
        before = self._rows.attempts.get(attempt_id)
        if before is None:
            return Receipt.UNKNOWN
        holder = next((one for one in self._rows.attempts.values() if one.call_sid == report.call_sid), before)
        after = take_report(before, report, now=self._rows.clock())
        if after is None or holder.id != attempt_id:
            return Receipt.NOT_OURS
        self._rows.attempts[attempt_id] = after
        contact = self._rows.contacts[after.contact_id]
        if after.outcome is not before.outcome:
            rules = self._rows.campaigns[after.campaign_id].plan.retry
            self._rows.contacts[after.contact_id] = settle(after, contact, rules)
        self._tell(Change(before, after), contact)
        if after.reported is Reported.OPTED_OUT:
            barred = Barred(after.phone, EVERY_CAMPAIGN, "call", after.id, self._rows.clock())
            self._rows.barred.setdefault((after.phone, EVERY_CAMPAIGN), barred)
        return Receipt.OLD if after == before else Receipt.NEWS

    @override
    async def not_placed(self, attempt_id: str, why: Unplaced, *, error: str) -> bool:
        before = self._rows.attempts[attempt_id]
        after = never_placed(before, why, error=error)
        if after is None or before.state is AttemptState.VOID:
            return False
        self._rows.attempts[attempt_id] = after
        contact = self._rows.contacts[after.contact_id]
        self._rows.contacts[contact.id] = release(contact, why, now=self._rows.clock())
        self._tell(Change(before, after), contact)
        return True

    @override
    async def take_expired_intents(self, limit: int = 50) -> Overdue:
        now = self._rows.clock()
        due = [one for one in self._due(now) if one.state is AttemptState.INTENT][:limit]
        for attempt in due:
            self._rows.attempts[attempt.id] = replace(
                attempt, check_at=next_look(attempt, now=now), looks=attempt.looks + 1
            )
        return Overdue(now, due)

    @override
    async def take_due_checks(self, limit: int = 50) -> Overdue:
        now = self._rows.clock()
        due = [one for one in self._due(now) if one.state is not AttemptState.INTENT]
        due += [
            one
            for one in self._rows.attempts.values()
            if one.state is not AttemptState.INTENT and (one.check_at or 0) > now + CHECK_FURTHEST_MS
        ]
        due = due[:limit]
        for attempt in due:
            self._rows.attempts[attempt.id] = replace(attempt, check_at=now + CHECK_AGAIN_MS)
        return Overdue(now, due)

    @override
    async def bound(self, call_sids: Iterable[str]) -> set[str]:
        known = {attempt.call_sid for attempt in self._rows.attempts.values()}
        return {sid for sid in call_sids if sid in known}

    @override
    async def live(self, campaign_id: str) -> list[Attempt]:
        return [attempt for attempt in self._rows.attempts_of(campaign_id) if attempt.state.is_live]

    def _tell(self, attempt: Change[Attempt], before: Contact) -> None:
        owner = self._rows.campaigns[before.campaign_id]
        contact = Change(before, self._rows.contacts[before.id])
        keep_news(self._rows.outbox, news_of_attempt(owner, attempt, contact, now=self._rows.clock()))

    def _due(self, now: int) -> list[Attempt]:
        due = [one for one in self._rows.attempts.values() if one.check_at is not None and one.check_at <= now]
        return sorted(due, key=lambda attempt: attempt.check_at or 0)


class MemoryDoNotCall(DoNotCallRecords):
    """See `DoNotCallRecords`."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    @override
    async def add(self, phones: Iterable[str], *, source: str, reason: str = "", scope: str = EVERY_CAMPAIGN) -> int:
        before = len(self._rows.barred)
        for phone in phones:
            barred = Barred(phone, scope, source, reason, self._rows.clock())
            self._rows.barred.setdefault((phone, scope), barred)
        return len(self._rows.barred) - before

    @override
    async def remove(self, phone: str, *, scope: str = EVERY_CAMPAIGN) -> bool:
        return self._rows.barred.pop((phone, scope), None) is not None

    @override
    async def has(self, phone: str, *, campaign_id: str = EVERY_CAMPAIGN) -> bool:
        return any((phone, scope) in self._rows.barred for scope in (EVERY_CAMPAIGN, campaign_id))

    @override
    async def all(self, *, after: tuple[str, str] = ("", "")) -> AsyncIterator[Barred]:
        for key in sorted(key for key in self._rows.barred if key > after):
            yield self._rows.barred[key]

    @override
    async def set_scrubbed(self, register: str, at: int) -> None:
        self._rows.scrubbed[register] = at

    @override
    async def scrubbed(self) -> Mapping[str, int]:
        return dict(self._rows.scrubbed)


class MemoryLeases(TaskLeases):
    """See `TaskLeases`."""

    def __init__(self, rows: _Rows) -> None:
        self._rows = rows

    @override
    async def take(self, name: str, owner: str, seconds: float) -> bool:
        return self.take_now(name, owner, seconds)

    @override
    async def release(self, name: str, owner: str) -> None:
        self.release_now(name, owner)

    def take_now(self, name: str, owner: str, seconds: float) -> bool:
        """Take or prolong a task, in the middle of a method."""
        now = self._rows.clock()
        holder, until = self._rows.leases.get(name, (owner, 0))
        length = round(1000 * seconds)
        if holder != owner and now < until <= now + 2 * length:
            return False
        self._rows.leases[name] = (owner, now + length)
        return True

    def release_now(self, name: str, owner: str) -> bool:
        """Leave a task; whether it was held."""
        held = self._rows.leases.get(name, ("", 0))[0] == owner
        if held:
            del self._rows.leases[name]
        return held


class MemoryReports(ReportRecords):
    """See `ReportRecords`."""

    def __init__(self, rows: _Rows) -> None:
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
        made = Counter(
            attempt.from_number
            for attempt in self._rows.attempts.values()
            if attempt.intent_at > now - 86_400_000 and attempt.state is not AttemptState.VOID
        )
        pacer = self._rows.pacers.get(account)
        quiet = None if pacer is None else quiet_until(pacer.pacing, pacer.backoff, pacer.tat, now=now)
        return DialingNow(ours, len(tasks) - ours, quiet, campaign.plan.numbers_left(made))

    @override
    async def outcomes(self, campaign_id: str, *, since: int, latest: int | None = None) -> Mapping[Outcome, int]:
        overdue = self._rows.clock() - TALK_OVERDUE_MS
        begun = [one for one in self._rows.attempts_of(campaign_id) if one.intent_at >= since]
        begun.sort(key=lambda attempt: (attempt.intent_at, attempt.id), reverse=True)
        ended = [one for one in begun if one.outcome or (one.ended_at is not None and one.ended_at <= overdue)]
        return Counter(attempt.outcome or Outcome.LOST for attempt in ended[:latest])

    @override
    async def columns(self, campaign_id: str) -> list[str]:
        return list(dict.fromkeys(name for one in self._rows.contacts_of(campaign_id) for name in one.variables))

    @override
    async def contacts(self, campaign_id: str) -> AsyncIterator[Contact]:
        for contact in self._rows.contacts_of(campaign_id):
            yield contact

    @override
    async def attempts(self, campaign_id: str) -> AsyncIterator[Attempt]:
        for attempt in sorted(self._rows.attempts_of(campaign_id), key=lambda one: (one.contact_id, one.n)):
            yield attempt
