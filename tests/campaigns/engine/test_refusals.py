"""Why Twilio refused a call, for every code and status there can be."""

from collections import Counter

import pytest

from telebridge.campaigns.engine.attempt import NotPlacedReason
from telebridge.campaigns.engine.dial_rules import NotPlaced, OutcomeUnknown, after_error
from telebridge.campaigns.engine.refusals import (
    CODES,
    COUNTRY_AGAIN_SECONDS,
    RefusalCause,
    RefusalRuns,
    refusal_cause,
)
from telebridge.errors import TwilioAPIError

OF_THE_NUMBER = CODES[RefusalCause.NUMBER] | CODES[RefusalCause.DESTINATION]


def test_each_code_has_one_cause():
    assert max(Counter(code for codes in CODES.values() for code in codes).values()) == 1
    assert set(CODES) == set(RefusalCause)


def test_no_code_but_those_of_a_number_uses_a_contact_up():
    ending = {
        code
        for code in [None, *range(10_000, 100_000)]
        if after_error(TwilioAPIError(400, code, "no")).why.ends_contact
    }
    assert ending == OF_THE_NUMBER


def test_no_status_alone_uses_a_contact_up_or_is_without_a_verdict():
    for status in range(600):
        verdict = after_error(TwilioAPIError(status, None, "no"))
        if 400 <= status < 500 and status != 408:
            assert isinstance(verdict, NotPlaced), status
            assert not verdict.why.ends_contact, status
            waits = verdict.why in {NotPlacedReason.UNCLEAR, NotPlacedReason.COUNTRY}
            assert [waits, verdict.back_off, bool(verdict.stop)].count(True) == 1, status
        else:
            assert verdict == OutcomeUnknown(), status


@pytest.mark.parametrize("cause", RefusalCause)
def test_every_cause_has_a_verdict(cause):
    error = TwilioAPIError(400, next(iter(CODES[cause])), "no")
    assert refusal_cause(error) is cause
    verdict = after_error(error)
    assert verdict.why.ends_contact is (cause in {RefusalCause.NUMBER, RefusalCause.DESTINATION})
    assert bool(verdict.stop) is (cause in {RefusalCause.ACCOUNT, RefusalCause.REQUEST})
    assert verdict.back_off is (cause is RefusalCause.LATER)


def test_a_placed_call_ends_a_run_of_refusals():
    runs = RefusalRuns()
    assert [runs.refused("c1"), runs.refused("c2"), runs.refused("c1")] == [1, 1, 2]
    runs.end_run("c1")
    assert [runs.refused("c1"), runs.refused("c2")] == [1, 2]


def test_a_country_is_asked_again_after_a_while():
    runs = RefusalRuns()
    runs.close_country("FR", now=100.0)
    assert runs.is_closed("FR", now=100.0 + COUNTRY_AGAIN_SECONDS - 1)
    assert not runs.is_closed("FR", now=100.0 + COUNTRY_AGAIN_SECONDS)
    assert not runs.is_closed("GB", now=100.0)
