"""Checks a campaign file against the flows, and makes its plan: for the command line and the API."""

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python.registry import PythonFlow
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
    _check_columns(definition, flow, flows.needs_of(definition.flow), where)
    for key, node in (("message_node", definition.message_node), ("screening_node", definition.screening_node)):
        if node and isinstance(flow, Flow) and node not in flow.nodes:
            problem = f"flow '{definition.flow}' has no node '{node}'"
            raise ConfigurationError(f"{where}: {key}", problem, f"it has {', '.join(flow.nodes)}")


def _check_columns(definition: CampaignDefinition, flow: Flow | PythonFlow, needs: Sequence[str], where: str) -> None:
    """Refuse a key of `[columns]` that is neither one of a campaign nor a variable of its flow.

    Raises:
        ConfigurationError: There is one.
    """
    if not isinstance(flow, Flow) and not needs:
        return  # nobody knows which variables it takes
    known = {*needs, *(flow.variables if isinstance(flow, Flow) else ())}
    for key in definition.columns.variables:
        if key not in known:
            near = get_close_matches(key, [*definition.columns.fields, *known], n=1, cutoff=0.6)
            hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(sorted(known)) or 'none'}"
            raise ConfigurationError(f"{where}: columns.{key}", f"flow '{definition.flow}' has no such variable", hint)
