"""Records calls that were not placed, and what follows for their campaign, their country and the account.

This is a shell around `telebridge.campaigns.engine.refusals`.

One rule: a campaign that may call nobody is paused with Twilio's words as the reason; a country that may not be called
holds back its own contacts alone.
"""

import asyncio
import random

from telebridge.campaigns.dialing.breaker_watch import BreakerWatch, pause_campaign
from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.claim import CampaignLane, Claim
from telebridge.campaigns.engine.dial_rules import NotPlaced
from telebridge.campaigns.engine.refusals import FEW, RefusalRuns
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.logs import logger
from telebridge.metrics import ATTEMPTS

log = logger(__name__)


class RefusedCalls:
    """What Twilio refused to one dialer.

    Args:
        store: The campaigns.
        account: The Twilio account that dials.
    """

    def __init__(self, store: CampaignStore, account: str) -> None:
        self._store = store
        self._account = account
        self._runs = RefusalRuns()
        self._breaker = BreakerWatch(store)

    def may_call(self, lane: CampaignLane) -> bool:
        """Whether the account may call the countries of a lane, as far as is known."""
        now = asyncio.get_running_loop().time()
        return not any(self._runs.is_closed(country, now=now) for country in lane.lane.countries)

    def placed(self, claim: Claim) -> None:
        """A call was placed: what was refused before it was no rule."""
        self._runs.end_run(claim.campaign.id)
        self._runs.end_run(_country(claim.contact.called_phone))

    async def not_placed(self, claim: Claim, verdict: NotPlaced, error: str) -> None:
        """Record that a call was not placed."""
        ATTEMPTS.labels("not_placed").inc()
        log.info("a call was not placed", attempt=claim.attempt_id, error=error)
        if verdict.back_off:
            await self._store.claims.back_off(self._account, jitter=random.random())  # noqa: S311 - no secret
        if stop := verdict.stop or self._stop(claim, verdict, error):
            await pause_campaign(self._store, claim.campaign.id, stop)
        await self._store.attempts.not_placed(claim.attempt_id, verdict.why, error=error)
        if verdict.why.ends_contact:
            await self._breaker.attempt_failed(claim.campaign.id)

    def _stop(self, claim: Claim, verdict: NotPlaced, error: str) -> str:
        """Count a refusal; returns why the campaign must pause, or the empty string."""
        if verdict.why is NotPlacedReason.COUNTRY:
            self._count_country(_country(claim.contact.called_phone), error)
        if verdict.why is not NotPlacedReason.UNCLEAR or self._runs.refused(claim.campaign.id) < FEW:
            return ""
        self._runs.end_run(claim.campaign.id)
        return f"Twilio refused {FEW} calls in a row, the last so: {error}"

    def _count_country(self, country: str, error: str) -> None:
        if self._runs.refused(country) >= FEW:
            self._runs.close_country(country, now=asyncio.get_running_loop().time())
            log.warning("the account may not call a country: its contacts wait", country=country, error=error)


def _country(phone: str) -> str:
    """Return the country of a number in E.164; empty for none."""
    number = read_number(phone, country="US", check="possible")
    return number.country if isinstance(number, DialableNumber) else ""
