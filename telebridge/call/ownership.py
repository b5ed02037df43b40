"""Which process leads a call: what this process knows of it, what may be reported, and what follows.

Several processes share one database and Twilio may send any report on a call to any of them. A call is led by the
process that its row names as the owner. The table `FOLLOWS` has an action for each state of knowledge and each report;
an action leads to another state, until one of `FINAL_ACTIONS` says what the report's handler gets.

One rule: only a process that owns a call ends it with its record; every other one at most closes the row it left.
"""

from dataclasses import dataclass
from enum import Enum

from telebridge.call.session.checkpoint import Checkpoint


class Ownership(Enum):
    """What this process knows of who leads a call.

    LIVE: it runs here, and the database has not been asked.

    ENDED: it ended here, and the database has not been asked.

    ABSENT: it does not run here, and the database has not been asked.

    OWNED: it runs here, and no other process has taken it over; also when the database cannot tell.

    LOST: it runs here still, and another process has taken it over.

    ENDED_ELSEWHERE: it runs here, and another process was told that it is over.

    CLOSED: it ended here, and no other process has taken it over since.

    LEFT: its row is live: its owner is another process, which may have died.

    FLOW_OVER: its row is live, its flow is over: nothing is left to be led.

    OVER: its row has an end.

    UNKNOWN: no process knows it.

    UNREACHABLE: it does not run here, and the database gives no answer.
    """

    LIVE = "live"
    ENDED = "ended"
    ABSENT = "absent"
    OWNED = "owned"
    LOST = "lost"
    ENDED_ELSEWHERE = "ended elsewhere"
    CLOSED = "closed"
    LEFT = "left"
    FLOW_OVER = "flow over"
    OVER = "over"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"


class Report(Enum):
    """What comes to a process about a call.

    CHECK: nothing; the process looks by itself whether it still owns the call.

    FINAL_STATUS: Twilio reports that the call is over.

    WEBHOOK: Twilio asks what to do next.

    STREAM: Twilio opens the call's media stream.

    BEGINNING: Twilio asks how the call begins; it may ask again, also after the end.

    RINGING: the same of a call that rings still: nothing of it was heard, so it may begin anew in any process, and who
    was asked last owns it.

    OWN_STREAM: Twilio opens the call's media stream, with a token that this process issued: it was asked last.
    """

    CHECK = "check"
    FINAL_STATUS = "final status"
    WEBHOOK = "webhook"
    STREAM = "stream"
    BEGINNING = "beginning"
    RINGING = "ringing"
    OWN_STREAM = "own stream"


class OwnershipAction(Enum):
    """What a process does.

    ASK: ask the database; leads to what it says.

    RELEASE: stop the runner here without a word to anybody; leads to ABSENT.

    END: end the call here; leads to ENDED.

    CLOSE_ROW: write an end into the row, unless it has one; leads to OVER.

    TAKE_OVER: become the owner and resume at the checkpoint; leads to OWNED, or to OVER when the call ended meanwhile.

    BEGIN: begin the call anew, as its owner; leads to OWNED.

    USE: final; the handler gets the runner here.

    NOTHING: final; there is no runner.

    REFUSE: final; the call is over, and its stream is not accepted.

    FAIL: final; the error of the database is raised, and the handler decides what the caller hears.
    """

    ASK = "ask"
    RELEASE = "release"
    END = "end"
    CLOSE_ROW = "close row"
    TAKE_OVER = "take over"
    BEGIN = "begin"
    USE = "use"
    NOTHING = "nothing"
    REFUSE = "refuse"
    FAIL = "fail"


FINAL_ACTIONS = frozenset({OwnershipAction.USE, OwnershipAction.NOTHING, OwnershipAction.REFUSE, OwnershipAction.FAIL})

LEADS_TO: dict[OwnershipAction, frozenset[Ownership]] = {
    OwnershipAction.ASK: frozenset(Ownership) - {Ownership.LIVE},
    OwnershipAction.RELEASE: frozenset({Ownership.ABSENT}),
    OwnershipAction.END: frozenset({Ownership.ENDED}),
    OwnershipAction.CLOSE_ROW: frozenset({Ownership.OVER}),
    OwnershipAction.TAKE_OVER: frozenset({Ownership.OWNED, Ownership.OVER, Ownership.UNREACHABLE}),
    OwnershipAction.BEGIN: frozenset({Ownership.OWNED}),
    OwnershipAction.USE: frozenset(),
    OwnershipAction.NOTHING: frozenset(),
    OwnershipAction.REFUSE: frozenset(),
    OwnershipAction.FAIL: frozenset(),
}
"""The states that an action may lead to. ENDED and ABSENT follow from ASK for a call that changed meanwhile."""

_ACTION = OwnershipAction
_ASK, _RELEASE, _END, _CLOSE_ROW = _ACTION.ASK, _ACTION.RELEASE, _ACTION.END, _ACTION.CLOSE_ROW
_TAKE_OVER, _BEGIN, _USE, _NOTHING = _ACTION.TAKE_OVER, _ACTION.BEGIN, _ACTION.USE, _ACTION.NOTHING
_REFUSE, _FAIL = _ACTION.REFUSE, _ACTION.FAIL
_ROWS: dict[Ownership, tuple[OwnershipAction, ...]] = {
    # state               CHECK  FINAL_STATUS  WEBHOOK  STREAM  BEGINNING  RINGING  OWN_STREAM
    Ownership.LIVE: (_ASK, _ASK, _ASK, _ASK, _USE, _USE, _USE),
    Ownership.ENDED: (_NOTHING, _NOTHING, _ASK, _ASK, _ASK, _ASK, _ASK),
    Ownership.ABSENT: (_NOTHING, _CLOSE_ROW, _ASK, _ASK, _ASK, _BEGIN, _ASK),
    Ownership.OWNED: (_USE, _END, _USE, _USE, _USE, _USE, _USE),
    Ownership.LOST: (_RELEASE, _RELEASE, _RELEASE, _RELEASE, _RELEASE, _RELEASE, _RELEASE),
    Ownership.ENDED_ELSEWHERE: (_END, _RELEASE, _RELEASE, _RELEASE, _RELEASE, _RELEASE, _RELEASE),
    Ownership.CLOSED: (_NOTHING, _NOTHING, _NOTHING, _REFUSE, _NOTHING, _NOTHING, _REFUSE),
    Ownership.LEFT: (_NOTHING, _CLOSE_ROW, _TAKE_OVER, _TAKE_OVER, _TAKE_OVER, _TAKE_OVER, _TAKE_OVER),
    Ownership.FLOW_OVER: (_NOTHING, _CLOSE_ROW, _CLOSE_ROW, _CLOSE_ROW, _CLOSE_ROW, _CLOSE_ROW, _CLOSE_ROW),
    Ownership.OVER: (_NOTHING, _NOTHING, _NOTHING, _REFUSE, _NOTHING, _NOTHING, _REFUSE),
    Ownership.UNKNOWN: (_NOTHING, _NOTHING, _NOTHING, _BEGIN, _BEGIN, _BEGIN, _BEGIN),
    Ownership.UNREACHABLE: (_NOTHING, _NOTHING, _FAIL, _BEGIN, _BEGIN, _BEGIN, _BEGIN),
}
FOLLOWS: dict[tuple[Ownership, Report], OwnershipAction] = {
    (state, report): action for state, actions in _ROWS.items() for report, action in zip(Report, actions, strict=True)
}
"""What follows from a report, by what is known of the call."""


@dataclass(frozen=True, slots=True)
class NotOwned:
    """What became of a call that runs here and is not this process's own any more.

    Args:
        ownership: LOST or ENDED_ELSEWHERE.
        end_reason: Why it ended, as the other process was told; empty for LOST.
    """

    ownership: Ownership
    end_reason: str = ""


def not_owned(*, same_owner: bool, end_reason: str | None, taking_over: bool, ending: bool) -> NotOwned | None:
    """What a call's row says of a call that runs here; None while this process owns it.

    Args:
        same_owner: Whether the row names this process.
        end_reason: The row's; None while the call is live.
        taking_over: Whether this process is about to write itself into the row, whoever is in it.
        ending: Whether this process is about to write the call's end.
    """
    if not same_owner:
        return None if taking_over else NotOwned(Ownership.LOST)
    if end_reason is None or ending:
        return None
    return NotOwned(Ownership.ENDED_ELSEWHERE, end_reason)


def of_row(*, ended: bool, checkpoint: Checkpoint) -> Ownership:
    """What a call's row says of a call that does not run here.

    Args:
        ended: Whether the row has an end.
        checkpoint: Where the call was left.
    """
    if ended:
        return Ownership.OVER
    return Ownership.FLOW_OVER if checkpoint.over else Ownership.LEFT
