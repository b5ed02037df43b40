"""When too many calls go wrong."""

import pytest

from telebridge.campaigns.engine.circuit_breaker import BreakerRules, abandoned_too_often, failed_too_often
from telebridge.campaigns.engine.outcomes import Outcome

RULES = BreakerRules(failed_share=0.5, failed_of=10, abandoned_share=0.03, abandoned_of=100)


@pytest.mark.parametrize(
    ("latest", "reason"),
    [
        ({Outcome.FAILED: 9}, ""),
        ({Outcome.FAILED: 5, Outcome.BUSY: 5}, ""),
        ({Outcome.FAILED: 6, Outcome.BUSY: 4}, "6 of the latest 10 calls failed, more than 50%"),
        (
            {Outcome.REFUSED: 2, Outcome.BAD_NUMBER: 2, Outcome.UNKNOWN: 2, Outcome.ANSWERED: 4},
            "6 of the latest 10 calls failed, more than 50%",
        ),
        ({Outcome.LOST: 6, Outcome.ANSWERED: 4}, "6 of the latest 10 calls failed, more than 50%"),
    ],
)
def test_a_campaign_stops_for_failed_calls_with_the_figures_as_the_reason(latest, reason):
    assert failed_too_often(RULES, latest, contacts=1000) == reason


@pytest.mark.parametrize(
    ("contacts", "ended", "stops"),
    [(1, 4, False), (1, 5, True), (8, 5, True), (16, 7, False), (16, 8, True), (20, 10, True), (1000, 9, False)],
)
def test_a_small_campaign_stops_when_half_of_it_has_failed(contacts, ended, stops):
    assert bool(failed_too_often(RULES, {Outcome.FAILED: ended}, contacts=contacts)) is stops


@pytest.mark.parametrize(
    ("since_start", "reason"),
    [
        (
            {Outcome.LOST: 3, Outcome.ABANDONED: 1, Outcome.ANSWERED: 96},
            "4 of 100 answered calls were abandoned, more than 3%",
        ),
        ({Outcome.ABANDONED: 4, Outcome.ANSWERED: 95}, ""),
        ({Outcome.ABANDONED: 3, Outcome.ANSWERED: 97}, ""),
        (
            {Outcome.ABANDONED: 4, Outcome.ANSWERED: 90, Outcome.OPTED_OUT: 6, Outcome.MACHINE: 900},
            "4 of 100 answered calls were abandoned, more than 3%",
        ),
    ],
)
def test_a_campaign_stops_for_abandoned_calls_with_the_figures_as_the_reason(since_start, reason):
    assert abandoned_too_often(RULES, since_start) == reason
