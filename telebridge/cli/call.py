"""`telebridge call`: ring one number, and let a flow speak."""

import asyncio
import json
from typing import Annotated

import typer

from telebridge.cli.call_show import list_calls, show_call
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.serving import tell
from telebridge.errors import ConfigurationError
from telebridge.server.api.placing import call_request
from telebridge.server.api.ports import CallOrder
from telebridge.settings import Settings, load_settings
from telebridge.twilio.calls import CallRequest
from telebridge.twilio.client import PlacedCall
from telebridge.twilio_account import open_twilio

POLL_SECONDS = 1.0


def call(
    to: Annotated[
        str, typer.Argument(metavar="TO|show|list", help="Whom to ring, such as +15551230000; or one of the words.")
    ],
    sid: Annotated[str | None, typer.Argument(metavar="[SID]", help="The call that is shown.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="A number of your account.")] = None,
    flow: Annotated[str | None, typer.Option(help="The flow that speaks; by default the one for the number.")] = None,
    ring_seconds: Annotated[int, typer.Option(min=5, max=600, help="How long it may ring.")] = 60,
    wait: Annotated[bool, typer.Option(help="Stay until the call is over, and tell how it went.")] = True,  # noqa: FBT002
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Place one outbound call; or tell what came of one (`call show SID`), or of the latest (`call list`).

    To place one, `telebridge serve` must run where `public_url` leads. Exits with 1 when it was not answered.
    """
    settings = load_settings(config)
    if to == "list":
        asyncio.run(list_calls(settings, as_json=json_))
        return
    if to == "show":
        if sid is None:
            raise ConfigurationError("SID", "is missing", "telebridge call show CA…")
        asyncio.run(show_call(settings, sid, as_json=json_))
        return
    if from_ is None:
        raise ConfigurationError("--from", "is missing", "give a number of your account, such as +15559870000")
    request = call_request(CallOrder(to, from_, flow=flow or "", ring_seconds=ring_seconds), settings.public_url)
    placed = asyncio.run(_call(settings, request, wait=wait, quiet=json_))
    if json_:
        told = {"sid": placed.sid, "status": placed.status.value, "duration_seconds": placed.duration_seconds}
        tell(json.dumps(told))
    if wait and placed.status.value != "completed":
        raise typer.Exit(1)


async def _call(settings: Settings, request: CallRequest, *, wait: bool, quiet: bool) -> PlacedCall:
    async with open_twilio(settings.twilio) as calls:
        placed = await calls.create(request)
        status = None
        while True:
            if placed.status is not status and not quiet:
                tell(f"{placed.sid} {placed.status.value}")
            status = placed.status
            if not wait or status.is_final:
                return placed
            await asyncio.sleep(POLL_SECONDS)
            placed = await calls.fetch(placed.sid)
