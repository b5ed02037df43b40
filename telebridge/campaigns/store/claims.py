"""Claims in an SQL database: the pacer's row is the lock, and the commit of the claim is the intent.

One rule: the clock is read after the lock, and every count that a limit needs is taken under it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.claim import (
    DAY_MS,
    Claim,
    OpenLane,
    PastCall,
    PhoneFacts,
    Quota,
    Selection,
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
from telebridge.campaigns.engine.states import LIVE, AttemptState
from telebridge.campaigns.store.dialects import due_contacts
from telebridge.campaigns.store.outbox import write_skipped_events
from telebridge.campaigns.store.protocols import ClaimRecords
from telebridge.campaigns.store.tables import (
    IS_LIVE,
    attempt,
    attempt_values,
    backoff_of,
    campaign,
    campaign_of,
    contact,
    contact_changes,
    contact_of,
    do_not_call,
    pacer,
    pacing_of,
)
from telebridge.database.database import Database
from telebridge.errors import LocalProtocolError

LOOKED_AT = 2
"""So many due contacts are looked at for each that is wanted, as some must not be called now."""

LOOKED_FURTHER = 500
"""So many more when none of them may be, so that thousands of do-not-call numbers do not hold up all others."""


class SqlClaims(ClaimRecords):
    """Who may be called now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def set_pacing(self, account: str, pacing: Pacing) -> None:
        limits = {
            "calls_per_second": pacing.calls_per_second,
            "max_live": pacing.max_live,
            "reserved": pacing.reserved,
        }
        fresh = {"account": account, "tat": 0.0, "backoff_until": 0, "backoff_step": 0, **limits}

        def work(connection: Connection) -> None:
            self._database.insert_new(connection, pacer, [fresh])
            connection.execute(update(pacer).where(pacer.c.account == account).values(**limits))

        await self._database.write(work)

    @override
    async def claim(
        self, account: str, lanes: Sequence[OpenLane], *, worker: str, wanted: int, lease_seconds: float
    ) -> list[Claim]:
        def work(connection: Connection) -> list[Claim]:
            row = _locked(connection, account)
            now = self._database.now(connection)
            claiming = _Claiming(self._database, connection, account, now)
            lease_until = now + round(1000 * lease_seconds)
            return claiming.claim(row, lanes, worker=worker, wanted=wanted, lease_until=lease_until)

        try:
            return await self._database.write(work)
        except IntegrityError:  # another account's claim has one of these numbers: nothing was written
            return []

    @override
    async def back_off(self, account: str, *, jitter: float) -> int:
        def work(connection: Connection) -> int:
            before = backoff_of(_locked(connection, account))
            after = before.longer(jitter=jitter, now=self._database.now(connection))
            kept = {"backoff_until": after.until, "backoff_step": after.step}
            connection.execute(update(pacer).where(pacer.c.account == account).values(**kept))
            return after.until

        return await self._database.write(work)

    @override
    async def wait_out_queue(self, account: str, queue_ms: int) -> None:
        def work(connection: Connection) -> None:
            row = _locked(connection, account)
            tat = wait_out_queue(row.tat, queue_ms=queue_ms, now=self._database.now(connection))
            connection.execute(update(pacer).where(pacer.c.account == account).values(tat=tat))

        await self._database.write(work)


def _locked(connection: Connection, account: str) -> Row[Any]:
    row = connection.execute(select(pacer).where(pacer.c.account == account).with_for_update()).one_or_none()
    if row is None:
        raise LocalProtocolError(f"the pacing of account '{account}' was never set")
    return row


class _Claiming:
    """One claim, inside its transaction."""

    def __init__(self, database: Database, connection: Connection, account: str, now: int) -> None:
        self._database = database
        self._connection = connection
        self._account = account
        self._now = now

    def claim(
        self, row: Row[Any], lanes: Sequence[OpenLane], *, worker: str, wanted: int, lease_until: int
    ) -> list[Claim]:
        """Take contacts within the limits of the pacer's row."""
        pacing, now = pacing_of(row), self._now
        wanted = grant(row.tat, pacing.calls_per_second, wanted=wanted, now=now).calls
        if wanted == 0 or backoff_of(row).holds(now=now):
            return []
        quotas = self._quotas(pacing, lanes, wanted)
        lanes = [lane for lane in lanes if lane.campaign_id in quotas]
        wanted = min(wanted, sum(allowed.calls for allowed in quotas.values()))
        selection = self._select(lanes, quotas, wanted) if lanes else Selection()
        if not selection.admitted and not selection.changed:
            return []
        claims = self._intend(selection, quotas, worker=worker, lease_until=lease_until)
        tat = grant(row.tat, pacing.calls_per_second, wanted=len(claims), now=now).tat
        self._connection.execute(update(pacer).where(pacer.c.account == self._account).values(tat=tat))
        return claims

    def _quotas(self, pacing: Pacing, lanes: Sequence[OpenLane], wanted: int) -> dict[str, Quota]:
        """What each campaign may place now by its own limits and the account's; none that may place nothing."""
        query = _campaigns_and_live(self._account, {lane.campaign_id for lane in lanes})
        rows = self._connection.execute(query).all()
        wanted = min(wanted, room(pacing, rows[0].all_live)) if rows else 0
        live = {row.id: row.live for row in rows}
        dialling = [one for one in map(campaign_of, rows) if one.dials_at(self._now)] if wanted > 0 else []
        capped = {number.number for one in dialling for number in one.plan.numbers if number.daily_cap is not None}
        made = self._made(capped) if capped else {}
        quotas = {
            one.id: quota(one, live=live[one.id], made=made, turn=one.turn, wanted=wanted, now=self._now)
            for one in dialling
        }
        return {campaign_id: allowed for campaign_id, allowed in quotas.items() if allowed.calls > 0}

    def _made(self, numbers: set[str]) -> dict[str, int]:
        """How many calls each number made in the last 24 hours."""
        query = select(attempt.c.from_number, func.count()).where(
            attempt.c.from_number.in_(numbers),
            attempt.c.intent_at > self._now - DAY_MS,
            attempt.c.state != AttemptState.VOID,
        )
        rows = self._connection.execute(query.group_by(attempt.c.from_number))
        return dict(rows.all())

    def _select(self, lanes: Sequence[OpenLane], quotas: Mapping[str, Quota], wanted: int) -> Selection:
        """Choose among the first due contacts, and among many more when all of these are refused."""
        limit = LOOKED_AT * wanted + LOOKED_AT
        caps = {lane.id: lane.caps for lane in lanes}
        selection = Selection()
        for looked_at in (limit, limit + LOOKED_FURTHER):
            due = self._due(lanes, looked_at)
            if due:
                facts = self._facts(due, lanes)
                selection = select_contacts(due, facts, quotas, caps, wanted=wanted, now=self._now)
            if len(due) < looked_at or len(selection.changed) < looked_at:
                break
        return selection

    def _due(self, lanes: Sequence[OpenLane], limit: int) -> list[Contact]:
        places = {lane.id: place for place, lane in enumerate(lanes)}
        rows = due_contacts(self._database, self._connection, list(places), now=self._now, limit=limit)
        first = sorted(rows, key=lambda one: (places[one.lane_id], one.due_at, one.id))[:limit]
        return [contact_of(row) for row in first]

    def _facts(self, due: Sequence[Contact], lanes: Sequence[OpenLane]) -> dict[str, PhoneFacts]:
        phones = {phone for one in due for phone in one.phones}
        lanes_due = {one.lane_id for one in due}
        caps = (cap for lane in lanes if lane.id in lanes_due for cap in lane.caps)
        longest = max((cap.within_seconds for cap in caps), default=0.0)
        scopes: defaultdict[str, set[str]] = defaultdict(set)
        past: defaultdict[str, list[PastCall]] = defaultdict(list)
        ringing: set[str] = set()
        query = self._do_not_call_and_calls(phones, since=self._now - round(1000 * longest))
        for phone, scope, at, outcome, state in self._connection.execute(query):
            if scope is not None:
                scopes[phone].add(scope)
            else:
                past[phone].append(PastCall(at, outcome in PERHAPS_CONVERSATIONS))
                if state in LIVE:
                    ringing.add(phone)
        return {phone: PhoneFacts(frozenset(scopes[phone]), phone in ringing, tuple(past[phone])) for phone in phones}

    def _do_not_call_and_calls(self, phones: Collection[str], *, since: int) -> CompoundSelect[Any]:
        """The do-not-call entries of these numbers (a scope), and their calls since then or under way (no scope)."""
        among = self._database.among
        of_call = (attempt.c.intent_at, attempt.c.outcome, attempt.c.state)
        entries = select(do_not_call.c.phone, do_not_call.c.scope, *(_nothing_like(column) for column in of_call))
        calls = select(attempt.c.phone, _nothing_like(do_not_call.c.scope), *of_call)
        lately = or_(attempt.c.intent_at > since, IS_LIVE)
        return union_all(
            entries.where(among(do_not_call.c.phone, phones)),
            calls.where(among(attempt.c.phone, phones), attempt.c.state != AttemptState.VOID, lately),
        )

    def _intend(
        self, selection: Selection, quotas: Mapping[str, Quota], *, worker: str, lease_until: int
    ) -> list[Claim]:
        """Write what is about to be done."""
        campaigns = {campaign_id: allowed.campaign for campaign_id, allowed in quotas.items()}
        claims: list[Claim] = []
        intents: list[Attempt] = []
        for one in selection.admitted:
            owner = campaigns[one.contact.campaign_id]
            intent, taken = one.make_intent(
                uuid4().hex, owner, account=self._account, worker=worker, lease_until=lease_until, now=self._now
            )
            campaigns[owner.id] = owner.called(now=self._now)
            intents.append(intent)
            claims.append(Claim(intent.id, owner, taken, intent.n, intent.from_number))
        if intents:
            self._connection.execute(insert(attempt), [attempt_values(one) for one in intents])
        changed = [*selection.changed, *(claim.contact for claim in claims)]
        if changed:
            self._connection.execute(_CHANGE_CONTACT, [{"key": one.id, **contact_changes(one)} for one in changed])
        write_skipped_events(self._connection, selection.changed, campaigns, now=self._now)
        called = [one for one in campaigns.values() if one != quotas[one.id].campaign]
        if called:
            paces = [{"key": one.id, "tat": one.tat, "turn": one.turn} for one in called]
            self._connection.execute(_CHANGE_PACE, paces)
        return claims


def _campaigns_and_live(account: str, ids: Collection[str]) -> Select[Any]:
    """Campaigns with their calls under way, `live`, and the account's, `all_live`."""
    ours = select(func.count()).where(attempt.c.account == account, IS_LIVE)
    live = ours.where(attempt.c.campaign_id == campaign.c.id).scalar_subquery().label("live")
    all_live = ours.scalar_subquery().label("all_live")
    return select(campaign, live, all_live).where(campaign.c.id.in_(ids))


def _nothing_like(column: Column[Any]) -> ColumnElement[Any]:
    return literal_column("NULL", column.type)


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
