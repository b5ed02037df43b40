"""Lanes of campaigns, and the law that telebridge ships."""

from datetime import UTC, datetime

from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.calling_hours.windows import hours_of, read_window
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan
from telebridge.campaigns.engine.claim import CampaignLane
from telebridge.campaigns.engine.contact import Lane

LAW = CallingLaw(calling_rules())
MONDAY_NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
NEW_YORK = Lane(("America/New_York",), "US-NY")


def lane(of=NEW_YORK, window="09:00-13:00", campaign_id="c", **plan):
    """A lane of a campaign that calls on Mondays."""
    hours = hours_of({0: (read_window(window),)})
    made = CampaignPlan(**{"name": "x", "account": "AC1", "flow": "f", "numbers": (), "hours": hours, **plan})
    return CampaignLane(1, Campaign(campaign_id, made), of, 0)
