"""Checks a campaign file against the flows, and makes its plan: for the command line and the API."""

from datetime import datetime

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.definition.model import CampaignDefinition
from telebridge.campaigns.definition.plan import plan_of
from telebridge.campaigns.engine.campaign import CampaignPlan
from telebridge.errors import ConfigurationError
from telebridge.flows.model import Flow


def planned(
    text: str, *, where: str, flows: FlowCatalogue, account: str, wallclock: datetime
) -> tuple[CampaignDefinition, CampaignPlan]:
    """A campaign file, checked with its flow and today's date.

    Args:
        text: The file.
        where: What to call it in errors.
        flows: The flows that there are.
        account: The Twilio account that its calls go by.
        wallclock: The aware instant.

    Raises:
        ConfigurationError: The first mistake in it.
    """
    definition = read_campaign(text, where=where)
    _check_flow(flows, where, definition)
    if definition.end_at is not None and definition.end_at <= wallclock:
        raise ConfigurationError(f"{where}: end_at", f"{definition.end_at.isoformat()} has passed", "set a later one")
    return definition, plan_of(definition, account=account, rules_version=calling_rules().version, file=text)


def _check_flow(flows: FlowCatalogue, where: str, definition: CampaignDefinition) -> None:
    if definition.flow not in flows.names:
        known = ", ".join(sorted(flows.names)) or "none"
        raise ConfigurationError(f"{where}: flow", f"there is no flow '{definition.flow}'", f"there are {known}")
    flow = flows.find(definition.flow)
    if definition.message_node and isinstance(flow, Flow) and definition.message_node not in flow.nodes:
        problem = f"flow '{definition.flow}' has no node '{definition.message_node}'"
        raise ConfigurationError(f"{where}: message_node", problem, f"it has {', '.join(flow.nodes)}")
