"""What a dialer asks of a lane: the campaign's windows and the law together, and both their caps."""

from datetime import UTC, datetime

from support.lanes import LAW, MONDAY_NOON, lane

from telebridge.campaigns.engine.campaign import CampaignKind, Cap
from telebridge.campaigns.engine.contact import Lane

FLORIDA = Lane(("America/New_York",), "US-FL")


def test_a_lane_is_open_until_its_window_closes_on_its_own_clock():
    assert LAW.open_until(lane(), MONDAY_NOON) == datetime(2026, 3, 2, 18, tzinfo=UTC)
    assert LAW.open_until(lane(window="13:00-14:00"), MONDAY_NOON) is None
    assert LAW.opens_at(lane(window="13:00-14:00"), MONDAY_NOON) == datetime(2026, 3, 2, 18, tzinfo=UTC)


def test_the_law_closes_what_the_window_leaves_open():
    early = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
    assert LAW.open_until(lane(window="06:00-23:00"), early) is None


def test_a_campaign_whose_plan_has_changed_goes_by_the_new_one():
    assert LAW.open_until(lane(campaign_id="same"), MONDAY_NOON) is not None
    assert LAW.open_until(lane(campaign_id="same", window="13:00-14:00"), MONDAY_NOON) is None


def test_a_campaign_without_hours_is_never_open():
    assert LAW.open_until(lane(hours={}, campaign_id="none"), MONDAY_NOON) is None


def test_the_caps_of_the_law_and_of_the_campaign_hold_together():
    own = Cap(1, 60.0)
    telemarketing = lane(FLORIDA, kind=CampaignKind.TELEMARKETING, caps=(own,))
    assert LAW.caps_of(telemarketing) == (Cap(3, 24 * 3600), own)
    assert LAW.caps_of(lane(FLORIDA, caps=(own,))) == (own,)
    debt = lane(kind=CampaignKind.DEBT)
    assert LAW.caps_of(debt) == (Cap(7, 168 * 3600), Cap(1, 168 * 3600, conversations=True))
