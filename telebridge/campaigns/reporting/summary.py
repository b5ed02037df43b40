"""A campaign in figures for its owner: totals, outcomes, days and hours, costs, and who answered what.

One rule: times are local to the number that was called, in the first zone that it may be in.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import ceil
from zoneinfo import ZoneInfo

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.engine.outcomes import CONVERSATIONS, Outcome
from telebridge.campaigns.engine.states import AttemptState
from telebridge.campaigns.reporting.report import ReportRow, result_texts
from telebridge.timing.epoch import instant
from telebridge.twilio.calls import CallStatus

SECONDS_OF_MINUTE = 60.0
OTHER_ANSWERS = "other answers"
OUTCOME_LISTS = {
    Outcome.OPTED_OUT.value: "asked not to be called again",
    Outcome.CALL_BACK.value: "asked to be called at another time",
    Outcome.BAD_NUMBER.value: "number does not exist",
}
"""The outcomes of which the office gets a list, with its title."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What the campaign file says of prices, in any currency.

    Args:
        per_call: Each call that was placed.
        per_minute: Each begun minute of an answered call.
    """

    per_call: float = 0.0
    per_minute: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.per_call or self.per_minute)


@dataclass(slots=True)
class CallCounts:
    """Calls of one day or one hour.

    Args:
        calls: That were placed.
        reached: In which a person answered.
    """

    calls: int = 0
    reached: int = 0


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One contact in a list for the office.

    Args:
        phone: The contact's first number, E.164.
        called_number: The one that was called; "" for a contact that was not called.
        variables: The contact's own columns.
        digits: The keys pressed in the call.
        result: The flow's result, as texts.
        called_at: When the call began, local to that number; None for a contact that was not called.
    """

    phone: str
    called_number: str
    variables: Mapping[str, str]
    digits: str
    result: Mapping[str, str]
    called_at: datetime | None


@dataclass(slots=True)
class AnswerList:
    """Contacts with the same answer.

    Args:
        answer: The title.
        rows: The first contacts, at most as many as the summary keeps.
        count: How many there are.
    """

    answer: str
    rows: list[AnswerRow] = field(default_factory=list)
    count: int = 0


class CampaignSummary:
    """The figures of a campaign; `add` takes one contact after the other.

    Args:
        prices: Of the campaign file.
        most_lists: So many lists at most have one answer each; later answers share the list `OTHER_ANSWERS`.
        most_rows: So many contacts of a list are kept.

    Attributes:
        contacts: How many were added.
        called: Contacts with at least one call.
        reached: Contacts of whom a person answered.
        calls: Calls placed.
        minutes: Begun minutes of answered calls.
        estimated: Answered calls whose length nobody reported, counted from dialling to the end.
        outcomes: Contacts by outcome.
        days: Calls by local day.
        hours: Calls by local hour, 24 of them.
        zones: The zones in which times are given, with the contacts who were called, or would be, in each.
        answers: The lists for the office by title.
        several_numbers: Whether any contact has more than one number.
    """

    def __init__(self, prices: Prices, *, most_lists: int = 40, most_rows: int = 1000) -> None:
        self.prices = prices
        self._most_lists, self._most_rows = most_lists, most_rows
        self.contacts = self.called = self.reached = self.calls = self.minutes = self.estimated = 0
        self.outcomes: Counter[str] = Counter()
        self.days: dict[date, CallCounts] = {}
        self.hours = [CallCounts() for _ in range(24)]
        self.zones: Counter[str] = Counter()
        self.answers: dict[str, AnswerList] = {}
        self.several_numbers = False

    @property
    def cost(self) -> float:
        """Calls and minutes at the campaign file's prices."""
        return self.calls * self.prices.per_call + self.minutes * self.prices.per_minute

    def add(self, row: ReportRow) -> None:
        """Count one contact with its calls."""
        placed = [attempt for attempt in row.attempts if attempt.state is not AttemptState.VOID]
        self.contacts += 1
        self.called += bool(placed)
        self.reached += any(attempt.outcome in CONVERSATIONS for attempt in placed)
        self.outcomes[row.outcome] += 1
        lanes = [row.lane_at(attempt.phone) for attempt in placed] or [row.lane]
        self.zones.update({zone_of(lane) for lane in lanes})
        self.several_numbers = self.several_numbers or bool(row.contact.numbers)
        for attempt in placed:
            self._add_call(attempt, local_begin(row, attempt))
        for answer in answers_of(row):
            self._list(answer, row)

    def _add_call(self, attempt: Attempt, begun: datetime) -> None:
        reached = attempt.outcome in CONVERSATIONS
        for counts in (self.days.setdefault(begun.date(), CallCounts()), self.hours[begun.hour]):
            counts.calls += 1
            counts.reached += reached
        self.calls += 1
        if attempt.status is CallStatus.COMPLETED:
            seconds, reported = _length(attempt)
            self.minutes += max(1, ceil(seconds / SECONDS_OF_MINUTE))
            self.estimated += not reported

    def _list(self, answer: str, row: ReportRow) -> None:
        is_new = answer not in self.answers and answer not in OUTCOME_LISTS.values()
        title = OTHER_ANSWERS if is_new and len(self.answers) >= self._most_lists else answer
        listed = self.answers.setdefault(title, AnswerList(title))
        listed.count += 1
        if len(listed.rows) < self._most_rows:
            listed.rows.append(answer_row(row))


def answers_of(row: ReportRow) -> Sequence[str]:
    """The titles of the lists that a contact belongs to; none for a contact who answered nothing."""
    talk = row.talk
    titles = []
    if result := result_texts(talk):
        titles.append(", ".join(f"{name}: {value}" for name, value in result.items()))
    elif talk.get("digits"):
        titles.append(f"keys {talk['digits']}")
    if row.outcome in OUTCOME_LISTS:
        titles.append(OUTCOME_LISTS[row.outcome])
    return titles


def answer_row(row: ReportRow) -> AnswerRow:
    """A contact as a list for the office has it."""
    told = row.told_attempt
    return AnswerRow(
        row.contact.phone,
        "" if told is None else told.phone,
        {name: str(value) for name, value in row.contact.variables.items()},
        str(row.talk.get("digits", "")),
        result_texts(row.talk),
        None if told is None else local_begin(row, told),
    )


def zone_of(lane: Lane) -> str:
    """The zone in which times of a lane are given."""
    return lane.zones[0] if lane.zones else "UTC"


def local_begin(row: ReportRow, attempt: Attempt) -> datetime:
    """When an attempt was begun, on the clock of the number that it called."""
    return instant(attempt.intent_at).astimezone(ZoneInfo(zone_of(row.lane_at(attempt.phone))))


def _length(attempt: Attempt) -> tuple[float, bool]:
    """The seconds of an answered call, and whether they were reported."""
    seconds = attempt.talk.get("seconds")
    if isinstance(seconds, int | float):
        return float(seconds), True
    ended = attempt.intent_at if attempt.ended_at is None else attempt.ended_at
    return (ended - attempt.intent_at) / 1000, False
