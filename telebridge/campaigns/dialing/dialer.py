"""Places the calls of campaigns: claims contacts ten times a second and asks Twilio for their calls.

This is a shell: it owns a loop and one task for each request to Twilio. What to do is decided in
`telebridge.campaigns.engine.dial_rules`, who may be called in the store. Any number of dialers work together.

One rule: a request for a call is sent once, while its lease lasts, and never again.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from telebridge.campaigns.dialing.call_reports import unwanted
from telebridge.campaigns.dialing.poll_loop import Rounds
from telebridge.campaigns.engine.attempt import CallReport, Receipt, Unplaced
from telebridge.campaigns.engine.campaign import Cap
from telebridge.campaigns.engine.claim import CampaignLane, Claim
from telebridge.campaigns.engine.dial_rules import (
    AttemptUrls,
    CapsOf,
    FairShare,
    Lease,
    MayRing,
    NotPlaced,
    Opening,
    OpenUntil,
    after_error,
    attempt_urls,
    call_request,
    clocks_apart,
    in_order,
)
from telebridge.campaigns.engine.outcomes import Reported
from telebridge.campaigns.engine.pacing import QUEUE_TOLERATED_MS
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import CampaignRefused, TwilioAPIError
from telebridge.logs import logger
from telebridge.metrics import ATTEMPTS, DUPLICATE_CALLS
from telebridge.twilio.calls import CallRequest
from telebridge.twilio.client import PlacedCall

log = logger(__name__)


class Calls(Protocol):
    """What a dialer needs of Twilio; `TwilioCalls` has it."""

    async def create(self, request: CallRequest) -> PlacedCall:
        """Ask for a call."""
        ...

    async def hang_up(self, sid: str) -> None:
        """End a call."""
        ...


def no_caps(_: CampaignLane) -> tuple[Cap, ...]:
    """People may be called as often as the campaign wants."""
    return ()


def nobody_waits(_: Claim) -> None:
    """Nobody wants to know of a call that rings."""


def wallclock_now() -> datetime:
    """The aware UTC instant."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class DialerOptions:
    """How a dialer works.

    Args:
        account: The Twilio account whose campaigns it dials.
        public_url: Where Twilio reaches us.
        worker: Its name, different for each process.
        tick_seconds: How often it looks for contacts.
        lanes_seconds: How old its knowledge of which lanes are open may be.
        lease_seconds: How long a claim is its own.
        needed_seconds: How much of the lease must be left when a call is asked for: longer than a request may take.
        requests: How many requests to Twilio may be under way.
        trouble_seconds: How long it waits after the database has failed.
    """

    account: str
    public_url: str
    worker: str
    tick_seconds: float = 0.1
    lanes_seconds: float = 0.5
    lease_seconds: float = 30.0
    needed_seconds: float = 12.0
    requests: int = 50
    trouble_seconds: float = 1.0


@dataclass(slots=True)
class _Openings:
    """What is open, as it was last looked up, and whether this machine's clock was right then."""

    machine_clock: Callable[[], datetime]
    until: float = float("-inf")
    found: list[Opening] = field(default_factory=list)
    apart: str = ""


class Dialer:
    """One dialing process. `run` it as a task, and `drain` it at the end.

    Args:
        store: The campaigns.
        calls: Twilio. Its time-out for a request must be shorter than `needed_seconds`.
        options: How it works.
        open_until: The calling hours.
        caps_of: The laws' bounds on calls to one number.
        placed: Told when the call of a claim was placed and rings, so that what it will say can be made ready.
        wallclock: Answers the aware UTC instant.
        machine_clock: Likewise, to be compared with the store's clock; None when that is `wallclock`. The store may
            be on another machine, and hours are looked up by this one's clock: while they differ nobody is dialled.
    """

    def __init__(
        self,
        store: CampaignStore,
        calls: Calls,
        options: DialerOptions,
        *,
        open_until: OpenUntil,
        caps_of: CapsOf = no_caps,
        placed: Callable[[Claim], None] = nobody_waits,
        wallclock: Callable[[], datetime] = wallclock_now,
        machine_clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._store = store
        self._calls = calls
        self._options = options
        self._rounds = Rounds(every_seconds=options.tick_seconds, trouble_seconds=options.trouble_seconds)
        self._open_until = open_until
        self._caps_of = caps_of
        self._on_placed = placed
        self._wallclock = wallclock
        self._openings = _Openings(machine_clock or wallclock)
        self._share = FairShare()
        self._placing: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look at once: a campaign was started or resumed, or a call has ended."""
        self._openings.until = float("-inf")
        self._rounds.wake()

    async def run(self) -> None:
        """Dial until `drain` is called; a database that fails is waited for."""
        await self._rounds.run(self.dial_once, failed="dialling failed", worker=self._options.worker)

    async def drain(self) -> None:
        """Claim nothing more, and wait for Twilio's answers to what was asked."""
        self._rounds.drain()
        while self._placing:
            await asyncio.wait(self._placing)

    async def dial_once(self) -> int:
        """Claim what may be dialled now and ask for those calls; answers how many."""
        loop = asyncio.get_running_loop()
        wanted = self._options.requests - len(self._placing)
        if self._rounds.draining or wanted <= 0:
            return 0
        lanes = in_order(
            await self._open(),
            self._share,
            self._caps_of,
            wallclock=self._wallclock(),
            request_seconds=self._options.needed_seconds,
        )
        if not lanes:
            return 0
        lease = Lease(loop.time(), self._wallclock(), self._options.lease_seconds)
        claims = await self._store.claims.claim(
            self._options.account,
            lanes,
            worker=self._options.worker,
            wanted=wanted,
            lease_seconds=self._options.lease_seconds,
        )
        for claim in claims:
            self._share.count(claim.campaign)
            self._begin(self._place(claim, lease))
        return len(claims)

    async def _open(self) -> list[Opening]:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._openings.until:
            lanes = await self._store.campaigns.lanes(self._options.account)
            self._share.keep(lane.campaign.id for lane in lanes)
            wallclock = self._wallclock()
            found = [(lane, self._open_until(lane, wallclock)) for lane in lanes]
            apart = await self._clocks_apart() if lanes else ""
            self._openings.found = [Opening(lane, until) for lane, until in found if until is not None and not apart]
            self._openings.until = loop.time() + self._options.lanes_seconds
        return self._openings.found

    async def _clocks_apart(self) -> str:
        apart = clocks_apart(self._openings.machine_clock(), await self._store.campaigns.now())
        if bool(apart) != bool(self._openings.apart):
            log.error("nobody is dialled", reason=apart) if apart else log.info("the clocks agree again")
        self._openings.apart = apart
        return apart

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._placing.add(task)
        task.add_done_callback(self._placing.discard)

    async def _place(self, claim: Claim, lease: Lease) -> None:
        """The whole of one attempt, from its intent to Twilio's answer."""
        try:
            late = self._too_late(claim, lease)
            if late:
                await self._void(claim, NotPlaced(Unplaced.AGAIN), late)
                return
            placed = await self._calls.create(call_request(claim, self._urls(claim)))
        except TwilioAPIError as error:
            await self._answered_with(claim, error)
        except Exception:  # the intent is written: rescue finds out what became of it
            log.exception("an attempt was left to rescue", attempt=claim.attempt_id)
        else:
            await self._placed(claim, placed)

    def _too_late(self, claim: Claim, lease: Lease) -> str:
        """Why a claim must not be dialled any more; empty when it may."""
        now, wallclock = asyncio.get_running_loop().time(), self._wallclock()
        if not lease.allows(self._options.needed_seconds, now=now, wallclock=wallclock):
            return "its lease had run out"
        opening = next((one for one in self._openings.found if one.lane.id == claim.contact.lane_id), None)
        until = None if opening is None else self._open_until(opening.lane, wallclock)
        if opening is None or until is None:
            return "its lane was closed meanwhile"
        rings_out = replace(opening, closes_at=until).leaves_time(self._options.needed_seconds, wallclock=wallclock)
        return "" if rings_out else "it would ring after its lane has closed"

    def _urls(self, claim: Claim) -> AttemptUrls:
        return attempt_urls(self._options.public_url, claim)

    async def _placed(self, claim: Claim, placed: PlacedCall) -> None:
        ATTEMPTS.labels("placed").inc()
        self._on_placed(claim)
        try:
            receipt = await self._store.attempts.report(claim.attempt_id, CallReport(placed.sid, placed.status))
            if receipt is Receipt.NOT_OURS:
                DUPLICATE_CALLS.inc()
                log.error(
                    "an attempt has two calls; the second is ended", call_sid=placed.sid, attempt=claim.attempt_id
                )
                await self._calls.hang_up(placed.sid)
            else:
                await self._end_if_unwanted(claim, placed)
            if placed.queue_ms is not None and placed.queue_ms > QUEUE_TOLERATED_MS:
                log.warning("Twilio queues calls: calls per second are set too high", queue_ms=placed.queue_ms)
                await self._store.claims.wait_out_queue(self._options.account, placed.queue_ms)
        except Exception:  # callbacks or rescue tell the store of the call
            log.exception("a placed call could not be kept", call_sid=placed.sid, attempt=claim.attempt_id)

    async def _end_if_unwanted(self, claim: Claim, placed: PlacedCall) -> None:
        """While Twilio was asked the call had no name: whoever cancelled the campaign then could not end it."""
        why = await unwanted(self._store, claim.campaign.id, claim.contact.phone)
        if why:
            log.info("a call is ended before it is answered", call_sid=placed.sid, attempt=claim.attempt_id, why=why)
            ended = CallReport(placed.sid, placed.status, reported=Reported.ENDED)
            await self._store.attempts.report(claim.attempt_id, ended)
            await self._calls.hang_up(placed.sid)

    async def _answered_with(self, claim: Claim, error: TwilioAPIError) -> None:
        verdict = after_error(error)
        try:
            if isinstance(verdict, MayRing):
                ATTEMPTS.labels("unknown").inc()
                log.warning("nobody knows whether a call was placed", attempt=claim.attempt_id, error=str(error))
                return
            await self._void(claim, verdict, str(error))
        except Exception:  # the intent is left to rescue, which finds no call
            log.exception("a refused call could not be kept", attempt=claim.attempt_id)

    async def _void(self, claim: Claim, verdict: NotPlaced, error: str) -> None:
        ATTEMPTS.labels("not_placed").inc()
        log.info("a call was not placed", attempt=claim.attempt_id, error=error)
        if verdict.back_off:
            await self._store.claims.back_off(self._options.account, jitter=random.random())  # noqa: S311 - no secret
        if verdict.stop:
            with suppress(CampaignRefused):  # it stopped already
                await self._store.campaigns.change(claim.campaign.id, CampaignInput.PAUSE, reason=verdict.stop)
        await self._store.attempts.not_placed(claim.attempt_id, verdict.why, error=error)
