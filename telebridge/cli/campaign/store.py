"""What campaign commands share: the database, the search for a campaign, and the campaign file.

One rule: what only some commands need, such as flows, is imported when it is asked for: it takes longer than the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.cli.database import migrated_database
from telebridge.errors import ConfigurationError
from telebridge.settings.settings import Settings

if TYPE_CHECKING:
    from telebridge.call.flows.catalogue import FlowCatalogue
    from telebridge.campaigns.definition.model import CampaignDefinition

T = TypeVar("T")

NameArgument = Annotated[str, typer.Argument(help="A campaign's name or id.")]

SHORTEST_PREFIX = 6


@asynccontextmanager
async def campaign_store(settings: Settings) -> AsyncIterator[CampaignStore]:
    """Open the database of the settings, migrated; yields the campaigns in it."""
    async with migrated_database(settings) as engine:
        yield sql_campaign_store(engine)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine of a command and return its result."""
    return asyncio.run(work)


async def find_campaign(store: CampaignStore, name: str, *, deleted: bool = False) -> Campaign:
    """Find a campaign by its name, its id, or a prefix of its id; of several with one name the latest not cancelled.

    Args:
        store: The campaigns.
        name: What it is called by.
        deleted: Whether those that are deleted, and of which records are kept, are found too, by their ids alone.

    Raises:
        ConfigurationError: There is none.
    """
    known = await store.campaigns.all()
    if deleted and (gone := _by_id(await store.administration.deleted(), name)) is not None:
        return gone
    found = [one for one in known if name in (one.id, one.plan.name)]
    if not found and len(name) >= SHORTEST_PREFIX:
        found = [one for one in known if one.id.startswith(name)]
    if not found:
        names = ", ".join(dict.fromkeys(one.plan.name for one in known)) or "none yet"
        raise ConfigurationError("campaign", f"there is no campaign '{name}'", f"there are {names}")
    return next((one for one in found if one.status is not CampaignStatus.CANCELLED), found[0])


def _by_id(known: list[Campaign], name: str) -> Campaign | None:
    found = [one for one in known if len(name) >= SHORTEST_PREFIX and one.id.startswith(name)]
    return found[0] if found else None


def flows_of(settings: Settings, app: str | None = None) -> "FlowCatalogue":
    """Load the flows of the settings' folder, and the Python flows of `--app` or the settings.

    Raises:
        ConfigurationError: A flow, or the application, cannot be loaded.
    """
    from telebridge.app.python_flows import bridge_of, open_flows

    return open_flows(settings, bridge_of(settings, app))


def read_file(settings: Settings, flows: "FlowCatalogue", file: Path) -> "tuple[CampaignDefinition, CampaignPlan]":
    """Load a campaign file and check it with its flow.

    Raises:
        ConfigurationError: The first mistake in it.
    """
    from telebridge.campaigns.definition.loading import load_campaign
    from telebridge.server.api.campaigns.plan import planned

    load_campaign(file)  # reports files that cannot be read as well
    text = file.read_text(encoding="utf-8-sig")
    account, now = settings.twilio.account_sid, datetime.now(UTC)
    return planned(text, where=str(file), flows=flows, account=account, wallclock=now)


def account_of(settings: Settings) -> str:
    """Return the Twilio account of the settings that places the calls of a campaign.

    Raises:
        ConfigurationError: It is not set.
    """
    if not settings.twilio.account_sid:
        raise ConfigurationError("twilio.account_sid", "is not set", "set it, or TWILIO_ACCOUNT_SID")
    return settings.twilio.account_sid
