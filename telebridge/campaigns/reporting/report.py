"""A campaign's report: each contact with every attempt to reach it, what was heard, and what was answered.

One rule: a contact has exactly one row, so the outcomes add up to the contacts.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telebridge.campaigns.csv_cells import safe_cell
from telebridge.campaigns.engine.attempt import Attempt, attempt_json
from telebridge.campaigns.engine.contact import Contact, Lane
from telebridge.campaigns.engine.states import ContactState
from telebridge.campaigns.store.protocols import ReportRecords
from telebridge.timing.epoch import iso_time

BEFORE = ("phone",)
BEHIND = (
    "state", "outcome", "attempts", "called_number", "last_called_at", "next_call_at", "call_sid", "answered_by",
    "taken_for", "heard", "digits", "interruptions", "first_audio_ms", "error",
)  # fmt: skip
"""The columns around a contact's own; behind them comes one for each result, `result_NAME`."""
CALLED_NUMBER = "called_number"
"""The column of the number that was called last: any one of a contact's."""
BOM = "\ufeff"
"""Begins a CSV that Excel is to read as UTF-8."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One contact of a report.

    Args:
        contact: Who it is.
        lane: Where the number is that is called next, or was called last.
        attempts: The earliest first.
        lanes: Where each number is, of a contact that has several.
    """

    contact: Contact
    lane: Lane
    attempts: Sequence[Attempt] = field(default_factory=list)
    lanes: Mapping[str, Lane] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """Its outcome, or "waiting" or "calling"."""
        ended = self.contact.state in {ContactState.DONE, ContactState.SKIPPED}
        return self.contact.outcome if ended else {"ready": "waiting", "live": "calling"}[self.contact.state.value]

    @property
    def talk(self) -> Mapping[str, Any]:
        """What was heard and answered in the last call that anything was said in; empty without such a call."""
        told = self.told_attempt
        return {} if told is None else told.talk

    @property
    def told_attempt(self) -> Attempt | None:
        """The attempt of `talk`; the last one when nothing was said in any."""
        last = self.attempts[-1] if self.attempts else None
        return next((one for one in reversed(self.attempts) if one.talk), last)

    def lane_at(self, phone: str) -> Lane:
        """Where one of the contact's numbers is."""
        return self.lanes.get(phone, self.lane)

    def cells(self, variables: Sequence[str], results: Sequence[str] = ()) -> list[str]:
        """The row as a CSV has it. Numbers are left as they are: `+` and digits are no formula that does anything.

        Args:
            variables: The contact's own columns, in their order.
            results: The names of the results, in their order; see `result_names`.
        """
        numbers = {0, 1 + len(variables) + BEHIND.index(CALLED_NUMBER)}
        texts = self.texts(variables, results)
        return [text if at in numbers else safe_cell(text) for at, text in enumerate(texts)]

    def texts(self, variables: Sequence[str], results: Sequence[str] = ()) -> list[str]:
        """The row as it is, for a file in which no text is a formula; see `cells` for the arguments."""
        contact, last, talk = self.contact, self.attempts[-1] if self.attempts else None, self.talk
        result = [
            contact.state.value,
            self.outcome,
            str(contact.attempts),
            last.phone if last is not None else "",
            iso_time(last.intent_at) if last is not None else "",
            self._next_call_at,
            (last.call_sid or "") if last is not None else "",
            last.answered_by if last is not None else "",
            str(talk.get("answered_by", "")),
            " ".join(text for text in talk.get("heard", ()) if text),
            talk.get("digits", ""),
            str(talk.get("interruptions", "")),
            str(talk.get("first_audio_ms") or ""),
            last.error if last is not None else "",
        ]
        own = [str(contact.variables.get(name, "")) for name in variables]
        told = result_texts(talk)
        return [contact.phone, *own, *result, *(told.get(name, "") for name in results)]

    @property
    def _next_call_at(self) -> str:
        due = self.contact.due_at if self.contact.state is ContactState.READY else None
        return iso_time(due) if due else ""

    def as_json(self) -> dict[str, Any]:
        """The row with all its attempts, as plain values."""
        contact = self.contact
        return {
            "phone": contact.phone,
            "numbers": [{"number": phone, **_place(self.lane_at(phone))} for phone in contact.phones],
            "variables": dict(contact.variables),
            "state": contact.state.value,
            "outcome": self.outcome,
            "attempts": [attempt_json(attempt) for attempt in self.attempts],
            "next_call_at": self._next_call_at or None,
            **_place(self.lane),
            "consented_at": None if contact.consented_at is None else iso_time(contact.consented_at),
            "consent_source": contact.consent_source,
        }


def _place(lane: Lane) -> dict[str, Any]:
    return {"zones": list(lane.zones), "region": lane.region}


def result_texts(talk: Mapping[str, Any]) -> dict[str, str]:
    """The results of a flow as texts by name; a list or a table in one of them is JSON."""
    return {str(name): _result_text(value) for name, value in (talk.get("result") or {}).items()}


def _result_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


async def result_names(reports: ReportRecords, campaign_id: str) -> list[str]:
    """The names of all results in the order in which they first appear.

    A result that is first set while the report is written is in the next report.
    """
    names: dict[str, None] = {}
    async for attempt in reports.attempts(campaign_id):
        names.update(dict.fromkeys(str(name) for name in attempt.talk.get("result") or ()))
    return list(names)


def header_of(variables: Sequence[str], results: Sequence[str] = ()) -> list[str]:
    """The first line of a CSV; a contact's column that is called like another one gets a name of its own."""
    behind = [*BEHIND, *(f"result_{name}" for name in results)]
    taken = {*BEFORE, *behind}
    own: list[str] = []
    for variable in variables:
        name = safe_cell(variable)
        while name in taken or (name != variable and name in variables):
            name = f"contact_{name}"
        taken.add(name)
        own.append(name)
    return [*BEFORE, *own, *behind]


async def csv_lines(reports: ReportRecords, campaign_id: str, rows: AsyncIterator[ReportRow]) -> AsyncIterator[str]:
    """A CSV, a line at a time: the header first, with the columns of all contacts."""
    variables = await reports.columns(campaign_id)
    results = await result_names(reports, campaign_id)
    yield _line(header_of(variables, results))
    async for row in rows:
        yield _line(row.cells(variables, results))


async def json_lines(rows: AsyncIterator[ReportRow]) -> AsyncIterator[str]:
    """One array, a contact in each line."""
    before = "[\n"
    async for row in rows:
        yield before + json.dumps(row.as_json(), ensure_ascii=False, default=str)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


async def report_rows(reports: ReportRecords, campaign_id: str) -> AsyncIterator[ReportRow]:
    """Every contact in the order of import, whatever its number; only a page of it is in memory."""
    lanes = await reports.lanes(campaign_id)
    attempts = reports.attempts(campaign_id)
    ahead = await anext(attempts, None)
    async for contact in reports.contacts(campaign_id):
        own: list[Attempt] = []
        while ahead is not None and ahead.contact_id <= contact.id:
            own += [ahead] if ahead.contact_id == contact.id else []
            ahead = await anext(attempts, None)
        several = {one.phone: lanes[one.lane_id] for one in contact.numbers}
        yield ReportRow(contact, lanes[contact.lane_id], own, several)


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
