"""The node `hours`: is it open now?

One rule: hours are kept as they are written, and read where they are looked at; what is wrong is told at the field.
"""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field
from typing_extensions import override

from telebridge.flows.nodes.opening_hours import OpeningHours, read_date, read_days, read_spans, require_region
from telebridge.flows.nodes.part import Part
from telebridge.flows.values import NodeName

OPENING_NAME = r"^[\w.-]+$"


def _zone(written: object) -> object:
    if isinstance(written, str):
        try:
            ZoneInfo(written)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"'{written}' is no zone: write an IANA name such as Europe/Berlin") from None
    return written


def _spans(written: object) -> object:
    """Take one text, or a list of windows."""
    if isinstance(written, list):
        written = ", ".join(map(str, written))
    if not isinstance(written, str):
        raise ValueError("should be hours such as 08:00-17:00, in quotes, or closed")
    read_spans(written)
    return written


def _days(written: object) -> object:
    if isinstance(written, dict):
        for days in written:
            read_days(str(days))
    return written


def _dates(written: object) -> object:
    """Make every date text, because YAML reads `2026-12-24` as a date."""
    if not isinstance(written, dict):
        return written
    dates = {each.isoformat() if isinstance(each, date) else str(each): hours for each, hours in written.items()}
    for each in dates:
        read_date(each)
    return dates


def _region(written: object) -> object:
    if written is False:
        raise ValueError("should be the code of a country; YAML reads NO as false: put it in quotes")
    return require_region(written) if isinstance(written, str) else written


ZoneName = Annotated[str, BeforeValidator(_zone)]
HoursText = Annotated[str, BeforeValidator(_spans)]
WeekHours = Annotated[dict[str, HoursText], BeforeValidator(_days)]
DateHours = Annotated[dict[str, HoursText], BeforeValidator(_dates)]
Region = Annotated[str, BeforeValidator(_region)]


class OpeningTimes(Part):
    """When it is open, on the wall clock of the flow's `zone`. Hours that end before they begin go on over midnight."""

    week: Annotated[
        WeekHours,
        Field(
            description="Hours by day of the week: `mon`, `mon-fri`, `sat, sun` or `daily`; a day that is missing is "
            "closed. Hours are `08:00-17:00`, several with commas between, or `closed`."
        ),
    ]
    exceptions: Annotated[
        DateHours,
        Field(description="Hours of single dates, before all else: `2026-12-24`, or `12-24` for every year."),
    ] = {}
    holidays: Annotated[
        Region | None,
        Field(description="Closed on the public holidays of a country, `DE`, or of a part of it, `DE-BY` or `US-CA`."),
    ] = None
    zone: Annotated[ZoneName | None, Field(description="Another zone than the flow's.")] = None
    name: Annotated[
        str | None,
        Field(
            pattern=OPENING_NAME,
            description="The name by which it is set open or closed by hand; without it the flow's.",
        ),
    ] = None

    @override
    def __str__(self) -> str:
        week = ", ".join(f"{days} {hours}" for days, hours in self.week.items())
        return f"{week}; holidays of {self.holidays}" if self.holidays else week

    def hours_in(self, zone: str) -> OpeningHours:
        """The hours, in this zone where none is written here."""
        return OpeningHours.read(self.zone or zone, self.week, self.exceptions, self.holidays or "")


class HoursNode(Part):
    """Go on by whether it is open now: by the week, holidays and single dates, or as somebody set it by hand."""

    hours: Annotated[OpeningTimes, Field(description="When it is open.")]
    open: Annotated[NodeName, Field(description="The node that follows when it is open.")]
    closed: Annotated[NodeName, Field(description="The node that follows when it is closed.")]
    holiday: Annotated[
        NodeName | None, Field(description="The node that follows on a holiday; without it `closed`.")
    ] = None
