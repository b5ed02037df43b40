"""When and how often the contacts of a campaign may be called, by the law and by the campaign's plan.

One rule: a campaign whose hours cannot be read calls nobody.
"""

from datetime import datetime

from telebridge.campaigns.calling_hours.hours import CallingHours
from telebridge.campaigns.calling_hours.law import CallingRules, calling_rules
from telebridge.campaigns.calling_hours.windows import windows_of
from telebridge.campaigns.engine.campaign import Campaign, Cap
from telebridge.campaigns.engine.claim import CampaignLane

SECONDS_OF_HOUR = 3600
MOST_CAMPAIGNS_KEPT = 1000


class CallingLaw:
    """The calling hours and the caps of every lane.

    Args:
        rules: The law; None for the one that telebridge ships, loaded with the first question (a third of a second).
    """

    def __init__(self, rules: CallingRules | None = None) -> None:
        self._given_rules = rules
        self._hours: dict[str, tuple[object, CallingHours]] = {}

    def open_until(self, lane: CampaignLane, wallclock: datetime) -> datetime | None:
        """Until when everybody in a lane may be called; None while they may not."""
        return self._hours_of(lane.campaign).open_until(lane.lane, wallclock=wallclock)

    def opens_at(self, lane: CampaignLane, wallclock: datetime) -> datetime | None:
        """When a lane opens next; None when that is more than 14 days away."""
        return self._hours_of(lane.campaign).opens_at(lane.lane, wallclock=wallclock)

    def caps_of(self, lane: CampaignLane) -> tuple[Cap, ...]:
        """How often the people in a lane may be called."""
        plan = lane.campaign.plan
        legal = self._rules.attempt_caps(lane.lane.region, plan.kind.value)
        caps = tuple(Cap(cap.at_most, cap.within_hours * SECONDS_OF_HOUR, cap.conversations) for cap in legal)
        return caps + plan.caps

    @property
    def _rules(self) -> CallingRules:
        return self._given_rules or calling_rules()

    def _hours_of(self, campaign: Campaign) -> CallingHours:
        kept = self._hours.get(campaign.id)
        if kept is None or kept[0] != campaign.plan.hours:
            if len(self._hours) >= MOST_CAMPAIGNS_KEPT:
                self._hours.clear()
            hours = CallingHours(windows_of(campaign.plan.hours), kind=campaign.plan.kind.value, rules=self._rules)
            kept = self._hours[campaign.id] = (campaign.plan.hours, hours)
        return kept[1]
