"""Receives what Twilio and the flows report of an attempt's call, in whichever process the report arrives.

One rule: a call that is not its attempt's, or that is no longer wanted, is ended here before anything is said in it.
"""

from collections.abc import Callable, Iterable

from telebridge.campaigns.dialing.breaker_watch import BreakerWatch
from telebridge.campaigns.engine.attempt import CallReport, Receipt
from telebridge.campaigns.engine.outcomes import Reported
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import TwilioAPIError
from telebridge.logs import logger
from telebridge.metrics import DUPLICATE_CALLS
from telebridge.twilio.calls import CallStatus, CallStatusReport
from telebridge.twilio.client import TwilioCalls

log = logger(__name__)


async def why_unwanted(store: CampaignStore, campaign_id: str, phones: Iterable[str]) -> str:
    """Return why a placed call must end before anybody is spoken to; empty when it may go on.

    Args:
        store: The campaigns.
        campaign_id: Whose call it is.
        phones: All numbers of the person.
    """
    for phone in phones:
        if await store.do_not_call.has(phone, campaign_id=campaign_id):
            return "its number was put on the do-not-call list meanwhile"
    campaign = await store.campaigns.find(campaign_id)
    cancelled = campaign is not None and campaign.status is CampaignStatus.CANCELLED
    return "its campaign was cancelled meanwhile" if cancelled else ""


class AttemptReports:
    """Writes reports on calls of campaigns to the store, and ends calls that must not go on.

    An error of the store is raised to the caller: answer Twilio with a 5xx then, so that it repeats the report.

    Args:
        store: The campaigns.
        twilio: Ends calls; None as long as there is none.
        on_call_ended: Called whenever a call of a campaign is over; None for no-op.

    Attributes:
        twilio: As above; may be set later.
        on_call_ended: As above; may be set later, such as to `Dialer.wake`.
    """

    def __init__(
        self,
        store: CampaignStore,
        twilio: TwilioCalls | None = None,
        on_call_ended: Callable[[], None] | None = None,
    ) -> None:
        self.twilio = twilio
        self.on_call_ended = on_call_ended
        self._store = store
        self._breaker = BreakerWatch(store)

    async def status(self, attempt_id: str, report: CallStatusReport) -> None:
        """Receive a status callback."""
        await self._apply(attempt_id, CallReport(report.call_sid, report.status, answered_by=report.answered_by))
        if report.status is CallStatus.FAILED and (attempt := await self._store.attempts.find(attempt_id)) is not None:
            await self._breaker.attempt_failed(attempt.campaign_id)
        if report.status.is_final and self.on_call_ended is not None:
            self.on_call_ended()

    async def machine_detected(self, attempt_id: str, call_sid: str, answered_by: str) -> None:
        """Receive the verdict of asynchronous machine detection."""
        await self._apply(attempt_id, CallReport(call_sid, answered_by=answered_by))

    async def may_speak(self, attempt_id: str, call_sid: str) -> bool:
        """Receive Twilio's request for the document of a call; returns False when it must be answered with a hang-up.

        Twilio requests it once, when the call is answered. A call that already speaks is not checked again.
        """
        if not await self._apply(attempt_id, CallReport(call_sid, CallStatus.IN_PROGRESS)):
            return False
        attempt = await self._store.attempts.find(attempt_id)
        contact = None if attempt is None else await self._store.contacts.of(attempt)
        phones = () if contact is None else contact.phones
        why = "" if attempt is None else await why_unwanted(self._store, attempt.campaign_id, phones)
        if why:
            log.info("a call is ended before a word", call_sid=call_sid, attempt=attempt_id, why=why)
            ended = CallReport(call_sid, CallStatus.IN_PROGRESS, reported=Reported.ENDED)
            await self._store.attempts.report(attempt_id, ended)
        return not why

    async def reported(
        self, attempt_id: str, call_sid: str, reported: Reported, *, call_back_at: int | None = None
    ) -> None:
        """Receive what the flow found out; `call_back_at` in epoch milliseconds."""
        await self._apply(attempt_id, CallReport(call_sid, reported=reported, call_back_at=call_back_at))

    async def _apply(self, attempt_id: str, report: CallReport) -> bool:
        """Write a report; returns whether the call is its attempt's."""
        receipt = await self._store.attempts.report(attempt_id, report)
        if receipt is Receipt.MISMATCH:
            await self._end_duplicate(report.call_sid, attempt_id)
        return receipt in {Receipt.APPLIED, Receipt.DUPLICATE}

    async def _end_duplicate(self, call_sid: str, attempt_id: str) -> None:
        DUPLICATE_CALLS.inc()
        log.error("a call that is not its attempt's is ended", call_sid=call_sid, attempt=attempt_id)
        if self.twilio is None:
            log.warning("a call cannot be ended: the Twilio account is not set", call_sid=call_sid)
            return
        try:
            await self.twilio.hang_up(call_sid)
        except TwilioAPIError as error:
            log.warning("a duplicate call could not be ended", call_sid=call_sid, error=str(error))
