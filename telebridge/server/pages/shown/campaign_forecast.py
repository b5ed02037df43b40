"""What to expect of a campaign that has not begun: who may be called, and how long the first calls take.

One rule: the figures are those of `telebridge campaign preflight`; nothing is worked out here.
"""

from datetime import datetime

from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.reporting.estimate import Estimate, Speed, estimated
from telebridge.campaigns.store.protocols import WaitingLane
from telebridge.settings.sections import CampaignSettings


def campaign_forecast(
    campaign: Campaign, lanes: list[WaitingLane], law: CallingLaw, limits: CampaignSettings, wallclock: datetime
) -> Estimate:
    """What to expect if the campaign began now.

    Args:
        campaign: The campaign.
        lanes: Where its contacts wait.
        law: The calling hours.
        limits: How fast the account dials.
        wallclock: The aware instant.
    """
    most_live = limits.max_live - limits.reserved
    speed = Speed.within(campaign.plan, calls_per_second=limits.calls_per_second, max_live=most_live)
    places = [(CampaignLane(each.id, campaign, each.lane, 0), each.due + sum(each.later.values())) for each in lanes]
    return estimated(places, law, speed, wallclock=wallclock)
