"""What must be so before a campaign may dial.

Follows 47 CFR 64.1200(c)(2): telemarketing is checked against a copy of the do-not-call register that is not older than
31 days.

One rule: what is missing is told with the command that mends it.
"""

from datetime import datetime, timedelta

from telebridge.campaigns.campaign import Campaign, CampaignKind
from telebridge.campaigns.epoch import epoch_ms
from telebridge.campaigns.states import CampaignInput
from telebridge.campaigns.store import CampaignStore
from telebridge.errors import CampaignRefused

SCRUB_HOLDS = timedelta(days=31)


async def start_campaign(store: CampaignStore, campaign: Campaign, *, wallclock: datetime) -> Campaign:
    """Let a campaign dial.

    Raises:
        CampaignRefused: Its end has passed, it has no contacts yet, its register is too old, or it cannot start as it
            stands.
    """
    if campaign.ends_by(epoch_ms(wallclock)):
        problem = "has an end_at that has passed: change its file, and `telebridge campaign create` takes it over"
        raise CampaignRefused(campaign.plan.name, problem)
    if not await store.contacts.is_filled(campaign.id):
        problem = "has no contacts, or its import is not complete: `telebridge campaign import` brings them in"
        raise CampaignRefused(campaign.plan.name, problem)
    if campaign.plan.kind is CampaignKind.TELEMARKETING:
        latest = max((await store.do_not_call.scrubbed()).values(), default=None)
        if latest is None or latest < epoch_ms(wallclock - SCRUB_HOLDS):
            raise CampaignRefused(
                campaign.plan.name,
                "is telemarketing, and no do-not-call register was compared in the last 31 days: "
                "`telebridge campaign do-not-call import FILE --register us-national`",
            )
    return await store.campaigns.change(campaign.id, CampaignInput.START)
