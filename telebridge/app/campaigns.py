"""The campaigns of one process, put together: their store, Twilio, what runs beside, and what calls ask of them.

One rule: whether a process dials or not, it takes every report on campaigns' calls that comes to it.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from telebridge.app.twilio import open_twilio
from telebridge.campaigns.calling_hours.lane_hours import CallingLaw
from telebridge.campaigns.calling_hours.law import CallingRules, calling_rules
from telebridge.campaigns.dialing.call_reports import AttemptReports, HangUp
from telebridge.campaigns.dialing.dialer import (
    Dialer,
    DialerOptions,
    nobody_waits,
    wallclock_now,
)
from telebridge.campaigns.dialing.heartbeat import keep_telling
from telebridge.campaigns.dialing.opt_out_files import OptOutFiles
from telebridge.campaigns.dialing.reconciler import Rescue, RescueOptions
from telebridge.campaigns.dialing.webhook_sender import Webhooks
from telebridge.campaigns.engine.claim import CampaignLane, Claim
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import LIVE, AttemptState
from telebridge.campaigns.reporting.view import CampaignView, look
from telebridge.campaigns.store.sql_store import SqlCampaignStore
from telebridge.epoch import Clock
from telebridge.logs import logger
from telebridge.server.twilio.campaign_calls import CampaignCalls
from telebridge.settings import Settings, TwilioSettings
from telebridge.twilio.client import TwilioCalls

log = logger(__name__)

RINGING = frozenset({AttemptState.INTENT, AttemptState.PLACED})
LOOK_SECONDS = 0.5
SETTLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """Other clocks than the world's, for demonstrations and tests.

    Args:
        wallclock: By which calling hours are looked up.
        store: Epoch milliseconds by which contacts are due; None for the database's.
        rules: The law; None for the one that telebridge ships.
    """

    wallclock: Callable[[], datetime] = wallclock_now
    store: Clock | None = None
    rules: CallingRules | None = None


@dataclass(slots=True)
class _Dialling:
    """What runs while a process dials."""

    dialer: Dialer
    telling: asyncio.Task[None]
    webhooks: Webhooks
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Campaigning(HangUp):
    """One process's campaigns: usable inside `async with`, once the database is migrated.

    Args:
        settings: What their owner wants.
        engine: The database; its owner disposes of it.
        clocks: Others than the world's.

    Attributes:
        store: The campaigns.
        calls: What live calls ask and tell.
        worker: This process's name among those that dial.
        on_placed: Told of every call that was placed and rings.
    """

    def __init__(self, settings: Settings, engine: AsyncEngine, clocks: Clocks | None = None) -> None:
        self._settings = settings
        self._clocks = clocks or Clocks()
        self._twilio: TwilioCalls | None = None
        self._dialling: _Dialling | None = None
        self.store = SqlCampaignStore(engine, self._clocks.store)
        reports = AttemptReports(self.store, self, self.wake)
        opt_outs = OptOutFiles(settings.state_dir / "opt-outs")
        self.calls = CampaignCalls(self.store, reports, opt_outs, self._clocks.wallclock)
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"
        self.on_placed: Callable[[Claim], None] = nobody_waits

    async def __aenter__(self) -> Self:
        if may_ask_twilio(self._settings.twilio):  # whether it dials or not, it ends calls
            self._twilio = open_twilio(self._settings.twilio)
        await self.calls.take_up()
        if why := not_dialling(self._settings):
            log.info("campaigns are not dialled by this process", reason=why)
            return self
        if self._twilio is not None:
            await self._dial(self._twilio)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._dialling is not None:
            await self._dialling.dialer.drain()
            for task in self._dialling.tasks:
                task.cancel()
            await asyncio.gather(*self._dialling.tasks, return_exceptions=True)
            await self._dialling.webhooks.drain()
        await self.calls.aclose()
        if self._twilio is not None:
            await self._twilio.aclose()

    @override
    async def hang_up(self, sid: str) -> None:
        if self._twilio is None:
            log.warning("a call cannot be ended: the Twilio account is not set", call_sid=sid)
            return
        await self._twilio.hang_up(sid)

    def wake(self) -> None:
        """A call has ended: another may be placed at once."""
        if self._dialling is not None:
            self._dialling.dialer.wake()

    @cached_property
    def law(self) -> CallingLaw:
        """When and how often people may be called; the first look takes a third of a second."""
        return CallingLaw(self._clocks.rules or calling_rules())

    def open_until(self, lane: CampaignLane, wallclock: datetime) -> datetime | None:
        """Until when everybody in a lane may be called; None while they may not."""
        return self.law.open_until(lane, wallclock)

    def wallclock(self) -> datetime:
        """The aware UTC instant by which hours are looked up."""
        return self._clocks.wallclock()

    async def look(self, campaign_id: str) -> CampaignView:
        """How a campaign stands now.

        Raises:
            CampaignRefused: There is no such campaign.
        """
        return await look(self.store, campaign_id, self.open_until, wallclock=self.wallclock())

    async def end_calls(self, campaign_id: str) -> int:
        """End the live calls of a campaign; answers how many were told to."""
        if self._twilio is None:
            return 0
        rescue = Rescue(self.store, self._twilio, RescueOptions(self.worker))
        return await rescue.end_calls(campaign_id, answered_too=True)

    async def drain(self, *, seconds: float) -> None:
        """Dial nothing more, and wait until nothing that this process dialled still rings."""
        if self._dialling is None:
            return
        self._dialling.telling.cancel()
        await self._dialling.dialer.drain()
        if not await self._none_within(seconds, RINGING):
            log.warning("calls still ring at the end of draining")

    async def settle(self) -> None:
        """Wait for Twilio's last word on calls that have ended, but not for long: rescue learns it as well."""
        if self._dialling is not None:
            await self._none_within(SETTLE_SECONDS, LIVE)

    async def _none_within(self, seconds: float, states: frozenset[AttemptState]) -> bool:
        """Wait until none of this process's attempts is in these states; False when that took too long."""
        try:
            async with asyncio.timeout(seconds):
                while await self._some_in(states):  # noqa: ASYNC110 - other processes take the reports, too
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _some_in(self, states: frozenset[AttemptState]) -> bool:
        for campaign in await self.store.campaigns.all():
            for attempt in await self.store.attempts.live(campaign.id):
                if attempt.worker == self.worker and attempt.state in states:
                    return True
        return False

    async def _dial(self, twilio: TwilioCalls) -> None:
        settings = self._settings
        law = self.law
        account, limits = settings.twilio.account_sid, settings.campaigns
        pacing = Pacing(limits.calls_per_second, limits.max_live, limits.reserved)
        await self.store.claims.set_pacing(account, pacing)
        dialer = Dialer(
            self.store,
            twilio,
            DialerOptions(account, settings.public_url, self.worker),
            open_until=law.open_until,
            caps_of=law.caps_of,
            placed=lambda claim: self.on_placed(claim),
            wallclock=self._clocks.wallclock,
            machine_clock=wallclock_now if self._clocks.store is None else self._clocks.wallclock,
        )
        rescue = Rescue(self.store, twilio, RescueOptions(self.worker))
        webhooks = Webhooks(self.store.outbox)
        telling = keep_telling(self.store.leases, account, self.worker)
        tasks = [asyncio.create_task(work) for work in (telling, dialer.run(), rescue.run(), webhooks.run())]
        self._dialling = _Dialling(dialer, tasks[0], webhooks, tasks)
        log.info("campaigns are dialled", worker=self.worker, account=account)


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
