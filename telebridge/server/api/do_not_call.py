"""The endpoints of the do-not-call list: list it, add numbers, remove a number.

One rule: a cursor names the last entry of a page, so that numbers which are added or removed meanwhile move no other
page.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from aiohttp import hdrs, web

from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN, DoNotCallEntry, DoNotCallRecords
from telebridge.campaigns.numbers.numbers import read_number
from telebridge.campaigns.numbers.punctuation import NumberProblem
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.server.api.campaigns.endpoints import UNKNOWN_CAMPAIGN
from telebridge.server.api.campaigns.models import (
    AddDoNotCallRequest,
    DoNotCallChangeResponse,
    DoNotCallEntryResponse,
    DoNotCallListResponse,
    DoNotCallQuery,
    RemoveDoNotCallRequest,
)
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import endpoint, respond
from telebridge.server.http.problems import Problem, unknown_campaign
from telebridge.timing.epoch import instant, iso_instant


class DoNotCallEndpoints:
    """Answers `/api/do-not-call…`.

    Args:
        store: The list, and the campaigns that have lists of their own.
    """

    def __init__(self, store: CampaignStore) -> None:
        self._store = store

    @endpoint(hdrs.METH_GET, "/api/do-not-call", "List the do-not-call list, by number.", {200: DoNotCallListResponse})
    async def list_do_not_call(self, _request: web.Request, query: DoNotCallQuery, _body: Nothing) -> web.Response:
        """A page of the list."""
        return respond(await do_not_call_page(self._store.do_not_call, limit=query.limit, cursor=query.cursor))

    @endpoint(
        hdrs.METH_POST,
        "/api/do-not-call",
        "Put numbers on the do-not-call list, at once, for all campaigns or for one.",
        {200: DoNotCallChangeResponse},
        problems=UNKNOWN_CAMPAIGN,
        example={"numbers": ["+12125550123"], "reason": "asked by letter"},
    )
    async def add_do_not_call(self, _request: web.Request, _query: Nothing, body: AddDoNotCallRequest) -> web.Response:
        """Add numbers to the list."""
        phones = [_e164(number) for number in body.numbers]
        scope = await self._scope(body.campaign)
        count = await self._store.do_not_call.add(phones, source="api", reason=body.reason, scope=scope)
        return respond(DoNotCallChangeResponse(changed=count))

    @endpoint(
        hdrs.METH_POST,
        "/api/do-not-call/remove",
        "Take a number off the do-not-call list.",
        {200: DoNotCallChangeResponse},
        problems=UNKNOWN_CAMPAIGN,
        example={"number": "+12125550123"},
    )
    async def remove_do_not_call(
        self, _request: web.Request, _query: Nothing, body: RemoveDoNotCallRequest
    ) -> web.Response:
        """Remove a number from the list."""
        scope = await self._scope(body.campaign)
        removed = await self._store.do_not_call.remove(body.number, scope=scope)
        return respond(DoNotCallChangeResponse(changed=int(removed)))

    async def _scope(self, campaign_id: str | None) -> str:
        """The scope of a list: a campaign, which must exist, or all of them."""
        if campaign_id is None:
            return EVERY_CAMPAIGN
        if (found := await self._store.campaigns.find(campaign_id)) is None:
            raise unknown_campaign(campaign_id)
        return found.id


async def do_not_call_page(records: DoNotCallRecords, *, limit: int, cursor: str | None) -> DoNotCallListResponse:
    """A page of the list.

    Raises:
        Problem: `_cursor` did not make the cursor.
    """
    found: list[DoNotCallEntry] = []
    async for one in records.all(after=("", "") if cursor is None else _read_cursor(cursor)):
        found.append(one)
        if len(found) > limit:
            break
    page = found[:limit]
    return DoNotCallListResponse(
        numbers=[_entry(one) for one in page], next=_cursor(page[-1]) if len(found) > limit else None
    )


def _entry(one: DoNotCallEntry) -> DoNotCallEntryResponse:
    since = iso_instant(instant(one.added_at))
    return DoNotCallEntryResponse(
        number=one.phone, campaign=one.scope or None, since=since, source=one.source, reason=one.reason
    )


def _cursor(last: DoNotCallEntry) -> str:
    return urlsafe_b64encode(json.dumps([last.phone, last.scope]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        phone, scope = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if b"\0" in f"{phone:s}{scope:s}".encode():
            raise ValueError
    except (ValueError, TypeError) as error:
        detail = "'cursor' is none of ours: take 'next' of an answer as it is, or leave it away."
        raise Problem(422, detail, kind="invalid-fields") from error
    return phone, scope


def _e164(written: str) -> str:
    """The number in E.164. A number that cannot be called is refused: on the list it would stop no call."""
    number = read_number(written, country="", check="possible")
    if isinstance(number, NumberProblem):
        raise Problem(422, f"numbers: {number.reason}; none was put on the list.", kind="invalid-fields")
    return number.e164
