"""What a campaign says, before it says it: its first calls as they will be heard, and columns that do not fit."""

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.reporting.words import FIRST_CALLS, PRESSES, CampaignWords, words_of
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.cli.process.printing import print_text
from telebridge.flows.model import Flow
from telebridge.flows.rehearsal import RehearsalLine

FIRST = ("first call as it", "first two calls as they", "first three calls as they")


async def words_in_store(store: CampaignStore, campaign: Campaign, flows: FlowCatalogue) -> CampaignWords | None:
    """What the contacts of a campaign that come first will hear; None where that cannot be told."""
    flow = flows.find(campaign.plan.flow) if campaign.plan.flow in flows.names else None
    if flow is None:
        return None
    ready = await store.reports.first_ready(campaign.id, FIRST_CALLS)
    first = [(contact.phone, contact.variables) for contact in ready]
    if not first:
        return None
    if not isinstance(flow, Flow):
        return CampaignWords(campaign.plan.flow)
    return words_of(
        flow,
        first[0][1],
        first,
        from_number=campaign.plan.numbers[0].number,
        message_node=campaign.plan.message_node,
    )


def tell_words(words: CampaignWords | None, name: str) -> None:
    """Print what a campaign says, and warn of what does not fit."""
    if words is None:
        return
    if not words.calls:
        print_text(
            f"flow '{words.flow}' is written in Python: `telebridge campaign test {name} --to +1…` lets you hear it"
        )
    else:
        print_text(f"the {FIRST[len(words.calls) - 1]} will be heard:")
    for call in words.calls:
        print_text(f"  {call.phone}")
        for line in call.lines:
            print_text(f"    {line.node:<14} {_shown(line)}", hanging=15)
        for line in call.to_machine:
            print_text(f"    {line.node:<14} {_shown(line)} (to a machine)", hanging=15)
    for warning in words.warnings:
        print_text(f"warning: {warning}", err=True)


def _shown(line: RehearsalLine) -> str:
    if line.what == PRESSES:
        return f"[presses {line.text or 'nothing'}]"
    return line.text if line.what in {"says", "asks"} else f"[{line.what}] {line.text}"
