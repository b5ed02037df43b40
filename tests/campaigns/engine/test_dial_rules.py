"""What a dialer decides: the order of lanes, whether a lease still holds, and what Twilio's answers mean."""

from datetime import UTC, datetime, timedelta

import pytest
from support.campaigns import CHICAGO, NEW_YORK, plan

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.claim import CampaignLane, Claim
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.dial_rules import (
    FairShare,
    Lease,
    NotPlaced,
    Opening,
    OutcomeUnknown,
    after_error,
    call_request,
    clock_skew,
    dialing_order,
)
from telebridge.campaigns.engine.states import ContactState
from telebridge.errors import TwilioAPIError
from telebridge.timing.epoch import epoch_ms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def opening(number, campaign, *, hours=1, priority=0, lane=NEW_YORK):
    return Opening(CampaignLane(number, campaign, lane, priority), NOON + timedelta(hours=hours))


def ordered(openings, share=None):
    lanes = dialing_order(openings, share or FairShare(), lambda _: (), wallclock=NOON)
    return [lane.id for lane in lanes]


def campaign(name, **fields):
    return Campaign(name, plan(name=name, **fields))


def test_lanes_are_asked_by_campaign_then_by_contacts_then_by_what_closes_first():
    low, high = campaign("low"), campaign("high", priority=5)
    openings = [
        opening(1, low, hours=1),
        opening(2, high, hours=3),
        opening(3, high, hours=2, lane=CHICAGO),
        opening(4, high, hours=9, priority=1),
    ]
    assert ordered(openings) == [4, 3, 2, 1]


def test_a_lane_that_has_closed_is_not_asked():
    assert ordered([opening(1, campaign("a"), hours=0)]) == []


def test_campaigns_of_one_priority_share_by_weight():
    light, heavy = campaign("light"), campaign("heavy", weight=3.0)
    share, first = FairShare(), []
    for _ in range(80):
        number = ordered([opening(1, light), opening(3, heavy)], share)[0]
        first.append(number)
        share.count_call(light if number == 1 else heavy)
    assert first.count(3) == 60


def test_a_campaign_that_comes_later_does_not_make_up_for_the_time_before():
    old, new, share = campaign("old"), campaign("new"), FairShare()
    for _ in range(50):
        share.count_call(old)
    assert share.virtual_time(new) == share.virtual_time(old)
    share.retain(["new"])
    assert share.virtual_time(old) == share.virtual_time(new)


@pytest.mark.parametrize(
    ("seconds_left", "end_at", "asked"),
    [(37, None, [1]), (36, None, []), (3600, 37, [1]), (3600, 36, []), (36, 3600, []), (-1, None, [])],
)
def test_a_lane_is_not_asked_when_a_call_could_still_ring_after_it_closes(seconds_left, end_at, asked):
    ends = None if end_at is None else epoch_ms(NOON + timedelta(seconds=end_at))
    closing = Opening(
        CampaignLane(1, campaign("a", ring_seconds=25, end_at=ends), NEW_YORK, 0),
        NOON + timedelta(seconds=seconds_left),
    )
    lanes = dialing_order([closing], FairShare(), lambda _: (), wallclock=NOON, request_seconds=12.0)
    assert [lane.id for lane in lanes] == asked


@pytest.mark.parametrize(
    ("ahead_seconds", "why"),
    [
        (0, ""),
        (30, ""),
        (-30, ""),
        (7260, "this machine's clock is 7260 s ahead of the database's"),
        (-31, "this machine's clock is 31 s behind the database's"),
    ],
)
def test_clocks_that_differ_are_told_of(ahead_seconds, why):
    assert clock_skew(NOON + timedelta(seconds=ahead_seconds), epoch_ms(NOON)) == why


@pytest.mark.parametrize(
    ("monotonic", "wall", "allowed"),
    [(0, 0, True), (18, 18, True), (18.1, 0, False), (0, 18.1, False), (900, 900, False)],
)
def test_a_lease_ends_by_whichever_clock_is_ahead(monotonic, wall, allowed):
    lease = Lease(100.0, NOON, 30.0)
    now, wallclock = 100.0 + monotonic, NOON + timedelta(seconds=wall)
    assert lease.allows(12.0, now=now, wallclock=wallclock) is allowed


@pytest.mark.parametrize(
    "error",
    [
        TwilioAPIError(0, None, "no answer within 10 s"),
        TwilioAPIError(0, None, "connection reset"),
        TwilioAPIError(500, 20500, "broken"),
        TwilioAPIError(503, None, "unavailable"),
        TwilioAPIError(408, None, "request timeout"),
        TwilioAPIError(302, None, "moved"),
    ],
)
def test_what_is_not_certain_may_ring(error):
    assert after_error(error) == OutcomeUnknown()


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (429, 20429, NotPlaced(NotPlacedReason.AGAIN, back_off=True)),
        (400, 10004, NotPlaced(NotPlacedReason.AGAIN, back_off=True)),
        (400, 21211, NotPlaced(NotPlacedReason.BAD_NUMBER)),
        (400, 21202, NotPlaced(NotPlacedReason.REFUSED)),
        (400, 21215, NotPlaced(NotPlacedReason.COUNTRY)),
        (400, 21216, NotPlaced(NotPlacedReason.UNCLEAR)),
        (400, 99999, NotPlaced(NotPlacedReason.UNCLEAR)),
        (422, None, NotPlaced(NotPlacedReason.UNCLEAR)),
    ],
)
def test_what_is_refused_was_not_placed(status, code, verdict):
    assert after_error(TwilioAPIError(status, code, "no")) == verdict


def test_a_request_that_never_left_is_tried_again_after_a_while():
    assert after_error(TwilioAPIError(0, None, "refused", sent=False)) == NotPlaced(
        NotPlacedReason.AGAIN, back_off=True
    )


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (400, 21210), (404, None)])
def test_what_would_fail_for_everybody_stops_the_campaign(status, code):
    verdict = after_error(TwilioAPIError(status, code, "no"))
    assert (verdict.why, verdict.back_off) == (NotPlacedReason.AGAIN, False)
    assert verdict.stop.startswith(f"Twilio answered {status}")


def test_every_address_of_a_call_names_its_attempt():
    contact = Contact(7, "c1", 1, "+12125550100", ContactState.LIVE, 0)
    claim = Claim("a1", campaign("c1", machine_detection="Enable", ring_seconds=20), contact, 1, "+15550002222")
    request = call_request(claim, "https://bridge.example.com/")
    assert request.url == "https://bridge.example.com/twilio/voice/hello?attempt=a1#rc=3&rp=all"
    assert request.status_callback == "https://bridge.example.com/twilio/status?attempt=a1#rc=3&rp=all"
    assert request.amd_callback == "https://bridge.example.com/twilio/amd?attempt=a1#rc=3&rp=all"
    assert (request.to, request.from_, request.ring_seconds) == ("+12125550100", "+15550002222", 20)
