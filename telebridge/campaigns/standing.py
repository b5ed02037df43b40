"""How a campaign stands, as a store counts it, and who dials for it.

One rule: nothing here waits for a claim or holds one up. Instants are epoch milliseconds.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from telebridge.campaigns.attempt import Attempt, Contact
from telebridge.campaigns.campaign import Campaign
from telebridge.campaigns.contact import Lane
from telebridge.campaigns.outcomes import Outcome

DIALING = "dialing "
"""What the task of every process that dials begins with."""


def dialing_task(account: str, worker: str) -> str:
    """The task that a process holds while it dials for an account."""
    return f"{DIALING}{account} {worker}"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is.

    Args:
        contacts: How many are in each state, by `ContactState.value`.
        outcomes: Of those done or skipped, how many ended how.
        attempts: How many attempts there are in each state, by `AttemptState.value`.
    """

    contacts: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaitingLane:
    """Why contacts of a lane are not called now, as far as the store knows.

    Args:
        lane: Which; whether it is open is for the calling hours to say.
        due: How many could be called now if it is.
        later: How many wait for their time, by what they wait for: "" is a retry or a start in the future.
        next_due_at: When the first of those is due.
    """

    id: int
    lane: Lane
    due: int
    later: Mapping[str, int]
    next_due_at: int | None


@dataclass(frozen=True, slots=True)
class DialingNow:
    """What bears on whether contacts that are due are called.

    Args:
        dialers: How many processes dial for the campaign's account.
        elsewhere: How many dial for other accounts.
        quiet_until: Until when nobody places a call, because Twilio asked for quiet; None while anybody may.
        numbers_left: How many calls the campaign's numbers may still make of their 24 hours; None for any.
    """

    dialers: int
    elsewhere: int = 0
    quiet_until: int | None = None
    numbers_left: int | None = None


class ReportRecords(Protocol):
    """Looking at a campaign."""

    async def progress(self, campaign_id: str) -> Progress:
        """How far it is."""
        ...

    async def waiting(self, campaign_id: str) -> list[WaitingLane]:
        """Why contacts are not called now."""
        ...

    async def dialing(self, campaign: Campaign) -> DialingNow:
        """Whether anybody dials for a campaign, and may."""
        ...

    async def outcomes(self, campaign_id: str, *, since: int, latest: int | None = None) -> Mapping[Outcome, int]:
        """How the attempts begun since then ended, or only the latest ones.

        An answered call that was over ten seconds ago, and that nobody has told of yet, is counted as lost.
        """
        ...

    async def lanes(self, campaign_id: str) -> Mapping[int, Lane]:
        """Where its contacts may be, by the id of the lane."""
        ...

    async def columns(self, campaign_id: str) -> list[str]:
        """What its contacts have beside a number, by name: those of the first contact first."""
        ...

    def contacts(self, campaign_id: str) -> AsyncIterator[Contact]:
        """Every contact in the order of import, a page at a time."""
        ...

    def attempts(self, campaign_id: str) -> AsyncIterator[Attempt]:
        """Every attempt in the order of contacts, a page at a time."""
        ...
