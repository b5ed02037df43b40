"""The handlers whose endpoints are the API."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from telebridge.app.parts import BridgeParts, allowed_transfers
from telebridge.rime.parameters import speech_parameters
from telebridge.server.api.calls import CallEndpoints
from telebridge.server.api.campaigns.administration import CampaignAdministrationEndpoints
from telebridge.server.api.campaigns.endpoints import CampaignEndpoints
from telebridge.server.api.control import ControlEndpoints
from telebridge.server.api.desk.hours import HoursEndpoints
from telebridge.server.api.desk.messages import MessageEndpoints
from telebridge.server.api.do_not_call import DoNotCallEndpoints
from telebridge.server.api.events import EventEndpoints
from telebridge.server.api.ports import CallOriginator
from telebridge.server.http.idempotency_store import SqlIdempotencyKeys
from telebridge.settings.sections import RimeSettings
from telebridge.settings.settings import Settings
from telebridge.timing.epoch import system_clock


class ApiHandlers(NamedTuple):
    """The handlers whose endpoints are the API, in the order of its description."""

    calls: CallEndpoints
    control: ControlEndpoints
    events: EventEndpoints
    campaigns: CampaignEndpoints
    administration: CampaignAdministrationEndpoints
    do_not_call: DoNotCallEndpoints
    hours: HoursEndpoints
    messages: MessageEndpoints


def api_handlers(
    settings: Settings, parts: BridgeParts, originator: CallOriginator, events: EventEndpoints
) -> ApiHandlers:
    """The handlers whose endpoints are the API."""
    calls, campaigning = parts.calls, parts.campaigning
    lookup = parts.lookup
    keys = SqlIdempotencyKeys(parts.database)
    campaigns = CampaignEndpoints(
        campaigning.store,
        parts.flows,
        settings.twilio.account_sid,
        open_until=campaigning.law.open_until,
        opens_at=campaigning.law.opens_at,
        end_calls=campaigning.end_calls,
        wallclock=campaigning.wallclock,
    )
    administration = CampaignAdministrationEndpoints(
        campaigning.store,
        parts.flows,
        settings.twilio.account_sid,
        keep_attempts_days=settings.campaigns.keep_attempts_days,
        wallclock=campaigning.wallclock,
    )
    return ApiHandlers(
        CallEndpoints(lookup, calls.flows, originator, keys),
        ControlEndpoints(
            calls.find,
            lookup,
            calls.feed,
            partial(_check_voice, settings.rime),
            allowed_transfers(settings, parts.flows),
        ),
        events,
        campaigns,
        administration,
        DoNotCallEndpoints(campaigning.store),
        HoursEndpoints(parts.opening, parts.flows.files, campaigning.wallclock),
        MessageEndpoints(parts.messages, system_clock),
    )


def _check_voice(settings: RimeSettings, voice: Mapping[str, Any]) -> None:
    """Refuse synthesis parameters that the voice of the settings would not take.

    Raises:
        ConfigurationError: A name, type or range is wrong.
    """
    speech_parameters({**settings.parameters(), **voice}, where="voice")
