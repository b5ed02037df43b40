"""When too many calls go wrong."""

import pytest

from telebridge.campaigns.engine.circuit_breaker import BreakerRules, why_stop
from telebridge.campaigns.engine.outcomes import Outcome

RULES = BreakerRules(failed_share=0.5, failed_of=10, abandoned_share=0.03, abandoned_of=100)


@pytest.mark.parametrize(
    ("latest", "since_start", "reason"),
    [
        ({Outcome.FAILED: 9}, {}, None),
        ({Outcome.FAILED: 5, Outcome.BUSY: 5}, {}, None),
        ({Outcome.FAILED: 6, Outcome.BUSY: 4}, {}, "6 of the latest 10 calls failed, more than 50%"),
        (
            {Outcome.REFUSED: 2, Outcome.BAD_NUMBER: 2, Outcome.UNKNOWN: 2, Outcome.ANSWERED: 4},
            {},
            "6 of the latest 10 calls failed, more than 50%",
        ),
        ({Outcome.LOST: 6, Outcome.ANSWERED: 4}, {}, "6 of the latest 10 calls failed, more than 50%"),
        (
            {},
            {Outcome.LOST: 3, Outcome.ABANDONED: 1, Outcome.ANSWERED: 96},
            "4 of 100 answered calls were abandoned, more than 3%",
        ),
        ({}, {Outcome.ABANDONED: 4, Outcome.ANSWERED: 95}, None),
        ({}, {Outcome.ABANDONED: 3, Outcome.ANSWERED: 97}, None),
        (
            {},
            {Outcome.ABANDONED: 4, Outcome.ANSWERED: 90, Outcome.OPTED_OUT: 6, Outcome.MACHINE: 900},
            "4 of 100 answered calls were abandoned, more than 3%",
        ),
    ],
)
def test_a_campaign_stops_with_the_figures_as_the_reason(latest, since_start, reason):
    assert why_stop(RULES, latest=latest, since_start=since_start) == reason
