"""Takes what Twilio and the flows say of an attempt's call, at whichever process they say it.

One rule: a call that is not its attempt's is ended here, at once; nobody is spoken to twice.
"""

from collections.abc import Callable
from typing import Protocol

from telebridge.campaigns.attempt import CallReport, Receipt
from telebridge.campaigns.outcomes import Reported
from telebridge.campaigns.store import CampaignStore
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
        """Twilio asks for the document of an attempt's call; False when it must be answered with a hang-up."""
        return await self._take(attempt_id, CallReport(call_sid, CallStatus.IN_PROGRESS))

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
