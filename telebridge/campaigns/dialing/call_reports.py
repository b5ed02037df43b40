"""Takes what Twilio and the flows say of an attempt's call, at whichever process they say it.

One rule: a call that is not its attempt's, or that nobody wants any more, is ended here, at once, before a word.
"""

from collections.abc import Callable
from typing import Protocol

from telebridge.campaigns.engine.attempt import CallReport, Receipt
from telebridge.campaigns.engine.outcomes import Reported
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import TwilioAPIError
from telebridge.logs import logger
from telebridge.metrics import DUPLICATE_CALLS
from telebridge.twilio.calls import CallStatus, CallStatusReport

log = logger(__name__)


class HangUp(Protocol):
    """What is needed of Twilio; `TwilioCalls` has it."""

    async def hang_up(self, sid: str) -> None:
        """End a call."""
        ...


async def unwanted(store: CampaignStore, campaign_id: str, phone: str) -> str:
    """Why a call that was placed for a campaign must end before anybody is spoken to; empty when it may go on."""
    if await store.do_not_call.has(phone, campaign_id=campaign_id):
        return "its number was barred meanwhile"
    campaign = await store.campaigns.find(campaign_id)
    cancelled = campaign is not None and campaign.status is CampaignStatus.CANCELLED
    return "its campaign was cancelled meanwhile" if cancelled else ""


class AttemptReports:
    """Where callbacks of campaigns' calls go.

    When the store fails, its error goes on to the caller: answer Twilio with a 5xx then, so that it repeats the report.

    Args:
        store: The campaigns.
        calls: Twilio.
        ended: Told whenever a call of a campaign is over, such as `Dialer.wake`.
    """

    def __init__(self, store: CampaignStore, calls: HangUp, ended: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._calls = calls
        self._ended = ended

    async def status(self, attempt_id: str, report: CallStatusReport) -> None:
        """A status callback."""
        await self._take(attempt_id, CallReport(report.call_sid, report.status, answered_by=report.answered_by))
        if report.status.is_final:
            self._ended()

    async def machine_detected(self, attempt_id: str, call_sid: str, answered_by: str) -> None:
        """The verdict of asynchronous machine detection."""
        await self._take(attempt_id, CallReport(call_sid, answered_by=answered_by))

    async def may_speak(self, attempt_id: str, call_sid: str) -> bool:
        """Twilio asks for the document of an attempt's call; False when it must be answered with a hang-up.

        It asks once, when somebody picks up: a call that already talks is not touched by what is found out here.
        """
        if not await self._take(attempt_id, CallReport(call_sid, CallStatus.IN_PROGRESS)):
            return False
        attempt = await self._store.attempts.find(attempt_id)
        why = "" if attempt is None else await unwanted(self._store, attempt.campaign_id, attempt.phone)
        if why:
            log.info("a call is ended before a word", call_sid=call_sid, attempt=attempt_id, why=why)
            ended = CallReport(call_sid, CallStatus.IN_PROGRESS, reported=Reported.ENDED)
            await self._store.attempts.report(attempt_id, ended)
        return not why

    async def reported(
        self, attempt_id: str, call_sid: str, reported: Reported, *, call_back_at: int | None = None
    ) -> None:
        """What the flow found out; `call_back_at` in epoch milliseconds."""
        await self._take(attempt_id, CallReport(call_sid, reported=reported, call_back_at=call_back_at))

    async def _take(self, attempt_id: str, report: CallReport) -> bool:
        receipt = await self._store.attempts.report(attempt_id, report)
        if receipt is Receipt.NOT_OURS:
            DUPLICATE_CALLS.inc()
            log.error("a call that is not its attempt's is ended", call_sid=report.call_sid, attempt=attempt_id)
            try:
                await self._calls.hang_up(report.call_sid)
            except TwilioAPIError as error:
                log.warning("a duplicate call could not be ended", call_sid=report.call_sid, error=str(error))
        return receipt in {Receipt.NEWS, Receipt.OLD}
