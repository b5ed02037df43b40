"""The contacts of a campaign: as an import adds them, as a store keeps them, and the position of an import.

One rule: every contact has a lane; a row whose legal hours cannot be determined is rejected at the import.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from telebridge.campaigns.engine.states import ContactState

IMPORT_LEASE_SECONDS = 60.0
COUNTRY_HELD, REFUSED_HELD = "country", "refused"
"""What `Contact.held` says after a refusal of Twilio that used nothing up: of its country, or for an unknown reason."""
REGIONS_APART = "+"


def import_lease(campaign_id: str) -> str:
    """The name of the task that filling a campaign is."""
    return f"import {campaign_id}"


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a batch of an import.

    Args:
        added: How many contacts are new.
        duplicates: How many the campaign had already.
        updated: How many of these were not called yet and got other data.
    """

    added: int
    duplicates: int
    updated: int = 0


@dataclass(frozen=True, slots=True)
class ImportPosition:
    """How far a campaign is filled from a source.

    Args:
        source: Its name for people, then a tab and whatever tells it from another; "" before the first.
        line: Its last line whose contacts are in.
        under_way: Whether it was begun and has not come to its end.
    """

    source: str = ""
    line: int = 0
    under_way: bool = False

    @property
    def name(self) -> str:
        """The source for people."""
        return self.source.partition("\t")[0]


@dataclass(frozen=True, slots=True)
class BegunImport:
    """An import that goes on behind a line, 0 for a new source, and how the campaign was filled before it."""

    line: int
    before: ImportPosition


class Lane(msgspec.Struct, frozen=True):
    """All contacts of a campaign that open and close together. A struct, as `NewContact` is, which has one.

    Args:
        zones: Every time zone that the called person may be in, by its name in the IANA database, sorted. All of them
            must be inside the calling hours.
        region: Whose law applies: a country, or a country and its part, as ISO 3166 spells them (`US-FL`, `GB`). Where
            the laws of several hold together, all of them, sorted: `US-FL+US-NY`.
    """

    zones: tuple[str, ...]
    region: str

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries whose law applies, sorted."""
        return tuple(sorted({one.partition("-")[0] for one in regions_in(self.region)}))


def regions_in(region: str) -> tuple[str, ...]:
    """The regions whose laws hold together; most lanes have one."""
    return tuple(region.split(REGIONS_APART))


def joined_regions(regions: Iterable[str]) -> str:
    """Several regions as the `region` of a lane in which the laws of all hold."""
    return REGIONS_APART.join(sorted(set(regions)))


class ContactNumber(msgspec.Struct, frozen=True, array_like=True):
    """One of several numbers of a contact.

    Args:
        phone: E.164.
        lane_id: When it may be called.
        unusable: Twilio does not call it: there is no such number, or it costs extra.
    """

    phone: str
    lane_id: int
    unusable: bool = False


class NewContact(msgspec.Struct, frozen=True):
    """One row of an import. A struct and no dataclass: millions of them go from process to process.

    Args:
        phone: The number to call, in E.164.
        lane: When it may be called.
        variables: What the flow knows of the contact: every other column.
        priority: Higher is called earlier.
        due_at: Not to be called before; None for as soon as it may be.
        consented_at: When the person agreed to be called; None when that is not known.
        consent_source: Where that is written down.
        others: Further numbers to be tried after it, in their order, and when each may be called.
    """

    phone: str
    lane: Lane
    variables: Mapping[str, str]
    priority: int = 0
    due_at: datetime | None = None
    consented_at: datetime | None = None
    consent_source: str = ""
    others: tuple[tuple[str, Lane], ...] = ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A person to be called, as the store keeps them.

    Args:
        id: The store's.
        campaign_id: Whose contact it is.
        lane_id: When the number may be called that is called next.
        phone: E.164, once in a campaign; the first of several numbers.
        state: See `ContactState`.
        due_at: Not to be called before; of one that is done, when its last call ended.
        attempts: Calls so far, without those that were never placed.
        claims: Attempts so far, with those; the latest attempt has this number.
        outcome: How its last call ended, or why it is skipped.
        held: Why `due_at` was put off, when it was.
        variables: What the flow knows of it.
        consented_at: When it agreed to be called.
        consent_source: Where that is written down.
        numbers: All of its numbers in the order in which they are tried; empty when it has one.
        number: The place among these of the one that is called next, or was called last.
    """

    id: int
    campaign_id: str
    lane_id: int
    phone: str
    state: ContactState
    due_at: int
    attempts: int = 0
    claims: int = 0
    outcome: str = ""
    held: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    consented_at: int | None = None
    consent_source: str = ""
    numbers: tuple[ContactNumber, ...] = ()
    number: int = 0

    @property
    def called_phone(self) -> str:
        """The number that is called next, or was called last."""
        return self.numbers[self.number].phone if self.numbers else self.phone

    @property
    def phones(self) -> tuple[str, ...]:
        """All of its numbers; do-not-call entries and caps of one of them hold for the person."""
        return tuple(one.phone for one in self.numbers) if self.numbers else (self.phone,)

    @property
    def usable_numbers(self) -> int:
        """How many of its numbers can be called."""
        return sum(not one.unusable for one in self.numbers) if self.numbers else 1

    def with_another_claim(self) -> "Contact":
        """Return the contact with one attempt more, which counts as a call unless it is never placed."""
        return replace(self, attempts=self.attempts + 1, claims=self.claims + 1, held="")

    def number_behind(self, phone: str) -> int | None:
        """The place of the next number that can be called, behind one of them; None when that was the last."""
        places = [place for place, one in enumerate(self.numbers) if one.phone == phone]
        first = places[0] + 1 if places else len(self.numbers)
        return next((place for place in range(first, len(self.numbers)) if not self.numbers[place].unusable), None)

    def at_number(self, place: int) -> "Contact":
        """Return the contact with another number to be called next, in the lane of that."""
        return replace(self, number=place, lane_id=self.numbers[place].lane_id)

    def at_first_number(self) -> "Contact":
        """Return the contact with its first number that can be called as the next."""
        first = next((place for place, one in enumerate(self.numbers) if not one.unusable), None)
        return self if first is None else self.at_number(first)

    def without_number(self, phone: str) -> "Contact":
        """Return the contact with one of its numbers as unusable."""
        numbers = tuple(
            ContactNumber(one.phone, one.lane_id, unusable=True) if one.phone == phone else one for one in self.numbers
        )
        return replace(self, numbers=numbers)

    def with_all_numbers(self) -> "Contact":
        """Return the contact with all of its numbers to be tried again, from the first."""
        numbers = tuple(ContactNumber(one.phone, one.lane_id) for one in self.numbers)
        return replace(self, numbers=numbers).at_number(0) if numbers else self
