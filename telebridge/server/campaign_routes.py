"""The routes of campaigns and of the do-not-call list, for the API's one table."""

from typing import Any

from aiohttp import hdrs
from pydantic import BaseModel

from telebridge.server.api_models import Asked, Nothing
from telebridge.server.api_route import ApiRoute
from telebridge.server.campaign_models import (
    BarNumbers,
    BarredQuery,
    BarredTold,
    Barring,
    CampaignCancelled,
    CampaignStands,
    CampaignsTold,
    CampaignTold,
    CancelCampaign,
    ContactsTaken,
    FreeNumber,
    MakeCampaign,
    ReportQuery,
)
from telebridge.server.campaigns_door import CampaignsDoor
from telebridge.server.events_door import EventsDoor

UNKNOWN = {404: "There is no such campaign."}
REFUSED = {**UNKNOWN, 409: "It cannot happen to the campaign as it stands; `detail` says why."}
EXAMPLE = 'name = "reminders"\nflow = "reminder"\nkind = "informational"\nfrom = "+12125550100"\n'


def campaign_routes(door: CampaignsDoor, events: EventsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    """Campaigns and the do-not-call list, in the order of the API's description."""
    return (
        *_campaigns(door),
        _contacts(door),
        *_orders(door),
        *_outcomes(door, events),
        *_do_not_call(door),
    )


def _campaigns(door: CampaignsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    return (
        _get("/api/campaigns", "list_campaigns", "List campaigns, newest first.", door.list_campaigns, CampaignsTold),
        ApiRoute(
            hdrs.METH_POST,
            "/api/campaigns",
            "make_campaign",
            "Make a draft from a campaign file, or change the campaign of that name, which must not dial.",
            door.make_campaign,
            query=Nothing,
            body=MakeCampaign,
            answers={201: CampaignTold},
            problems={409: "The campaign of that name dials.", 503: "The Twilio account is not set."},
            example={"file": EXAMPLE},
        ),
        _get(
            "/api/campaigns/{id}",
            "tell_campaign",
            "Tell how far a campaign is, and why contacts are not called at this moment.",
            door.tell_campaign,
            CampaignStands,
            UNKNOWN,
        ),
    )


def _contacts(door: CampaignsDoor) -> ApiRoute[Any, Any]:
    return ApiRoute(
        hdrs.METH_POST,
        "/api/campaigns/{id}/contacts",
        "add_contacts",
        "Import a CSV; a number that is there already is left as it is.",
        door.add_contacts,
        query=Nothing,
        body=Nothing,
        answers={200: ContactsTaken},
        problems={**REFUSED, 413: "The file is too large.", 415: "The body is not said to be text/csv."},
        upload="text/csv",
    )


def _orders(door: CampaignsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    return (
        _order("start", "start_campaign", "Let a campaign dial, or go on.", door.start, Nothing),
        _order("resume", "resume_campaign", "Go on with a campaign that was paused.", door.start, Nothing),
        _order("pause", "pause_campaign", "Call nobody further; live calls go on.", door.pause, Nothing),
        _order(
            "cancel",
            "cancel_campaign",
            "End a campaign for ever.",
            door.cancel,
            CancelCampaign,
            {"end_calls": True},
            told=CampaignCancelled,
        ),
    )


def _outcomes(door: CampaignsDoor, events: EventsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    return (
        ApiRoute(
            hdrs.METH_GET,
            "/api/campaigns/{id}/events",
            "follow_campaign",
            "Follow how a campaign stands, as server-sent events, until it is over.",
            events.campaign_events,
            query=Nothing,
            body=Nothing,
            answers={200: "text/event-stream"},
            problems={**UNKNOWN, 503: "Too many follow already."},
        ),
        ApiRoute(
            hdrs.METH_GET,
            "/api/campaigns/{id}/report",
            "report_campaign",
            "One row for each contact: attempts, outcome, what was heard, keys, result.",
            door.report,
            query=ReportQuery,
            body=Nothing,
            answers={200: "text/csv, application/json"},
            problems=UNKNOWN,
        ),
    )


def _do_not_call(door: CampaignsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    return (
        _get(
            "/api/do-not-call",
            "list_barred",
            "List the do-not-call list, by number.",
            door.list_barred,
            BarredTold,
            query=BarredQuery,
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/do-not-call",
            "bar_numbers",
            "Put numbers on the do-not-call list, at once, for all campaigns or for one.",
            door.bar,
            query=Nothing,
            body=BarNumbers,
            answers={200: Barring},
            problems=UNKNOWN,
            example={"numbers": ["+12125550123"], "reason": "asked by letter"},
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/do-not-call/remove",
            "free_number",
            "Take a number off the do-not-call list.",
            door.free,
            query=Nothing,
            body=FreeNumber,
            answers={200: Barring},
            problems=UNKNOWN,
            example={"number": "+12125550123"},
        ),
    )


def _get(
    path: str,
    operation: str,
    summary: str,
    door: Any,
    told: type[BaseModel],
    problems: dict[int, str] | None = None,
    query: type[Asked] = Nothing,
) -> ApiRoute[Any, Any]:
    return ApiRoute(
        hdrs.METH_GET,
        path,
        operation,
        summary,
        door,
        query=query,
        body=Nothing,
        answers={200: told},
        problems=problems or {},
    )


def _order(
    name: str,
    operation: str,
    summary: str,
    door: Any,
    body: type[Asked],
    example: dict[str, Any] | None = None,
    told: type[CampaignTold] = CampaignTold,
) -> ApiRoute[Any, Any]:
    return ApiRoute(
        hdrs.METH_POST,
        f"/api/campaigns/{{id}}/{name}",
        operation,
        summary,
        door,
        query=Nothing,
        body=body,
        answers={200: told},
        problems={**REFUSED, 503: "No Twilio account is set."} if told is CampaignCancelled else REFUSED,
        example=example,
    )
