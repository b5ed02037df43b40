"""Claims in an SQL database: the pacer's row is the lock, and the commit of the claim is the intent.

One rule: the clock is read after the lock, and every count that a limit needs is taken under it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from telebridge.campaigns.attempt import Attempt, Contact
from telebridge.campaigns.claiming import DAY_MS, Claim, OpenLane, PastCall, PhoneFacts, Quota, Sifted, quota, sift
from telebridge.campaigns.outcomes import CONVERSATIONS
from telebridge.campaigns.pacing import Pacing, grant, room, wait_out_queue
from telebridge.campaigns.rows import (
    attempt_values,
    backoff_of,
    campaign_of,
    contact_changes,
    contact_of,
    pacing_of,
)
from telebridge.campaigns.sql_dialects import SqlDatabase
from telebridge.campaigns.states import AttemptState
from telebridge.campaigns.store import ClaimRecords
from telebridge.campaigns.tables import IS_LIVE, IS_READY, attempt, campaign, contact, do_not_call, pacer
from telebridge.errors import LocalProtocolError

LOOKED_AT = 2
"""So many due contacts are looked at for each that is wanted, as some must not be called now."""


class SqlClaims(ClaimRecords):
    """Who may be called now."""

    def __init__(self, database: SqlDatabase) -> None:
        self._database = database

    @override
    async def set_pacing(self, account: str, pacing: Pacing) -> None:
        limits = {
            "calls_per_second": pacing.calls_per_second,
            "max_live": pacing.max_live,
            "reserved": pacing.reserved,
        }
        fresh = {"account": account, "tat": 0.0, "backoff_until": 0, "backoff_step": 0, **limits}
        async with self._database.writing() as connection:
            await self._database.insert_new(connection, pacer, [fresh])
            await connection.execute(update(pacer).where(pacer.c.account == account).values(**limits))

    @override
    async def claim(
        self, account: str, lanes: Sequence[OpenLane], *, worker: str, wanted: int, lease_seconds: float
    ) -> list[Claim]:
        try:
            async with self._database.writing() as connection:
                row = await _locked(connection, account)
                now = await self._database.now(connection)
                claiming = _Claiming(self._database, connection, account, now)
                lease_until = now + round(1000 * lease_seconds)
                return await claiming.claim(row, lanes, worker=worker, wanted=wanted, lease_until=lease_until)
        except IntegrityError:  # another account's claim has one of these numbers: nothing was written
            return []

    @override
    async def back_off(self, account: str, *, jitter: float) -> int:
        async with self._database.writing() as connection:
            before = backoff_of(await _locked(connection, account))
            after = before.longer(jitter=jitter, now=await self._database.now(connection))
            kept = {"backoff_until": after.until, "backoff_step": after.step}
            await connection.execute(update(pacer).where(pacer.c.account == account).values(**kept))
        return after.until

    @override
    async def wait_out_queue(self, account: str, queue_ms: int) -> None:
        async with self._database.writing() as connection:
            row = await _locked(connection, account)
            tat = wait_out_queue(row.tat, queue_ms=queue_ms, now=await self._database.now(connection))
            await connection.execute(update(pacer).where(pacer.c.account == account).values(tat=tat))


async def _locked(connection: AsyncConnection, account: str) -> Row[Any]:
    row = (await connection.execute(select(pacer).where(pacer.c.account == account).with_for_update())).one_or_none()
    if row is None:
        raise LocalProtocolError(f"the pacing of account '{account}' was never set")
    return row


class _Claiming:
    """One claim, inside its transaction."""

    def __init__(self, database: SqlDatabase, connection: AsyncConnection, account: str, now: int) -> None:
        self._database = database
        self._connection = connection
        self._account = account
        self._now = now

    async def claim(
        self, row: Row[Any], lanes: Sequence[OpenLane], *, worker: str, wanted: int, lease_until: int
    ) -> list[Claim]:
        """Take contacts within the limits of the pacer's row."""
        pacing, now = pacing_of(row), self._now
        wanted = grant(row.tat, pacing.calls_per_second, wanted=wanted, now=now).calls
        if wanted == 0 or row.backoff_until > now:
            return []
        live = await self._live()
        wanted = min(wanted, room(pacing, live.total()))
        quotas = await self._quotas(lanes, live, wanted) if wanted > 0 else {}
        lanes = [lane for lane in lanes if lane.campaign_id in quotas]
        due = await self._due(lanes, wanted) if lanes else []
        if not due:
            return []
        facts = await self._facts(due, lanes)
        sifted = sift(due, facts, quotas, {lane.id: lane.caps for lane in lanes}, wanted=wanted, now=now)
        claims = await self._intend(sifted, quotas, worker=worker, lease_until=lease_until)
        tat = grant(row.tat, pacing.calls_per_second, wanted=len(claims), now=now).tat
        await self._connection.execute(update(pacer).where(pacer.c.account == self._account).values(tat=tat))
        return claims

    async def _live(self) -> Counter[str]:
        asked = select(attempt.c.campaign_id, func.count()).where(attempt.c.account == self._account, IS_LIVE)
        rows = await self._connection.execute(asked.group_by(attempt.c.campaign_id))
        return Counter(dict(rows.all()))

    async def _quotas(self, lanes: Sequence[OpenLane], live: Counter[str], wanted: int) -> dict[str, Quota]:
        ids = {lane.campaign_id for lane in lanes}
        rows = await self._connection.execute(select(campaign).where(campaign.c.id.in_(ids)))
        dialling = [one for one in map(campaign_of, rows) if one.dials_at(self._now)]
        capped = {number.number for one in dialling for number in one.plan.numbers if number.daily_cap is not None}
        made = await self._made(capped) if capped else {}
        quotas = {
            one.id: quota(one, live=live[one.id], made=made, turn=one.turn, wanted=wanted, now=self._now)
            for one in dialling
        }
        return {campaign_id: allowed for campaign_id, allowed in quotas.items() if allowed.calls > 0}

    async def _made(self, numbers: set[str]) -> dict[str, int]:
        """How many calls each number made in the last 24 hours."""
        asked = select(attempt.c.from_number, func.count()).where(
            attempt.c.from_number.in_(numbers),
            attempt.c.intent_at > self._now - DAY_MS,
            attempt.c.state != AttemptState.VOID,
        )
        rows = await self._connection.execute(asked.group_by(attempt.c.from_number))
        return dict(rows.all())

    async def _due(self, lanes: Sequence[OpenLane], wanted: int) -> list[Contact]:
        limit = LOOKED_AT * wanted + LOOKED_AT
        ids = await self._database.due(self._connection, [lane.id for lane in lanes], now=self._now, limit=limit)
        if not ids:
            return []
        asked = select(contact).where(contact.c.id.in_(ids), IS_READY).with_for_update(skip_locked=True)
        found = {row.id: contact_of(row) for row in await self._connection.execute(asked)}
        return [found[contact_id] for contact_id in ids if contact_id in found]

    async def _facts(self, due: Sequence[Contact], lanes: Sequence[OpenLane]) -> dict[str, PhoneFacts]:
        phones = {one.phone for one in due}
        longest = max((cap.within_seconds for lane in lanes for cap in lane.caps), default=0.0)
        live = select(attempt.c.phone).where(attempt.c.phone.in_(phones), IS_LIVE)
        ringing = set((await self._connection.execute(live)).scalars())
        listed = select(do_not_call.c.phone, do_not_call.c.scope).where(do_not_call.c.phone.in_(phones))
        barred: defaultdict[str, set[str]] = defaultdict(set)
        for phone, scope in await self._connection.execute(listed):
            barred[phone].add(scope)
        past = await self._past(phones, self._now - round(1000 * longest)) if longest else {}
        return {
            phone: PhoneFacts(frozenset(barred[phone]), phone in ringing, tuple(past.get(phone, ())))
            for phone in phones
        }

    async def _past(self, phones: set[str], since: int) -> dict[str, list[PastCall]]:
        asked = select(attempt.c.phone, attempt.c.intent_at, attempt.c.outcome).where(
            attempt.c.phone.in_(phones), attempt.c.intent_at > since, attempt.c.state != AttemptState.VOID
        )
        past: defaultdict[str, list[PastCall]] = defaultdict(list)
        for phone, at, outcome in await self._connection.execute(asked):
            past[phone].append(PastCall(at, outcome in CONVERSATIONS))
        return past

    async def _intend(
        self, sifted: Sifted, quotas: Mapping[str, Quota], *, worker: str, lease_until: int
    ) -> list[Claim]:
        """Write what is about to be done."""
        campaigns = {campaign_id: allowed.campaign for campaign_id, allowed in quotas.items()}
        claims: list[Claim] = []
        intents: list[Attempt] = []
        for one in sifted.admitted:
            owner = campaigns[one.contact.campaign_id]
            intent, taken = one.intend(
                uuid4().hex, owner, account=self._account, worker=worker, lease_until=lease_until, now=self._now
            )
            campaigns[owner.id] = owner.called(now=self._now)
            intents.append(intent)
            claims.append(Claim(intent.id, owner, taken, intent.n, intent.from_number))
        if intents:
            await self._connection.execute(insert(attempt), [attempt_values(one) for one in intents])
        changed = [*sifted.changed, *(claim.contact for claim in claims)]
        if changed:
            await self._connection.execute(
                _CHANGE_CONTACT, [{"key": one.id, **contact_changes(one)} for one in changed]
            )
        called = [one for one in campaigns.values() if one != quotas[one.id].campaign]
        if called:
            paces = [{"key": one.id, "tat": one.tat, "turn": one.turn} for one in called]
            await self._connection.execute(_CHANGE_PACE, paces)
        return claims


_CHANGE_CONTACT = (
    update(contact)
    .where(contact.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("state", "due_at", "attempts", "claims", "outcome", "held")})
)
_CHANGE_PACE = (
    update(campaign)
    .where(campaign.c.id == bindparam("key"))
    .values({name: bindparam(name) for name in ("tat", "turn")})
)
