"""Pages of the do-not-call list, by number.

One rule: a cursor names the last number that was told, so that numbers which come or go meanwhile move no other page.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from telebridge.campaigns.engine.do_not_call import Barred, DoNotCallRecords
from telebridge.campaigns.engine.epoch import instant, iso_instant
from telebridge.server.campaign_models import BarredNumber, BarredTold
from telebridge.server.problems import Problem


async def barred_page(records: DoNotCallRecords, *, limit: int, cursor: str | None) -> BarredTold:
    """A page of the list.

    Raises:
        Problem: The cursor is somebody else's.
    """
    found: list[Barred] = []
    async for one in records.all(after=("", "") if cursor is None else _read(cursor)):
        found.append(one)
        if len(found) > limit:
            break
    page = found[:limit]
    return BarredTold(numbers=[_entry(one) for one in page], next=_cursor(page[-1]) if len(found) > limit else None)


def _entry(one: Barred) -> BarredNumber:
    since = iso_instant(instant(one.added_at))
    return BarredNumber(number=one.phone, campaign=one.scope or None, since=since, source=one.source, reason=one.reason)


def _cursor(last: Barred) -> str:
    return urlsafe_b64encode(json.dumps([last.phone, last.scope]).encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[str, str]:
    try:
        phone, scope = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if b"\0" in f"{phone:s}{scope:s}".encode():
            raise ValueError
    except (ValueError, TypeError) as error:
        detail = "'cursor' is none of ours: take 'next' of an answer as it is, or leave it away."
        raise Problem(422, detail, kind="invalid-fields") from error
    return phone, scope
