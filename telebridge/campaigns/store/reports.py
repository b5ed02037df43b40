"""Looking at campaigns in an SQL database; see `ReportRecords` for what is promised."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, func, or_, select, tuple_
from typing_extensions import override

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Contact, Lane
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.pacing import Backoff, Pacing, rate_limited_until
from telebridge.campaigns.engine.states import AttemptState, ContactState
from telebridge.campaigns.engine.transitions import TALK_OVERDUE_MS
from telebridge.campaigns.store.dialects import variable_names
from telebridge.campaigns.store.protocols import (
    DIALING,
    DialingNow,
    Progress,
    ReportRecords,
    WaitingLane,
    dialing_task,
)
from telebridge.campaigns.store.tables import (
    IS_READY,
    attempt,
    attempt_of,
    contact,
    contact_of,
    lane,
    lane_of,
    pacer,
    task_lease,
)
from telebridge.database.database import Database

PAGE = 500
DAY_MS = 86_400_000
OVER = (ContactState.DONE, ContactState.SKIPPED)


class SqlReports(ReportRecords):
    """Looking at a campaign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @override
    async def progress(self, campaign_id: str) -> Progress:
        contacts = select(contact.c.state, contact.c.outcome, func.count()).where(contact.c.campaign_id == campaign_id)
        attempts = select(attempt.c.state, func.count()).where(attempt.c.campaign_id == campaign_id)
        states: Counter[str] = Counter()
        outcomes: Counter[str] = Counter()
        grouped, tried = await self._database.read(
            lambda connection: (
                connection.execute(contacts.group_by(contact.c.state, contact.c.outcome)).all(),
                connection.execute(attempts.group_by(attempt.c.state)).all(),
            )
        )
        for state, outcome, count in grouped:
            states[state.value] += count
            if state in OVER:
                outcomes[outcome] += count
        return Progress(dict(states), dict(outcomes), {state.value: count for state, count in tried})

    @override
    async def waiting(self, campaign_id: str) -> list[WaitingLane]:
        def work(
            connection: Connection,
        ) -> tuple[Sequence[Row[int, int, str, int, int]], Sequence[Row[*tuple[Any, ...]]]]:
            now = self._database.now(connection)
            is_due = case((contact.c.due_at <= now, 1), else_=0)
            query = select(lane.c.id, is_due, contact.c.held, func.count(), func.min(contact.c.due_at))
            query = query.select_from(lane.join(contact, contact.c.lane_id == lane.c.id))
            query = query.where(lane.c.campaign_id == campaign_id, IS_READY)
            groups = query.group_by(lane.c.id, is_due, contact.c.held)
            lanes = select(lane).where(lane.c.campaign_id == campaign_id)
            return connection.execute(groups).all(), connection.execute(lanes).all()

        groups, rows = await self._database.read(work)
        due: Counter[int] = Counter()
        later: defaultdict[int, Counter[str]] = defaultdict(Counter)
        first: dict[int, int] = {}
        for lane_id, is_now, held, count, at in groups:
            if is_now:
                due[lane_id] += count
            else:
                later[lane_id][held] += count
                first[lane_id] = min(at, first.get(lane_id, at))
        return [
            WaitingLane(row.id, lane_of(row.zones, row.region), due[row.id], dict(later[row.id]), first.get(row.id))
            for row in rows
            if due[row.id] or later[row.id]
        ]

    @override
    async def dialing(self, campaign: Campaign) -> DialingNow:
        account = campaign.plan.account
        capped = [number.number for number in campaign.plan.numbers if number.daily_cap is not None]
        made = select(attempt.c.from_number, func.count()).where(attempt.c.state != AttemptState.VOID)
        made = made.where(attempt.c.from_number.in_(capped)).group_by(attempt.c.from_number)
        tasks = select(task_lease.c.name).where(task_lease.c.name.startswith(DIALING, autoescape=True))

        def work(connection: Connection) -> DialingNow:
            now = self._database.now(connection)
            names = connection.execute(tasks.where(task_lease.c.lease_until > now)).scalars().all()
            ours = sum(name.startswith(dialing_task(account, "")) for name in names)
            numbers = connection.execute(made.where(attempt.c.intent_at > now - DAY_MS)).all() if capped else []
            row = connection.execute(select(pacer).where(pacer.c.account == account)).one_or_none()
            left = campaign.plan.numbers_left(dict(numbers))
            return DialingNow(ours, len(names) - ours, None if row is None else _rate_limited_until(row, now), left)

        return await self._database.read(work)

    @override
    async def outcomes(self, campaign_id: str, *, since: int, latest: int | None = None) -> Mapping[Outcome, int]:
        def work(connection: Connection) -> Counter[Outcome]:
            overdue = self._database.now(connection) - TALK_OVERDUE_MS
            ended = select(attempt.c.outcome).where(
                attempt.c.campaign_id == campaign_id,
                attempt.c.intent_at >= since,
                or_(attempt.c.outcome.is_not(None), attempt.c.ended_at <= overdue),
            )
            last = ended.order_by(attempt.c.intent_at.desc(), attempt.c.id.desc()).limit(latest).subquery()
            counted: Counter[Outcome] = Counter()
            for outcome, count in connection.execute(select(last.c.outcome, func.count()).group_by(last.c.outcome)):
                counted[outcome or Outcome.LOST] += count
            return counted

        return await self._database.read(work)

    @override
    async def lanes(self, campaign_id: str) -> Mapping[int, Lane]:
        rows = await self._database.rows(select(lane).where(lane.c.campaign_id == campaign_id))
        return {row.id: lane_of(row.zones, row.region) for row in rows}

    @override
    async def priorities(self, campaign_id: str) -> Mapping[int, int]:
        rows = await self._database.rows(select(lane).where(lane.c.campaign_id == campaign_id))
        return {row.id: row.priority for row in rows}

    @override
    async def columns(self, campaign_id: str) -> list[str]:
        return await self._database.read(lambda connection: variable_names(self._database, connection, campaign_id))

    @override
    async def contacts(self, campaign_id: str, *, after: int = 0) -> AsyncIterator[Contact]:
        query = select(contact).where(contact.c.campaign_id == campaign_id).order_by(contact.c.id).limit(PAGE)
        while True:
            page = await self._database.rows_as(contact_of, query.where(contact.c.id > after))
            for one in page:
                yield one
            if len(page) < PAGE:
                return
            after = page[-1].id

    @override
    async def first_ready(self, campaign_id: str, count: int) -> list[Contact]:
        query = select(contact).where(contact.c.campaign_id == campaign_id, IS_READY).order_by(contact.c.id)
        return await self._database.rows_as(contact_of, query.limit(count))

    @override
    async def attempts(self, campaign_id: str) -> AsyncIterator[Attempt]:
        place = tuple_(attempt.c.contact_id, attempt.c.n)
        query = select(attempt).where(attempt.c.campaign_id == campaign_id)
        query = query.order_by(attempt.c.contact_id, attempt.c.n).limit(PAGE)
        after = (0, 0)
        while True:
            page = await self._database.rows_as(attempt_of, query.where(place > after))
            for one in page:
                yield one
            if len(page) < PAGE:
                return
            after = (page[-1].contact_id, page[-1].n)


def _rate_limited_until(row: Row[*tuple[Any, ...]], now: int) -> int | None:
    pacing = Pacing(row.calls_per_second, row.max_live, row.reserved)
    return rate_limited_until(pacing, Backoff(row.backoff_until, row.backoff_step), row.tat, now=now)
