"""Corrected data of contacts that were not called yet, from another import of their campaign.

One rule: a contact that was called, or is being called, stays as it is.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.store.tables import IS_READY, contact, new_contact_values, new_number_values

AT_ONCE = 500
COMPARED = ("lane_id", "due_at", "variables", "consented_at", "consent_source", "numbers", "number")


def update_uncalled(
    connection: Connection, campaign_id: str, contacts: Sequence[NewContact], lanes: dict[tuple[Lane, int], int]
) -> int:
    """Give contacts that were not called yet what the import now says of them; returns how many it changed.

    Args:
        connection: In a transaction.
        campaign_id: Whose contacts they are.
        contacts: The batch, each number once.
        lanes: The ids of their lanes.
    """
    changed: list[dict[str, Any]] = []
    for at in range(0, len(contacts), AT_ONCE):
        some = contacts[at : at + AT_ONCE]
        by_phone = {
            new.phone: new_contact_values(campaign_id, lanes, new) | new_number_values(lanes, new) for new in some
        }
        query = select(contact).where(
            contact.c.campaign_id == campaign_id, contact.c.phone.in_(by_phone), IS_READY, contact.c.attempts == 0
        )
        for row in connection.execute(query.with_for_update()):
            wanted = by_phone[row.phone]
            if row.held and not wanted["due_at"]:  # put off by a cap or a limit, which still holds
                wanted["due_at"] = row.due_at
            if any(getattr(row, name) != wanted[name] for name in COMPARED):
                changed.append({"contact_id": row.id, **{f"new_{name}": wanted[name] for name in COMPARED}})
    if changed:
        values = {name: bindparam(f"new_{name}", type_=contact.c[name].type) for name in COMPARED}
        connection.execute(update(contact).where(contact.c.id == bindparam("contact_id")).values(values), changed)
    return len(changed)
