"""`telebridge database`: back up a database of SQLite, restore it, and make up for what a restored database has lost.

PostgreSQL has its own programs for the first two.

One rule: a restored database dials nobody before a person has resumed its campaigns.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import make_url

from telebridge.app.campaigns import recovery_of
from telebridge.app.twilio import open_twilio
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.recovery.records import RecoveryRecords
from telebridge.campaigns.recovery.recovery import REASON, Recovered
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.cli.campaign.store import account_of
from telebridge.cli.database import migrated_database
from telebridge.cli.options import ConfigOption
from telebridge.cli.process.printing import print_text
from telebridge.database.copies import copied, move_away
from telebridge.database.database import database_of
from telebridge.database.engine import POSTGRESQL
from telebridge.errors import ConfigurationError
from telebridge.logs import configure_logs
from telebridge.settings.loading import load_settings
from telebridge.settings.sections import DatabaseSettings
from telebridge.settings.settings import Settings
from telebridge.timing.epoch import epoch_ms

STAMP = "%Y%m%dT%H%M%SZ"
BY_TIME = "telebridge-*.db"
"""The backups of a folder; their names sort by their time."""

database = typer.Typer(
    help="Back up the SQLite database while it is in use, restore it, and compare a restored one with Twilio.",
    epilog="docs/deploy/backup.md says it step by step, for PostgreSQL too.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@database.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A new file; or a folder, in which the file is named by the time.")],
    keep: Annotated[
        int | None, typer.Option(min=1, help="Keep so many backups in the folder; older ones are removed.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Copy the SQLite database as it is now to a file, while calls and campaigns go on."""
    source = _sqlite_file(load_settings(config), "pg_dump --format=custom --file=FILE ADDRESS")
    if not source.exists():
        raise ConfigurationError("database.url", f"'{source}' does not exist", "there is nothing to back up yet")
    folder = target if target.is_dir() else None
    if keep is not None and folder is None:
        raise ConfigurationError("--keep", f"'{target}' is no folder", "name the folder that has the backups")
    file = target if folder is None else folder / f"telebridge-{datetime.now(UTC):{STAMP}}.db"
    with copied(source, file):
        pass
    print_text(f"{file}: {file.stat().st_size:,} bytes")
    if folder is not None and keep is not None:
        for old in sorted(folder.glob(BY_TIME))[:-keep]:
            with suppress(FileNotFoundError):
                old.unlink()


@database.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    config: ConfigOption = None,
) -> None:
    """Put a backup of SQLite in the place of the database. Stop every `telebridge` that uses it before.

    The database that was there stays beside it, under another name. Campaigns that ran are paused.
    """
    settings = load_settings(config)
    target = _sqlite_file(settings, "pg_restore, then `telebridge database reconcile`")
    aside = target.with_name(f"{target.name}.before-restore-{datetime.now(UTC):{STAMP}}")
    fresh = target.with_name(f"{target.name}.restored")
    fresh.unlink(missing_ok=True)  # a restore that was interrupted
    try:
        with copied(file, fresh) as part:
            paused = asyncio.run(_mark(settings, part.absolute()))
        if target.exists():
            move_away(target, aside)
            print_text(f"{aside}: the database as it was")
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    print_text(f"{target}: restored from {file}; campaigns paused: {paused}")
    print_text("next: `telebridge database reconcile` takes the calls since the backup from Twilio's list")


@database.command()
def reconcile(
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
            help="Compare calls from this time on, in UTC; by default from the latest attempt in the database on.",
        ),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Compare a restored database with Twilio's list of calls, so that nobody is called again who was called already.

    Campaigns that run are paused. `telebridge serve` does the same at its start when it finds calls that the database
    does not know.
    """
    settings = load_settings(config)
    account = account_of(settings)
    configure_logs()
    done = asyncio.run(_reconcile(settings, account, since))
    print_text(f"calls taken from Twilio's list: {done.calls}; campaigns paused: {done.paused}")
    print_text("next: enter what was changed since the backup (opt-outs, contacts, cancelled campaigns), then resume")


async def _mark(settings: Settings, file: Path) -> int:
    """Migrate a copy, pause its campaigns, and note in it that it was restored; returns how many were paused."""
    here = settings.model_copy(update={"database": DatabaseSettings(url=f"sqlite:///{file}")})
    async with migrated_database(here) as engine:
        records, store = RecoveryRecords(database_of(engine)), sql_campaign_store(engine)
        await records.mark_all()
        running = await records.running()
        for campaign_id in running:
            await store.campaigns.change(campaign_id, CampaignInput.PAUSE, reason=REASON)
    return len(running)


async def _reconcile(settings: Settings, account: str, since: datetime | None) -> Recovered:
    first = None if since is None else epoch_ms(since.replace(tzinfo=UTC))
    async with migrated_database(settings) as engine, open_twilio(settings.twilio) as twilio:
        store = sql_campaign_store(engine)
        recovery = recovery_of(database_of(engine), store, twilio, account)
        return await recovery.recover(since=first, restored=True)


def _sqlite_file(settings: Settings, instead: str) -> Path:
    """Return the file of the database.

    Raises:
        ConfigurationError: It is PostgreSQL, which has its own programs, or no file.
    """
    address = settings.database_url
    if address.startswith(POSTGRESQL):
        raise ConfigurationError("database.url", "is PostgreSQL, which has its own programs", f"use {instead}")
    name = make_url(address).database
    if not name or name == ":memory:":
        raise ConfigurationError("database.url", "names no file", "only a file can be copied")
    return Path(name)
