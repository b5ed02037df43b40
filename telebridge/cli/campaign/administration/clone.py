"""`telebridge campaign clone`: a draft like a campaign."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from telebridge.campaigns.administration.cloning import Cloned
from telebridge.campaigns.reporting.view import campaign_json
from telebridge.cli.campaign.store import NameArgument, campaign_store, find_campaign, flows_of, run
from telebridge.cli.options import AppOption, ConfigOption, JsonOption
from telebridge.cli.process.printing import number_of, print_line, print_text
from telebridge.server.api.campaigns.edit import clone_campaign
from telebridge.settings.loading import load_settings


def clone(
    name: NameArgument,
    new_name: Annotated[str, typer.Argument(help="The name of the new campaign.")],
    contacts: Annotated[bool, typer.Option("--contacts", help="Copy its contacts too, as not called yet.")] = False,  # noqa: FBT002
    outcome: Annotated[
        str, typer.Option(help="Only contacts that ended so, by commas, such as no_answer,busy; implies --contacts.")
    ] = "",
    app: AppOption = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Make a draft like a campaign, with another name; nobody is called before **start**.

    Attempts stay with the first one, and count for the caps of their numbers. Its own do-not-call entries hold for the
    new one too.
    """
    settings = load_settings(config)
    flows = flows_of(settings, app)
    outcomes = {part.strip() for part in outcome.split(",") if part.strip()}

    async def cloned() -> Cloned:
        async with campaign_store(settings) as store:
            model = await find_campaign(store, name)
            return await clone_campaign(
                store,
                model,
                new_name,
                contacts=contacts or bool(outcomes),
                outcomes=outcomes,
                flows=flows,
                wallclock=datetime.now(UTC),
            )

    done = run(cloned())
    if json_:
        told = {"contacts": done.contacts, "do_not_call": done.do_not_call}
        print_line(json.dumps({**campaign_json(done.campaign), **told}))
        return
    one = done.campaign
    print_text(
        f"campaign '{one.plan.name}' ({one.id[:8]}) is {one.status.value}, with {number_of(done.contacts, 'contact')}"
    )
    if not done.contacts:
        print_text(f"`telebridge campaign import {one.plan.name} --contacts CSV` brings them in")
