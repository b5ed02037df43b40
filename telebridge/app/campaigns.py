"""The campaigns of one process: composes their store, Twilio, the dialer and what runs beside it, and the calls.

One rule: a process receives reports on campaigns' calls whether it dials or not.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from telebridge.app.twilio import open_twilio
from telebridge.call.store.table import CALL
from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import CallingRules
from telebridge.campaigns.dialing.call_reports import AttemptReports
from telebridge.campaigns.dialing.dialer import (
    Dialer,
    DialerOptions,
)
from telebridge.campaigns.dialing.heartbeat import send_heartbeats
from telebridge.campaigns.dialing.opt_out_files import OptOutFiles
from telebridge.campaigns.dialing.reconciler import Reconciler, ReconcilerOptions
from telebridge.campaigns.dialing.retention import keep_retention_time
from telebridge.campaigns.dialing.webhook_sender import WebhookSender
from telebridge.campaigns.engine.claim import Claim
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import LIVE, AttemptState
from telebridge.campaigns.recovery.records import RecoveryRecords
from telebridge.campaigns.recovery.recovery import Recovered, Recovery
from telebridge.campaigns.reporting.view import CampaignView, view_campaign
from telebridge.campaigns.store.by_number import in_parts
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.database.database import Database, database_of
from telebridge.database.engine import DatabaseEngine
from telebridge.logs import logger
from telebridge.server.twilio.campaign_calls import CampaignCalls
from telebridge.settings.sections import TwilioSettings
from telebridge.settings.settings import Settings
from telebridge.timing.epoch import Clock, wallclock_now
from telebridge.twilio.client import TwilioCalls

log = logger(__name__)

RINGING = frozenset({AttemptState.INTENT, AttemptState.PLACED})
LOOK_SECONDS = 0.5
FINAL_REPORTS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """Clocks and law of the campaigns; other ones are for demonstrations and tests.

    Args:
        wallclock: Returns the aware UTC instant by which calling hours are looked up.
        store: Returns the epoch milliseconds by which contacts are due; None for the database's clock.
        rules: The law; None for the one that telebridge ships.
    """

    wallclock: Callable[[], datetime] = wallclock_now
    store: Clock | None = None
    rules: CallingRules | None = None


@dataclass(slots=True)
class _Dialing:
    """What runs while a process dials."""

    dialer: Dialer
    heartbeat: asyncio.Task[None]
    webhooks: WebhookSender
    recovered: asyncio.Task[Recovered]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Campaigning:
    """One process's campaigns: usable inside `async with`, once the database is migrated.

    Args:
        settings: Of this process.
        engine: The database; its owner disposes of it.
        clocks: Other clocks than the system's.

    Attributes:
        store: The campaigns.
        calls: Connects the calls of this process with the campaigns.
        law: When and how often people may be called.
        wallclock: Returns the aware UTC instant by which hours are looked up.
        worker: This process's name among those that dial.
        on_placed: Called with the claim of every call that was placed; None for no-op.
    """

    def __init__(self, settings: Settings, engine: DatabaseEngine, clocks: Clocks | None = None) -> None:
        self._settings = settings
        self._clocks = clocks = clocks or Clocks()
        self._twilio: TwilioCalls | None = None
        self._dialing: _Dialing | None = None
        self._draining = False
        self._database = database_of(engine, clocks.store)
        self.store = sql_campaign_store(engine, clocks.store)
        self.law = CallingLaw(clocks.rules)
        self.wallclock = clocks.wallclock
        self._reports = AttemptReports(self.store)
        opt_outs = OptOutFiles(settings.state_dir / "opt-outs")
        self.calls = CampaignCalls(self.store, self._reports, opt_outs, clocks.wallclock)
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
        self.on_placed: Callable[[Claim], None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Write what an earlier process has left, and begin to dial if this process does.

        Raises:
            SQLAlchemyError, OSError: The database is away; it may be called again.
        """
        if self._twilio is None and may_ask_twilio(self._settings.twilio):  # whether it dials or not, it ends calls
            self._twilio = self._reports.twilio = open_twilio(self._settings.twilio)
        await self.calls.take_up()
        if why := not_dialling(self._settings):
            log.info("campaigns are not dialled by this process", reason=why)
        elif self._twilio is not None and not self._draining:
            await self._dial(self._twilio)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop what runs. Who cancels it cuts that short; what was under way is done by another process, or later."""
        try:
            await asyncio.gather(self._stop_dialing(), self.calls.aclose())
        finally:
            if self._twilio is not None:
                await self._twilio.aclose()

    async def _stop_dialing(self) -> None:
        if self._dialing is None:
            return
        await asyncio.gather(self._dialing.dialer.drain(), self._dialing.webhooks.drain())
        tasks = [*self._dialing.tasks, self._dialing.recovered]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self, campaign_id: str) -> CampaignView:
        """Return the state of a campaign.

        Raises:
            CampaignRefused: There is no such campaign.
        """
        return await view_campaign(
            self.store, campaign_id, self.law.open_until, wallclock=self.wallclock(), opens_at=self.law.opens_at
        )

    async def end_calls(self, campaign_id: str) -> int:
        """End the live calls of a campaign; returns how many hang-ups Twilio has accepted."""
        if self._twilio is None:
            return 0
        reconciler = Reconciler(self.store, self._twilio, ReconcilerOptions(self.worker))
        return await reconciler.end_calls(campaign_id, answered_too=True)

    async def drain(self, *, seconds: float) -> None:
        """Stop dialing, and wait until no call of this process rings any more.

        Args:
            seconds: Wait at most so long.
        """
        self._draining = True
        if self._dialing is None:
            return
        self._dialing.heartbeat.cancel()
        await self._dialing.dialer.drain()
        if not await self._none_within(seconds, RINGING):
            log.warning("calls still ring at the end of draining")

    async def wait_for_final_reports(self, *, seconds: float = FINAL_REPORTS_SECONDS) -> None:
        """Wait for the final reports on calls of this process; the reconciler asks for lost ones.

        Args:
            seconds: Wait at most so long, and never longer than `FINAL_REPORTS_SECONDS`.
        """
        if self._dialing is not None:
            await self._none_within(min(seconds, FINAL_REPORTS_SECONDS), LIVE)

    async def _none_within(self, seconds: float, states: frozenset[AttemptState]) -> bool:
        """Wait until no attempt of this process is in these states; returns False when that took too long."""
        try:
            async with asyncio.timeout(seconds):
                while await self._some_in(states):  # noqa: ASYNC110 - other processes receive the reports, too
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _some_in(self, states: frozenset[AttemptState]) -> bool:
        """Whether a call of this process is in one of these states; also when the database gives no answer."""
        try:
            for campaign in await self.store.campaigns.all():
                for attempt in await self.store.attempts.live(campaign.id):
                    if attempt.worker == self.worker and attempt.state in states:
                        return True
        except (SQLAlchemyError, OSError) as error:
            log.warning("it is unknown which calls ring: the database is away", error=str(error))
            return True
        return False

    def _has_room(self) -> bool:
        return self.calls.live is None or not self.calls.live.overloaded

    def _placed(self, claim: Claim) -> None:
        if self.on_placed is not None:
            self.on_placed(claim)

    async def _dial(self, twilio: TwilioCalls) -> None:
        settings = self._settings
        account, limits = settings.twilio.account_sid, settings.campaigns
        pacing = Pacing(limits.calls_per_second, limits.max_live, limits.reserved)
        await self.store.claims.set_pacing(account, pacing)
        dialer = Dialer(
            self.store,
            twilio,
            DialerOptions(account, settings.public_url, self.worker),
            open_until=self.law.open_until,
            caps_of=self.law.caps_of,
            on_placed=self._placed,
            wallclock=self._clocks.wallclock,
            machine_clock=wallclock_now if self._clocks.store is None else self._clocks.wallclock,
        )
        self._reports.on_call_ended = dialer.wake
        dialer.has_room = self._has_room
        reconciler = Reconciler(self.store, twilio, ReconcilerOptions(self.worker))
        webhooks = WebhookSender(self.store.outbox)
        recovered = asyncio.create_task(recovery_of(self._database, self.store, twilio, account).run())
        heartbeat = partial(send_heartbeats, self.store.leases, account, self.worker)
        waiting = (_after(recovered, work) for work in (heartbeat, dialer.run, reconciler.run))
        retention = keep_retention_time(
            self.store, self.worker, keep_days=limits.keep_attempts_days, wallclock=self._clocks.wallclock
        )
        tasks = [asyncio.create_task(work) for work in (*waiting, webhooks.run(), retention)]
        self._dialing = _Dialing(dialer, tasks[0], webhooks, recovered, tasks)
        log.info("campaigns are dialled", worker=self.worker, account=account)


async def _after(recovered: "asyncio.Task[Recovered]", work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do what must not be done with a restored database before its lost calls are made up for."""
    await asyncio.shield(recovered)
    await work()


def recovery_of(database: Database, store: CampaignStore, twilio: TwilioCalls, account: str) -> Recovery:
    """Return what makes up for the calls that a restored database has lost."""

    async def known(call_sids: Collection[str]) -> set[str]:
        """The calls that are recorded, among them those that were placed by hand."""
        found: set[str] = set()
        for some in in_parts([*call_sids]):
            recorded = select(CALL.c.call_sid).where(database.among(CALL.c.call_sid, some))
            found.update(row.call_sid for row in await database.rows(recorded))
        return found

    return Recovery(store, RecoveryRecords(database), twilio, account, known)


def not_dialling(settings: Settings) -> str:
    """Why a process with these settings does not dial; empty when it does."""
    if not settings.campaigns.dial:
        return "campaigns.dial is off"
    if not may_ask_twilio(settings.twilio):
        return "the Twilio account is not set"
    return "" if settings.public_url else "public_url is not set"


def may_ask_twilio(settings: TwilioSettings) -> bool:
    """Whether the account and its credentials are set."""
    password = settings.api_key_secret if settings.api_key_sid else settings.auth_token
    return bool(settings.account_sid and password)
