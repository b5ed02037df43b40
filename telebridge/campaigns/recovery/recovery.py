"""Makes up for the calls that a restored database has lost, before anything is dialled with it.

This is a shell around `telebridge.campaigns.recovery.missing_calls`. Every process that dials runs it at its start; so
does `telebridge database reconcile`.

One rule: when a call is missing, the campaigns pause, and a person resumes them: opt-outs and orders are missing too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from telebridge.campaigns.dialing.breaker_watch import pause_campaign
from telebridge.campaigns.dialing.reconciler import NO_SUCH_CALL
from telebridge.campaigns.engine.reconciliation import ASTRAY_MS
from telebridge.campaigns.recovery.missing_calls import DialedCall, MissingCall
from telebridge.campaigns.recovery.records import RecoveryRecords
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import TelebridgeError, TwilioAPIError
from telebridge.logs import logger
from telebridge.timing.backoff import backoff_seconds
from telebridge.timing.epoch import epoch_ms, instant
from telebridge.twilio.client import CallResource, TwilioCalls

log = logger(__name__)

LONGEST_PAUSE_SECONDS = 30.0
REASON = (
    "the database was restored from a backup: enter what was changed since then (opt-outs, contacts, cancelled"
    " campaigns), then resume"
)


class CallsStillLive(TelebridgeError):
    """Calls that the database has lost are still live: what they were is known when they are over."""

    def __init__(self, count: int) -> None:
        self.count = count
        are_live = (
            "call that the database does not know is" if count == 1 else "calls that the database does not know are"
        )
        super().__init__(f"{count} {are_live} still live: wait for the end")


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery did.

    Args:
        restored: Whether the database had been restored.
        calls: How many calls were made up for.
        paused: How many campaigns were paused.
    """

    restored: bool = False
    calls: int = 0
    paused: int = 0


async def none_known(_: Collection[str]) -> set[str]:
    """Return that no call is known but those of attempts."""
    return set()


class Recovery:
    """The recovery of one account's campaigns.

    Args:
        store: The campaigns.
        records: The same database.
        twilio: The account.
        account: Its SID.
        known: Returns which of these calls the database knows although they are no attempt's.
    """

    def __init__(
        self,
        store: CampaignStore,
        records: RecoveryRecords,
        twilio: TwilioCalls,
        account: str,
        known: Callable[[Collection[str]], Awaitable[set[str]]] = none_known,
    ) -> None:
        self._store = store
        self._records = records
        self._twilio = twilio
        self._account = account
        self._known = known

    async def run(self) -> Recovered:
        """Recover, and when that fails, or must wait for live calls, try again until it is done."""
        failures = 0
        while True:
            try:
                return await self.recover()
            except (TwilioAPIError, CallsStillLive, SQLAlchemyError, OSError) as error:
                log.warning("nobody is dialled before Twilio's list of calls was compared", reason=str(error))
            except Exception:  # the top of a task; nobody must be dialled
                log.exception("nobody is dialled: Twilio's list of calls cannot be compared with the database")
            failures += 1
            await asyncio.sleep(backoff_seconds(failures, first=1.0, longest=LONGEST_PAUSE_SECONDS))

    async def recover(self, *, since: int | None = None, restored: bool = False) -> Recovered:
        """Compare Twilio's list of calls with the database, and make up for calls that are missing in it.

        Args:
            since: Compare calls from this instant on; None for those after the latest attempt in the database.
            restored: Whether the database was restored for certain.

        Raises:
            CallsStillLive: A missing call is not over. Campaigns are paused; call it again later.
            TwilioAPIError: Twilio's list cannot be read.
        """
        standing = await self._records.standing(self._account)
        restored = restored or standing.marked
        since = standing.since if since is None else since
        if since is None or (not restored and not await self._missing(standing.numbers, since, restored=False)):
            return Recovered()
        await self._records.mark(self._account, since)  # whoever starts next goes on with it
        running = await self._records.running(self._account)
        for campaign_id in running:
            await pause_campaign(self._store, campaign_id, REASON)
        await self._settle()
        calls = await self._missing(standing.numbers, since, restored=True)
        waiting = [
            one for one in calls if not (one.call.status.is_final and await self._records.make_up(self._account, one))
        ]
        if waiting:
            raise CallsStillLive(len(waiting))
        await self._records.unmark(self._account)
        log.warning(
            "the database was restored: calls that it did not know were taken from Twilio's list, campaigns are paused",
            calls=len(calls),
            campaigns=len(running),
        )
        return Recovered(restored=True, calls=len(calls), paused=len(running))

    async def _missing(self, numbers: Iterable[str], since: int, *, restored: bool) -> list[MissingCall]:
        first = instant(since - ASTRAY_MS)
        listed = [call for number in numbers for call in await self._twilio.created_since(first, from_=number)]
        others = await self._known([call.sid for call in listed])
        dialed = [_dialed(call) for call in listed if call.created_at is not None and call.sid not in others]
        return await self._records.missing(self._account, dialed, restored=restored)

    async def _settle(self) -> None:
        """Write the end of calls that were live, or whose end was not told, when the backup was made."""
        for attempt in await self._records.watched(self._account):
            try:
                call = await self._twilio.fetch(attempt.call_sid or "")
            except TwilioAPIError as error:
                if error.code == NO_SUCH_CALL:  # the reconciler writes so
                    continue
                raise
            await self._records.settle(attempt.id, _dialed(call))


def _dialed(call: CallResource) -> DialedCall:
    created = 0 if call.created_at is None else epoch_ms(call.created_at)
    return DialedCall(call.sid, call.to, call.from_, created, call.status, call.answered_by, call.duration_seconds or 0)
