"""`telebridge campaign work`: a process that dials and does nothing else."""

from functools import partial
from typing import Annotated

import typer

from telebridge.app.campaigns import Campaigning, not_dialling
from telebridge.cli.database import migrated_database
from telebridge.cli.listen import run_server, until_stopped
from telebridge.cli.options import ConfigOption
from telebridge.cli.process.printing import print_text
from telebridge.cli.process.stopping import Stop
from telebridge.errors import ConfigurationError
from telebridge.logs import configure_logs
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings


def work(
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="How many seconds to wait for ringing calls after SIGTERM.")
    ] = 60.0,
    config: ConfigOption = None,
) -> None:
    """Dial campaigns and nothing else; `telebridge serve` at `public_url` answers the calls.

    Any number of such processes may run on any number of machines with one PostgreSQL; limits hold for all of them
    together. If one dies, the others finish its work.
    """
    settings = load_settings(config)
    configure_logs()
    settings = settings.model_copy(update={"campaigns": settings.campaigns.model_copy(update={"dial": True})})
    if why := not_dialling(settings):
        raise ConfigurationError(
            "public_url" if "public_url" in why else "twilio", "is not set", "calls are dialled with both"
        )
    run_server(partial(_work, settings, drain_seconds), drain_seconds=drain_seconds)


async def _work(settings: Settings, drain_seconds: float, stop: Stop) -> None:
    async with migrated_database(settings) as engine, Campaigning(settings, engine) as campaigning:
        print_text(f"telebridge dials campaigns of {settings.twilio.account_sid} as {campaigning.worker}")

        async def drain() -> None:
            await campaigning.drain(seconds=drain_seconds)

        await until_stopped(stop, drain)
