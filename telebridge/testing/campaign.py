"""A campaign in a test: whoever is called answers as the test says, and what came of each is read afterwards.

One rule: nobody is called but the numbers of the test, and time is virtual.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from telebridge.app.campaigns import Campaigning
from telebridge.campaigns.calling_hours.windows import hours_of, read_window
from telebridge.campaigns.dialing.start_checks import start_campaign
from telebridge.campaigns.engine.campaign import CampaignPlan, PoolNumber
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.report import ReportRow, report_rows
from telebridge.errors import ConfigurationError
from telebridge.simulator.resources.call import CallResource
from telebridge.simulator.setup.options import ACCOUNT_SID
from telebridge.testing.bench.virtual import VirtualBench
from telebridge.testing.call.failure import CallFailure

FROM_NUMBER = "+13125550100"
DAYTIME = "08:00-21:00"
LOOK_SECONDS = 0.5
LONGEST_SECONDS = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class ContactOutcome:
    """What came of one contact.

    Args:
        number: Who it is.
        outcome: Such as "answered", "busy", "machine", "do_not_call"; empty while it is open.
        attempts: How often they were called.
        digits: The keys they pressed in their last call.
        heard: What they heard of the last call, in words.
        result: What the flow has found out.
    """

    number: str
    outcome: str
    attempts: int
    digits: str = ""
    heard: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CampaignWishes:
    """How a campaign of a test is dialled.

    Args:
        flow: The flow that speaks.
        contacts: Numbers, or variables of the flow by number.
        zone: The time zone of all contacts.
        hours: When they may be called, each day.
        attempts: How often somebody is called who is busy or does not answer.
        retry_seconds: How long after that.
        max_live: How many calls at once.
        plan: Further fields of `CampaignPlan`, such as `machine_detection`.
    """

    flow: str
    contacts: Mapping[str, Mapping[str, Any]] | Sequence[str]
    zone: str = "America/New_York"
    hours: str = DAYTIME
    attempts: int = 1
    retry_seconds: float = 60.0
    max_live: int = 10
    plan: Mapping[str, Any] = field(default_factory=dict)


class TestedCampaign:
    """A campaign of a test. Call `run`, then read.

    Args:
        bench: Where it takes place; its bridge dials.
        wishes: How.
    """

    __test__ = False  # no test class of pytest's

    def __init__(self, bench: VirtualBench, wishes: CampaignWishes) -> None:
        self._bench = bench
        self._wishes = wishes
        self._rows: dict[str, ContactOutcome] = {}

    def run(self, *, within: float = LONGEST_SECONDS) -> None:
        """Dial until everybody is done.

        Raises:
            CallFailure: It is not over within so many seconds of virtual time.
        """
        __tracebackhide__ = True
        if not self._bench.run(self._run(within)):
            raise CallFailure("campaign", f"is not over after {within:g} s")

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each number."""
        return {number: row.outcome for number, row in self._rows.items()}

    def contact(self, number: str) -> ContactOutcome:
        """What came of one contact.

        Raises:
            ConfigurationError: The campaign has no such number, or was not run.
        """
        if number not in self._rows:
            raise ConfigurationError("contact", f"the campaign has no '{number}'", "run it first")
        return self._rows[number]

    @property
    def dialled(self) -> list[str]:
        """The numbers that were called, in order, each as often as it was called."""
        return [each.number for each in self._bench.people.rung]

    @property
    def max_at_once(self) -> int:
        """The most calls that were live at one moment."""
        calls = self._calls()
        return max((sum(_live_at(call, other.created_at) for call in calls) for other in calls), default=0)

    def never_twice(self) -> None:
        """Expect that no number was called while a call to it was live.

        Raises:
            CallFailure: One was.
        """
        __tracebackhide__ = True
        calls = self._calls()
        for call in calls:
            if sum(other.to == call.to and _live_at(other, call.created_at) for other in calls) > 1:
                raise CallFailure("never twice", f"{call.to} was called while a call to it was live")

    def _calls(self) -> list[CallResource]:
        return [call for call in self._bench.simulator.books.calls.all() if call.direction == "outbound-api"]

    async def _run(self, within: float) -> bool:
        campaigning = self._bench.campaigning
        campaign = await campaigning.store.campaigns.create(self._plan())
        await campaigning.store.contacts.add(campaign.id, self._contacts(), upto_line=len(self._wishes.contacts))
        await start_campaign(campaigning.store, campaign, wallclock=campaigning.wallclock())
        done = await _done(campaigning, campaign.id, within)
        rows = report_rows(campaigning.store.reports, campaign.id)
        self._rows = {row.contact.phone: _outcome_of(row) async for row in rows}
        return done

    def _plan(self) -> CampaignPlan:
        wishes = self._wishes
        delays = (wishes.retry_seconds,) * max(1, wishes.attempts - 1)
        plan = CampaignPlan(
            name="test",
            account=ACCOUNT_SID,
            flow=wishes.flow,
            numbers=(PoolNumber(FROM_NUMBER),),
            hours=hours_of(dict.fromkeys(range(7), (read_window(wishes.hours),))),
            retry=RetryRules(wishes.attempts, {Outcome.BUSY: delays, Outcome.NO_ANSWER: delays}),
            max_live=wishes.max_live,
        )
        return replace(plan, **wishes.plan)

    def _contacts(self) -> list[NewContact]:
        contacts = self._wishes.contacts
        given = contacts if isinstance(contacts, Mapping) else {number: {} for number in contacts}
        lane = Lane((self._wishes.zone,), "US-NY")
        return [NewContact(number, lane, dict(variables)) for number, variables in given.items()]


async def _done(campaigning: Campaigning, campaign_id: str, within: float) -> bool:
    waited = 0.0
    while waited < within:
        found = await campaigning.store.campaigns.find(campaign_id)
        if found is not None and found.status is CampaignStatus.DONE:
            return True
        await asyncio.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
    return False


def _outcome_of(row: ReportRow) -> ContactOutcome:
    talk = row.talk
    return ContactOutcome(
        row.contact.phone,
        row.outcome,
        row.contact.attempts,
        str(talk.get("digits", "")),
        " ".join(text for text in talk.get("heard", ()) if text),
        talk.get("result") or {},
    )


def _live_at(call: CallResource, instant: datetime) -> bool:
    ended = call.ended_at or instant + timedelta(seconds=1)
    return call.created_at <= instant < ended
