"""The states of a campaign, of a contact and of an attempt, with their transitions as tables.

One rule: a transition that is not in a table is a bug of ours and raises. Callbacks of Twilio that may come late, twice
or out of order are in the tables, as transitions to the same state.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

from telebridge.errors import LocalProtocolError

StateT = TypeVar("StateT", bound=Enum)
InputT = TypeVar("InputT", bound=Enum)


class CampaignStatus(Enum):
    """Whether a campaign's contacts are called. It is one row, so every change works within one tick.

    DRAFT: being filled; nobody is called. A person starts it. A crash leaves it as it is.

    RUNNING: due contacts of open lanes are claimed. A person pauses or cancels it; the breaker pauses it; its end time
    drains it; when nothing is left it is done. A crash leaves it running: whoever dials next goes on with it.

    PAUSED: nothing is claimed, live calls go on. A person starts it again. A crash leaves it as it is.

    DRAINING: its end has come; live calls go on, and when the last is over it is done. A crash leaves it draining.

    DONE: nothing is left to call, or its end has passed. Starting it again calls what has been added since.

    CANCELLED: for ever. Calls that talk go on unless they are ended too; who picks up later is not spoken to.
    """

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nobody is called any more."""
        return self in {CampaignStatus.DONE, CampaignStatus.CANCELLED}


class CampaignInput(Enum):
    """What happens to a campaign."""

    START = "start"
    PAUSE = "pause"
    DRAIN = "drain"
    FINISH = "finish"
    CANCEL = "cancel"


class ContactState(Enum):
    """Where a contact is in its campaign.

    READY: to be called once `due_at` has come and its lane is open; a claim takes it. A sleeping retry is nothing but
    a `due_at` ahead, so a crash loses none.

    LIVE: one attempt is under way, or may be. The end of that attempt takes it out, as does the finding that the call
    was never placed. A crash leaves it live until its attempt is reconciled; it is never claimed meanwhile. So does
    an answered call until it is known what was said in it, or that nothing was.

    DONE: it has its outcome. Only a verdict that comes late (a machine answered, not a person) makes it ready again.

    SKIPPED: it must not be called, and the reason is beside it. Nothing takes it out.
    """

    READY = "ready"
    LIVE = "live"
    DONE = "done"
    SKIPPED = "skipped"


class ContactInput(Enum):
    """What happens to a contact."""

    CLAIM = "claim"
    HOLD = "hold"
    SKIP = "skip"
    RETRY = "retry"
    COMPLETE = "complete"


class AttemptState(Enum):
    """How far one attempt to reach a contact is: the log of what was meant, written before it is done.

    INTENT: about to be placed by one worker, which holds a lease. Its phone may ring already. Twilio's answer or any
    callback takes it out. A crash leaves it here: once the lease has run out, the reconciler asks Twilio for the call,
    and nobody dials again before its answer is known.

    PLACED: Twilio has the call, its SID is known. Callbacks take it out; where they are lost, a look at the call does.
    A crash changes nothing, whoever gets the callback goes on.

    ANSWERED: somebody or something picked up. The end of the call takes it out, by callback or by a look.

    DONE: the call is over. It has its outcome once it is known what was said in it, or that nothing was; a late verdict
    may still correct it.

    VOID: it was never placed, and that is certain or was looked for long enough. A call that turns up for it later is
    a duplicate and is cancelled. Nothing takes it out.
    """

    INTENT = "intent"
    PLACED = "placed"
    ANSWERED = "answered"
    DONE = "done"
    VOID = "void"

    @property
    def is_live(self) -> bool:
        """Whether a phone rings, or may ring."""
        return self in LIVE


LIVE = frozenset({AttemptState.INTENT, AttemptState.PLACED, AttemptState.ANSWERED})


class AttemptInput(Enum):
    """What becomes known of an attempt."""

    PLACE = "place"
    ANSWER = "answer"
    END = "end"
    VOID = "void"


CAMPAIGN: Mapping[tuple[CampaignStatus, CampaignInput], CampaignStatus] = MappingProxyType(
    {
        (CampaignStatus.DRAFT, CampaignInput.START): CampaignStatus.RUNNING,
        (CampaignStatus.DRAFT, CampaignInput.CANCEL): CampaignStatus.CANCELLED,
        (CampaignStatus.RUNNING, CampaignInput.START): CampaignStatus.RUNNING,
        (CampaignStatus.RUNNING, CampaignInput.PAUSE): CampaignStatus.PAUSED,
        (CampaignStatus.RUNNING, CampaignInput.DRAIN): CampaignStatus.DRAINING,
        (CampaignStatus.RUNNING, CampaignInput.FINISH): CampaignStatus.DONE,
        (CampaignStatus.RUNNING, CampaignInput.CANCEL): CampaignStatus.CANCELLED,
        (CampaignStatus.PAUSED, CampaignInput.START): CampaignStatus.RUNNING,
        (CampaignStatus.PAUSED, CampaignInput.PAUSE): CampaignStatus.PAUSED,
        (CampaignStatus.PAUSED, CampaignInput.DRAIN): CampaignStatus.DRAINING,
        (CampaignStatus.PAUSED, CampaignInput.CANCEL): CampaignStatus.CANCELLED,
        (CampaignStatus.DRAINING, CampaignInput.DRAIN): CampaignStatus.DRAINING,
        (CampaignStatus.DRAINING, CampaignInput.FINISH): CampaignStatus.DONE,
        (CampaignStatus.DRAINING, CampaignInput.CANCEL): CampaignStatus.CANCELLED,
        (CampaignStatus.DONE, CampaignInput.START): CampaignStatus.RUNNING,
        (CampaignStatus.CANCELLED, CampaignInput.CANCEL): CampaignStatus.CANCELLED,
    }
)

CONTACT: Mapping[tuple[ContactState, ContactInput], ContactState] = MappingProxyType(
    {
        (ContactState.READY, ContactInput.CLAIM): ContactState.LIVE,
        (ContactState.READY, ContactInput.HOLD): ContactState.READY,
        (ContactState.READY, ContactInput.SKIP): ContactState.SKIPPED,
        (ContactState.READY, ContactInput.RETRY): ContactState.READY,
        (ContactState.READY, ContactInput.COMPLETE): ContactState.DONE,
        (ContactState.LIVE, ContactInput.RETRY): ContactState.READY,
        (ContactState.LIVE, ContactInput.COMPLETE): ContactState.DONE,
        (ContactState.DONE, ContactInput.RETRY): ContactState.READY,
        (ContactState.DONE, ContactInput.COMPLETE): ContactState.DONE,
        (ContactState.SKIPPED, ContactInput.RETRY): ContactState.SKIPPED,
        (ContactState.SKIPPED, ContactInput.COMPLETE): ContactState.SKIPPED,
    }
)

ATTEMPT: Mapping[tuple[AttemptState, AttemptInput], AttemptState] = MappingProxyType(
    {
        (AttemptState.INTENT, AttemptInput.PLACE): AttemptState.PLACED,
        (AttemptState.INTENT, AttemptInput.ANSWER): AttemptState.ANSWERED,
        (AttemptState.INTENT, AttemptInput.END): AttemptState.DONE,
        (AttemptState.INTENT, AttemptInput.VOID): AttemptState.VOID,
        (AttemptState.PLACED, AttemptInput.PLACE): AttemptState.PLACED,
        (AttemptState.PLACED, AttemptInput.ANSWER): AttemptState.ANSWERED,
        (AttemptState.PLACED, AttemptInput.END): AttemptState.DONE,
        (AttemptState.ANSWERED, AttemptInput.PLACE): AttemptState.ANSWERED,
        (AttemptState.ANSWERED, AttemptInput.ANSWER): AttemptState.ANSWERED,
        (AttemptState.ANSWERED, AttemptInput.END): AttemptState.DONE,
        (AttemptState.DONE, AttemptInput.PLACE): AttemptState.DONE,
        (AttemptState.DONE, AttemptInput.ANSWER): AttemptState.DONE,
        (AttemptState.DONE, AttemptInput.END): AttemptState.DONE,
        (AttemptState.VOID, AttemptInput.VOID): AttemptState.VOID,
    }
)


def follow(table: Mapping[tuple[StateT, InputT], StateT], state: StateT, happened: InputT) -> StateT:
    """Return the state that follows an input.

    Raises:
        LocalProtocolError: The table has no such transition.
    """
    try:
        return table[state, happened]
    except KeyError:
        raise LocalProtocolError(f"{type(state).__name__} {state.value} cannot take '{happened.value}'") from None
