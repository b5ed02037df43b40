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
from telebridge.epoch import iso_time

BEFORE = ("phone",)
BEHIND = (
    "state", "outcome", "attempts", "last_called_at", "next_call_at", "call_sid", "answered_by", "heard", "digits",
    "interruptions", "first_audio_ms", "error",
)  # fmt: skip
"""The columns around a contact's own; behind them comes one for each result, `result_NAME`."""
BOM = "\ufeff"
"""Begins a CSV that Excel is to read as UTF-8."""


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A contact, where it may be, and its attempts, the earliest first."""

    contact: Contact
    lane: Lane
    attempts: Sequence[Attempt] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """Its outcome, or "waiting" or "calling"."""
        ended = self.contact.state in {ContactState.DONE, ContactState.SKIPPED}
        return self.contact.outcome if ended else {"ready": "waiting", "live": "calling"}[self.contact.state.value]

    @property
    def talk(self) -> Mapping[str, Any]:
        """What was heard and answered in the last call that anything was said in; empty without such a call."""
        return next((one.talk for one in reversed(self.attempts) if one.talk), {})

    def cells(self, variables: Sequence[str], results: Sequence[str] = ()) -> list[str]:
        """The row as a CSV has it. The number is left as it is: `+` and digits are no formula that does anything.

        Args:
            variables: The contact's own columns, in their order.
            results: The names of the results, in their order; see `result_names`.
        """
        return [self.contact.phone, *map(safe_cell, self.texts(variables, results)[1:])]

    def texts(self, variables: Sequence[str], results: Sequence[str] = ()) -> list[str]:
        """The row as it is, for a file in which no text is a formula; see `cells` for the arguments."""
        contact, last, talk = self.contact, self.attempts[-1] if self.attempts else None, self.talk
        result = [
            contact.state.value,
            self.outcome,
            str(contact.attempts),
            iso_time(last.intent_at) if last is not None else "",
            self._next_call_at,
            (last.call_sid or "") if last is not None else "",
            last.answered_by if last is not None else "",
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
            "numbers": list(contact.phones),
            "variables": dict(contact.variables),
            "state": contact.state.value,
            "outcome": self.outcome,
            "attempts": [attempt_json(attempt) for attempt in self.attempts],
            "next_call_at": self._next_call_at or None,
            "zones": list(self.lane.zones),
            "region": self.lane.region,
            "consented_at": None if contact.consented_at is None else iso_time(contact.consented_at),
            "consent_source": contact.consent_source,
        }


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
        yield ReportRow(contact, lanes[contact.lane_id], own)


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
