"""The conditions under which a campaign may start.

Follows 47 CFR 64.1200(c)(2): telemarketing is checked against a copy of the do-not-call register that is not older than
31 days. Other countries that keep such a register are treated alike.

One rule: a refusal names the command that mends it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.engine.campaign import Campaign, CampaignKind
from telebridge.campaigns.engine.lifecycle import nobody_left
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus, ContactState
from telebridge.campaigns.numbers.registers import register_of
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import CampaignRefused
from telebridge.flows.inspection import matched_variables
from telebridge.timing.epoch import epoch_ms

SCRUB_HOLDS = timedelta(days=31)
LOOKED_AT = 1000
"""How many contacts are looked at for what the flow needs."""


async def start_campaign(
    store: CampaignStore, campaign: Campaign, *, wallclock: datetime, needs: Sequence[str] = ()
) -> Campaign:
    """Let a campaign dial.

    Args:
        store: The campaigns.
        campaign: Which one.
        wallclock: The aware instant.
        needs: The variables that its flow needs.

    Raises:
        CampaignRefused: Its end has passed, it has no contacts yet, nobody who waits to be called, or some without the
            consent it needs or without what its flow needs, its register is too old, or its status does not allow it.
    """
    if campaign.ends_by(epoch_ms(wallclock)):
        problem = "has an end_at that has passed: change its file, and `telebridge campaign create` takes it over"
        raise CampaignRefused(campaign.plan.name, problem)
    position = await store.contacts.import_position(campaign.id)
    if position.under_way:
        problem = f"its import of '{position.name}' is not complete: give it again, and it goes on where it was"
        raise CampaignRefused(campaign.plan.name, problem)
    if not await store.contacts.is_filled(campaign.id):
        problem = f"has no contacts: `telebridge campaign import {campaign.plan.name} --contacts CSV` brings them in"
        raise CampaignRefused(campaign.plan.name, problem)
    if campaign.status in {CampaignStatus.DRAFT, CampaignStatus.DONE}:  # one that is paused ends by being started
        progress = await store.reports.progress(campaign.id)
        if not any(progress.contacts.get(state.value) for state in (ContactState.READY, ContactState.LIVE)):
            raise nobody_left(campaign, progress.outcomes)
    if _needs_consent(campaign) and (lacking := await store.contacts.without_consent(campaign.id)):
        problem = (
            f"needs the consent of everybody it calls, and {lacking:,} of its contacts have no consent_at or "
            "consent_source: make a campaign anew from a CSV that has both"
        )
        raise CampaignRefused(campaign.plan.name, problem)
    if needs and (missing_need := await _missing_need(store, campaign, needs)):
        problem = (
            f"has contacts without '{missing_need}', which its flow needs: import a CSV that has it once more, with "
            "--update"
        )
        raise CampaignRefused(campaign.plan.name, problem)
    if missing := await stale_registers(store, campaign, wallclock=wallclock):
        raise CampaignRefused(campaign.plan.name, f"is telemarketing, and {register_problem(missing[0])}")
    return await store.campaigns.change(campaign.id, CampaignInput.START)


async def _missing_need(store: CampaignStore, campaign: Campaign, needs: Sequence[str]) -> str | None:
    """The first variable that the flow needs and one of the first contacts lacks; the import has looked at them all.

    They may have come in when the flow did not need it yet.
    """
    looked_at = 0
    async for contact in store.reports.contacts(campaign.id):
        known = matched_variables(contact.variables, needs)
        if contact.state is ContactState.READY:
            for need in needs:
                if not str(known.get(need, "")).strip():
                    return need
        looked_at += 1
        if looked_at == LOOKED_AT:
            break
    return None


def register_problem(register: str) -> str:
    """Return what is wrong with a register that is too old, and the command that mends it."""
    command = f"telebridge campaign do-not-call import FILE --register {register}"
    return f"no do-not-call register '{register}' was compared in the last 31 days: `{command}`"


def _needs_consent(campaign: Campaign) -> bool:
    """Whether contacts need it by the plan as it is now; they may have come in under another."""
    if not campaign.plan.file:
        return campaign.plan.kind is CampaignKind.TELEMARKETING
    return read_campaign(campaign.plan.file, where=f"campaign '{campaign.plan.name}'").needs_consent


async def stale_registers(store: CampaignStore, campaign: Campaign, *, wallclock: datetime) -> list[str]:
    """The registers of the countries that a campaign calls which must be compared anew; none but for telemarketing."""
    if campaign.plan.kind is not CampaignKind.TELEMARKETING:
        return []
    lanes = await store.reports.lanes(campaign.id)
    countries = {country for lane in lanes.values() for country in lane.countries}
    needed = {name for country in countries if (name := register_of(country)) is not None}
    scrubbed = await store.do_not_call.scrubbed()
    oldest = epoch_ms(wallclock - SCRUB_HOLDS)
    return sorted(name for name in needed if scrubbed.get(name, oldest - 1) < oldest)
