"""Who may be called now, in this process's memory; see `ClaimRecords` for what is promised."""

from collections import Counter
from collections.abc import Mapping, Sequence
from uuid import uuid4

from typing_extensions import override

from support.memory_store.outbox import write_outbox
from support.memory_store.rows import MemoryRows, Pacer
from telebridge.campaigns.engine.claim import (
    Admitted,
    Claim,
    OpenLane,
    PastCall,
    PhoneFacts,
    Quota,
    quota,
    select_contacts,
)
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.outcomes import PERHAPS_CONVERSATIONS
from telebridge.campaigns.engine.pacing import (
    Pacing,
    grant,
    room,
    wait_out_queue,
)
from telebridge.campaigns.engine.states import AttemptState, ContactState
from telebridge.campaigns.store.protocols import ClaimRecords
from telebridge.campaigns.webhooks.events import skipped_events
from telebridge.errors import LocalProtocolError


class MemoryClaims(ClaimRecords):
    """Who may be called now."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    @override
    async def set_pacing(self, account: str, pacing: Pacing) -> None:
        self._rows.pacers.setdefault(account, Pacer(pacing)).pacing = pacing

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
        facts = {phone: self._facts(phone) for contact in due for phone in contact.phones}
        selection = select_contacts(due, facts, quotas, {lane.id: lane.caps for lane in lanes}, wanted=wanted, now=now)
        for contact in selection.changed:
            self._rows.contacts[contact.id] = contact
            owner = self._rows.campaigns[contact.campaign_id]
            write_outbox(self._rows.outbox, skipped_events(owner, contact, now=now))
        claims = [
            self._intend(account, one, quotas, worker=worker, lease_ms=round(1000 * lease_seconds), now=now)
            for one in selection.admitted
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

    def _pacer(self, account: str) -> Pacer:
        if account not in self._rows.pacers:
            raise LocalProtocolError(f"the pacing of account '{account}' was never set")
        return self._rows.pacers[account]

    def _quotas(self, lanes: Sequence[OpenLane], live: Counter[str], wanted: int, now: int) -> dict[str, Quota]:
        quotas, made = {}, self._rows.made(now)
        for campaign_id in dict.fromkeys(lane.campaign_id for lane in lanes):
            campaign = self._rows.campaigns[campaign_id]
            if campaign.dials_at(now):
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
            frozenset(scope for number, scope in self._rows.do_not_call if number == phone),
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
        attempt, contact = one.make_intent(
            uuid4().hex, campaign, account=account, worker=worker, lease_until=now + lease_ms, now=now
        )
        self._rows.attempts[attempt.id] = attempt
        self._rows.contacts[contact.id] = contact
        self._rows.campaigns[campaign.id] = self._rows.campaigns[campaign.id].called(now=now)
        return Claim(attempt.id, campaign, contact, attempt.n, attempt.from_number)
