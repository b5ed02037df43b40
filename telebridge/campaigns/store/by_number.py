"""Finds contacts by any of their numbers.

The first number of a contact is in an index. Further numbers stand in a column of the few contacts that have several:
these rows are read, a page at a time.

One rule: whatever asks whose a number is does it here, so that no number of a person is overlooked. Imports do not ask:
to them the first number is the key of a contact.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Text, or_, select, type_coerce

from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.store.tables import contact, contact_of
from telebridge.database.database import Database

LOOKED_UP = 500
"""So many values are looked up in one statement."""
PAGE = 5000
FEW = 20
"""So many numbers are looked for in the text of the column, more of them in its values."""

T = TypeVar("T")


def contacts_with_numbers(
    database: Database, connection: Connection, campaign_ids: Collection[str], phones: Collection[str]
) -> list[Contact]:
    """Return the contacts of these campaigns that have any of these numbers, first or further, in the order of import.

    Args:
        database: Whose connection it is.
        connection: In a transaction.
        campaign_ids: Whose contacts.
        phones: E.164.
    """
    wanted = frozenset(phones)
    if not wanted or not campaign_ids:
        return []
    found: dict[int, Contact] = {}
    ours = contact.c.campaign_id.in_(list(campaign_ids))
    for some in in_parts(sorted(wanted)):
        rows = connection.execute(select(contact).where(ours, database.among(contact.c.phone, some)))
        found.update((row.id, contact_of(row)) for row in rows)
    further = [one for campaign_id in campaign_ids for one in _with_further_number(connection, campaign_id, wanted)]
    for ids in in_parts([contact_id for contact_id in further if contact_id not in found]):
        rows = connection.execute(select(contact).where(database.among(contact.c.id, ids)))
        found.update((row.id, contact_of(row)) for row in rows)
    return [found[contact_id] for contact_id in sorted(found)]


def _with_further_number(connection: Connection, campaign_id: str, phones: frozenset[str]) -> Iterator[int]:
    query = select(contact.c.id, contact.c.numbers).where(
        contact.c.campaign_id == campaign_id, contact.c.numbers.is_not(None)
    )
    if len(phones) <= FEW:  # the database passes over the others ten times faster
        written = type_coerce(contact.c.numbers, Text)
        query = query.where(or_(*(written.contains(phone, autoescape=True) for phone in phones)))
    query = query.order_by(contact.c.id).limit(PAGE)
    after = 0
    while True:
        page = connection.execute(query.where(contact.c.id > after)).all()
        for contact_id, numbers in page:
            if any(one.phone in phones for one in numbers):
                yield contact_id
        if len(page) < PAGE:
            return
        after = page[-1].id


def in_parts(values: Sequence[T]) -> list[Sequence[T]]:
    """Return the values in parts that one statement can look up."""
    return [values[start : start + LOOKED_UP] for start in range(0, len(values), LOOKED_UP)]
