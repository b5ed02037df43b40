"""Asks a person before a command begins or gives up many calls."""

import sys
from typing import Annotated

import typer

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.cli.process.printing import print_text

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ASK_FROM_CALLS = 51
"""Fewer are done without a question."""


async def confirmed(store: CampaignStore, campaign: Campaign, question: str, *, yes: bool) -> None:
    """Ask once, on a terminal, when many contacts of a campaign are concerned; return when the answer is yes.

    Without a terminal nobody is asked, because programs run the same commands.

    Args:
        store: Where the campaign is.
        campaign: Whose contacts are counted: those that wait and those being called.
        question: Of the command, with `{count}` for the contacts and `{name}` for the campaign.
        yes: Whether the answer was given already.

    Raises:
        typer.Exit: The answer is no; nothing was changed.
    """
    if not await asks(store, campaign, yes=yes):
        return
    count = await _concerned(store, campaign)
    confirm(question.format(count=f"{count:,}", name=campaign.plan.name), yes=yes)


async def asks(store: CampaignStore, campaign: Campaign, *, yes: bool) -> bool:
    """Whether `confirmed` asks about a campaign."""
    return not yes and _on_terminal() and await _concerned(store, campaign) >= ASK_FROM_CALLS


def confirm(question: str, *, yes: bool) -> None:
    """Ask once, on a terminal; return when the answer is yes, or nobody can be asked.

    Args:
        question: Of the command, whole.
        yes: Whether the answer was given already.

    Raises:
        typer.Exit: The answer is no; nothing was changed.
    """
    if not yes and _on_terminal() and not typer.confirm(question, err=True):
        print_text("nothing was changed", err=True)
        raise typer.Exit(1)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


async def _concerned(store: CampaignStore, campaign: Campaign) -> int:
    contacts = (await store.reports.progress(campaign.id)).contacts
    return contacts.get("ready", 0) + contacts.get("live", 0)
