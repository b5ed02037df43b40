"""`telebridge call`: ring one number, and let a flow speak."""

import asyncio
import json
from typing import Annotated

import typer

from telebridge.campaigning import open_twilio
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.serving import tell
from telebridge.errors import ConfigurationError
from telebridge.settings import Settings, load_settings
from telebridge.twilio.calls import CallRequest
from telebridge.twilio.client import PlacedCall

POLL_SECONDS = 1.0


def call(
    to: Annotated[str, typer.Argument(help="Whom to ring, such as +15551230000.")],
    from_: Annotated[str, typer.Option("--from", help="A number of your account.")],
    flow: Annotated[str | None, typer.Option(help="The flow that speaks; by default the one for the number.")] = None,
    ring_seconds: Annotated[int, typer.Option(min=5, max=600, help="How long it may ring.")] = 60,
    wait: Annotated[bool, typer.Option(help="Stay until the call is over, and tell how it went.")] = True,  # noqa: FBT002
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Place one outbound call. `telebridge serve` must run where `public_url` leads.

    Exits with 1 when the call was not answered.
    """
    settings = load_settings(config)
    if not settings.public_url:
        raise ConfigurationError("public_url", "is not set", "Twilio must know where `telebridge serve` answers")
    request = CallRequest(
        to,
        from_,
        url=settings.public_url + (f"/twilio/voice/{flow}" if flow else "/twilio/voice"),
        status_callback=f"{settings.public_url}/twilio/status",
        ring_seconds=ring_seconds,
    )
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
