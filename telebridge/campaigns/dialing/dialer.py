"""Places the calls of campaigns: claims contacts ten times a second and requests their calls from Twilio.

This is a shell: it owns a poll loop and one task for each request to Twilio. `telebridge.campaigns.engine.dial_rules`
decides what to dial, the store decides who may be called. Any number of dialers work together.

One rule: a call is requested once, while the lease of its claim lasts, and never again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from telebridge.campaigns.dialing.call_reports import why_unwanted
from telebridge.campaigns.dialing.poll_loop import PollLoop
from telebridge.campaigns.dialing.refused_calls import RefusedCalls
from telebridge.campaigns.engine.attempt import CallReport, NotPlacedReason, Receipt
from telebridge.campaigns.engine.campaign import Cap
from telebridge.campaigns.engine.claim import CampaignLane, Claim
from telebridge.campaigns.engine.dial_rules import (
    CapsOf,
    FairShare,
    Lease,
    NotPlaced,
    Opening,
    OpenUntil,
    OutcomeUnknown,
    after_error,
    call_request,
    clock_skew,
    dialing_order,
)
from telebridge.campaigns.engine.outcomes import Reported
from telebridge.campaigns.engine.pacing import QUEUE_TOLERATED_MS
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import TwilioAPIError
from telebridge.logs import logger
from telebridge.metrics import ATTEMPTS, DUPLICATE_CALLS
from telebridge.tasks import Tasks
from telebridge.timing.epoch import wallclock_now
from telebridge.twilio.client import CallResource, TwilioCalls

log = logger(__name__)

MAX_REQUESTS = 50
"""So many requests to Twilio may be under way at once."""


def no_caps(_: CampaignLane) -> tuple[Cap, ...]:
    """Return no bounds on calls to one number."""
    return ()


@dataclass(frozen=True, slots=True)
class DialerOptions:
    """How a dialer works.

    Args:
        account: The Twilio account whose campaigns it dials.
        public_url: Where Twilio reaches us.
        worker: The name of this dialer, different for each process.
        tick_seconds: How often it claims contacts.
        lanes_seconds: For how long it uses a list of open lanes before it reads it anew.
        lease_seconds: How long a claim is its own.
        needed_seconds: How much of the lease must be left when a call is requested: longer than a request may take.
        trouble_seconds: How long it waits after the database has failed.
    """

    account: str
    public_url: str
    worker: str
    tick_seconds: float = 0.1
    lanes_seconds: float = 0.5
    lease_seconds: float = 30.0
    needed_seconds: float = 12.0
    trouble_seconds: float = 1.0


@dataclass(slots=True)
class _Openings:
    """The open lanes as they were last read, and the clock skew that was found then."""

    machine_clock: Callable[[], datetime]
    until: float = float("-inf")
    found: list[Opening] = field(default_factory=list)
    skew: str = ""


class Dialer:
    """One dialing process. `run` it as a task, and `drain` it at the end.

    Args:
        store: The campaigns.
        twilio: Its time-out for a request must be shorter than `needed_seconds`.
        options: How it works.
        open_until: The calling hours.
        caps_of: The laws' bounds on calls to one number.
        on_placed: Called when the call of a claim was placed, so that its first prompt can be prepared; None for no-op.
        wallclock: Returns the aware UTC instant.
        machine_clock: Returns this machine's aware UTC instant, to be compared with the store's clock; None when that
            is `wallclock`. The store may be on another machine, and hours are looked up by this machine's clock: while
            the two clocks differ no call is placed.

    Attributes:
        requests: The requests to Twilio that are under way.
        has_room: Whether this process has room for further calls; while it has none, nothing is claimed.
    """

    def __init__(
        self,
        store: CampaignStore,
        twilio: TwilioCalls,
        options: DialerOptions,
        *,
        open_until: OpenUntil,
        caps_of: CapsOf = no_caps,
        on_placed: Callable[[Claim], None] | None = None,
        wallclock: Callable[[], datetime] = wallclock_now,
        machine_clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._store = store
        self._twilio = twilio
        self._options = options
        self._loop = PollLoop(every_seconds=options.tick_seconds, trouble_seconds=options.trouble_seconds)
        self._open_until = open_until
        self._caps_of = caps_of
        self._on_placed = on_placed
        self._wallclock = wallclock
        self._openings = _Openings(machine_clock or wallclock)
        self._share = FairShare()
        self._refusals = RefusedCalls(store, options.account)
        self.requests = Tasks("place a call")
        self.has_room: Callable[[], bool] = lambda: True

    def wake(self) -> None:
        """Claim at once: a campaign was started or resumed, or a call has ended."""
        self._openings.until = float("-inf")
        self._loop.wake()

    async def run(self) -> None:
        """Dial until `drain` is called; after a failure of the database, wait and go on."""
        await self._loop.run(self.dial_once, failed="dialling failed", worker=self._options.worker)

    async def drain(self) -> None:
        """Claim nothing more, and wait for Twilio's answers to the requests under way."""
        self._loop.drain()
        while not await self.requests.wait():  # a claim that was under way has begun further requests
            pass

    async def dial_once(self) -> int:
        """Claim what may be dialled now and request those calls; returns how many."""
        loop = asyncio.get_running_loop()
        wanted = MAX_REQUESTS - len(self.requests)
        if self._loop.draining or wanted <= 0 or not self.has_room():
            return 0
        lanes = dialing_order(
            [opening for opening in await self._open() if self._refusals.may_call(opening.lane)],
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
            self._share.count_call(claim.campaign)
            _ = self.requests.start(self._place(claim, lease))
        return len(claims)

    async def _open(self) -> list[Opening]:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._openings.until:
            lanes = await self._store.campaigns.lanes(self._options.account)
            self._share.retain(lane.campaign.id for lane in lanes)
            wallclock = self._wallclock()
            found = [(lane, self._open_until(lane, wallclock)) for lane in lanes]
            skew = await self._clock_skew() if lanes else ""
            self._openings.found = [Opening(lane, until) for lane, until in found if until is not None and not skew]
            self._openings.until = loop.time() + self._options.lanes_seconds
        return self._openings.found

    async def _clock_skew(self) -> str:
        skew = clock_skew(self._openings.machine_clock(), await self._store.campaigns.now())
        if bool(skew) != bool(self._openings.skew):
            log.error("nobody is dialled", reason=skew) if skew else log.info("the clocks agree again")
        self._openings.skew = skew
        return skew

    async def _place(self, claim: Claim, lease: Lease) -> None:
        """Carry out one attempt, from its intent to Twilio's answer."""
        try:
            late = self._too_late(claim, lease)
            if late:
                await self._refusals.not_placed(claim, NotPlaced(NotPlacedReason.AGAIN), late)
                return
            placed = await self._twilio.create(call_request(claim, self._options.public_url))
        except TwilioAPIError as error:
            await self._answered_with(claim, error)
        except Exception:  # the intent is written: the reconciler finds out what became of it
            log.exception("an attempt was left to the reconciler", attempt=claim.attempt_id)
        else:
            await self._placed(claim, placed)

    def _too_late(self, claim: Claim, lease: Lease) -> str:
        """Return why a claim must not be dialled any more; empty when it may."""
        now, wallclock = asyncio.get_running_loop().time(), self._wallclock()
        if not lease.allows(self._options.needed_seconds, now=now, wallclock=wallclock):
            return "its lease had run out"
        opening = next((one for one in self._openings.found if one.lane.id == claim.contact.lane_id), None)
        until = None if opening is None else self._open_until(opening.lane, wallclock)
        if opening is None or until is None:
            return "its lane was closed meanwhile"
        rings_out = replace(opening, closes_at=until).leaves_time(self._options.needed_seconds, wallclock=wallclock)
        return "" if rings_out else "it would ring after its lane has closed"

    async def _placed(self, claim: Claim, placed: CallResource) -> None:
        ATTEMPTS.labels("placed").inc()
        self._refusals.placed(claim)
        if self._on_placed is not None:
            self._on_placed(claim)
        try:
            receipt = await self._store.attempts.report(claim.attempt_id, CallReport(placed.sid, placed.status))
            if receipt is Receipt.MISMATCH:
                DUPLICATE_CALLS.inc()
                log.error(
                    "an attempt has two calls; the second is ended", call_sid=placed.sid, attempt=claim.attempt_id
                )
                await self._twilio.hang_up(placed.sid)
            else:
                await self._end_if_unwanted(claim, placed)
            if placed.queue_ms is not None and placed.queue_ms > QUEUE_TOLERATED_MS:
                log.warning("Twilio queues calls: calls per second are set too high", queue_ms=placed.queue_ms)
                await self._store.claims.wait_out_queue(self._options.account, placed.queue_ms)
        except Exception:  # callbacks or the reconciler write the call to the store
            log.exception("a placed call could not be kept", call_sid=placed.sid, attempt=claim.attempt_id)

    async def _end_if_unwanted(self, claim: Claim, placed: CallResource) -> None:
        """End a call whose campaign was cancelled during the request, when nobody knew its SID."""
        why = await why_unwanted(self._store, claim.campaign.id, claim.contact.phones)
        if why:
            log.info("a call is ended before it is answered", call_sid=placed.sid, attempt=claim.attempt_id, why=why)
            ended = CallReport(placed.sid, placed.status, reported=Reported.ENDED)
            await self._store.attempts.report(claim.attempt_id, ended)
            await self._twilio.hang_up(placed.sid)

    async def _answered_with(self, claim: Claim, error: TwilioAPIError) -> None:
        verdict = after_error(error)
        try:
            if isinstance(verdict, OutcomeUnknown):
                ATTEMPTS.labels("unknown").inc()
                log.warning("it is unknown whether a call was placed", attempt=claim.attempt_id, error=str(error))
                return
            await self._refusals.not_placed(claim, verdict, str(error))
        except Exception:  # the intent is left to the reconciler, which finds no call
            log.exception("a refused call could not be kept", attempt=claim.attempt_id)
