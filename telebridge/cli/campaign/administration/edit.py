"""`telebridge campaign edit`: changes what a campaign does, also while it runs."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from telebridge.campaigns.definition.editing import (
    CHANGES_WHILE_RUNNING,
    change_text,
    limit_warnings,
    read_change,
    shown_keys,
    shown_value,
    when_edit_counts,
)
from telebridge.campaigns.definition.loading import load_campaign, read_campaign
from telebridge.campaigns.engine.administration import KeyChange
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.reporting.view import campaign_json
from telebridge.cli.campaign.store import NameArgument, campaign_store, find_campaign, flows_of, run
from telebridge.cli.options import AppOption, ConfigOption, JsonOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.server.api.campaigns.edit import changed_file, edit_campaign
from telebridge.settings.loading import load_settings


def edit(
    name: NameArgument,
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Such as max_live=20; `end_at=` removes a key."),
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Take the whole changed campaign file instead.")] = None,
    app: AppOption = None,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Change a campaign's rate, hours, retries and the like, also while it runs; without changes show its keys.

    Keys are those of a campaign file: **max_live=20**, **window.sat=10:00-14:00**, **retry.busy='["5m", "1h"]'**,
    **end_at=2026-03-31T20:00:00-04:00**. What a call under way asks for, or how contacts are read, needs a pause first.
    """
    settings = load_settings(config)
    if changes and file is not None:
        raise ConfigurationError("--file", "is given besides single changes", "write them into the file")
    read = [read_change(one) for one in changes or ()]
    flows = flows_of(settings, app)

    async def edited() -> tuple[Campaign, tuple[KeyChange, ...]]:
        async with campaign_store(settings) as store:
            one = await find_campaign(store, name)
            if not read and file is None:
                return one, ()
            text = changed_file(one, read) if file is None else _file_text(file, one)
            return await edit_campaign(store, one, text, flows=flows, wallclock=datetime.now(UTC))

    one, done = run(edited())
    if not read and file is None:
        _tell_keys(one, json_=json_)
        return
    if json_:
        told = {change.key: {"before": change.before, "after": change.after} for change in done}
        print_line(json.dumps({**campaign_json(one), "changes": told}))
    else:
        print_text(_told(one, done))
    limits = {"max_live": settings.campaigns.max_live, "calls_per_second": settings.campaigns.calls_per_second}
    for warning in limit_warnings(limits, done):
        print_text(f"warning: {warning}", err=True)


def _file_text(file: Path, one: Campaign) -> str:
    written = load_campaign(file)
    if written.name != one.plan.name:
        problem = f"is the file of campaign '{written.name}', not of '{one.plan.name}'"
        raise ConfigurationError(str(file), problem, f"`name={written.name}` instead of --file gives it that name")
    return file.read_text(encoding="utf-8-sig")


def _told(one: Campaign, done: Sequence[KeyChange]) -> str:
    """What was changed, and when it counts, in one line."""
    head = f"campaign '{one.plan.name}' is {one.status.value}"
    if not done:
        return f"{head}; nothing was changed: it is so already"
    changes = ", ".join(map(change_text, done))
    return f"{head}: {changes}; {when_edit_counts(one)}"


def _tell_keys(one: Campaign, *, json_: bool) -> None:
    """Print what holds now, and what may be changed when."""
    keys = shown_keys(read_campaign(one.plan.file, where=f"campaign '{one.plan.name}'"))
    if json_:
        print_line(json.dumps({**campaign_json(one), "keys": keys}))
        return
    running = {key: value for key, value in keys.items() if key.partition(".")[0] in CHANGES_WHILE_RUNNING}
    print_text(f"campaign '{one.plan.name}' is {one.status.value}. At any time, also while it runs:")
    for line in _lines(running):
        print_text(line)
    print_text("while it is a draft, paused or done:")
    for line in _lines({key: value for key, value in keys.items() if key not in running}):
        print_text(line)
    print_text(f"change one with `telebridge campaign edit {one.plan.name} max_live=20`; `KEY=` removes it")


def _lines(keys: dict[str, Any]) -> Iterator[str]:
    for key, value in keys.items():
        yield f"  {key:<24} {shown_value(value)}"
