"""How an attempt ended, from Twilio's status, its verdict on who answered, and what the flow said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.campaigns import TALK

from telebridge.campaigns.engine.outcomes import (
    Outcome,
    Reported,
    RetryRules,
    outcome_of,
    weightier,
)
from telebridge.twilio.calls import CallStatus

RULES = RetryRules(3, {Outcome.BUSY: (60.0,), Outcome.NO_ANSWER: (10.0, 20.0)})


@pytest.mark.parametrize(
    ("status", "answered_by", "reported", "expected"),
    [
        (CallStatus.COMPLETED, "", None, Outcome.ANSWERED),
        (CallStatus.COMPLETED, "human", None, Outcome.ANSWERED),
        (CallStatus.COMPLETED, "unknown", None, Outcome.ANSWERED),
        (CallStatus.COMPLETED, "machine_start", None, Outcome.MACHINE),
        (CallStatus.COMPLETED, "machine_end_beep", Reported.ABANDONED, Outcome.MACHINE),
        (CallStatus.COMPLETED, "fax", None, Outcome.MACHINE),
        (CallStatus.COMPLETED, "", Reported.MACHINE, Outcome.MACHINE),
        (CallStatus.COMPLETED, "", Reported.SCREENED, Outcome.SCREENED),
        (CallStatus.COMPLETED, "machine_start", Reported.SCREENED, Outcome.SCREENED),
        (CallStatus.COMPLETED, "", Reported.ABANDONED, Outcome.ABANDONED),
        (CallStatus.COMPLETED, "machine_start", Reported.CALL_BACK, Outcome.CALL_BACK),
        (CallStatus.COMPLETED, "machine_start", Reported.OPTED_OUT, Outcome.OPTED_OUT),
        (CallStatus.CANCELED, "", Reported.OPTED_OUT, Outcome.OPTED_OUT),
        (CallStatus.BUSY, "", None, Outcome.BUSY),
        (CallStatus.NO_ANSWER, "", None, Outcome.NO_ANSWER),
        (CallStatus.FAILED, "", None, Outcome.FAILED),
        (CallStatus.CANCELED, "", None, Outcome.CANCELLED),
        (CallStatus.IN_PROGRESS, "human", Reported.OPTED_OUT, None),
    ],
)
def test_an_outcome_is_worked_out_from_everything_known(status, answered_by, reported, expected):
    assert outcome_of(status, answered_by, reported, TALK) is expected


@pytest.mark.parametrize("reported", [None, Reported.MACHINE])
def test_who_pressed_a_key_is_no_machine_whatever_the_verdict(reported):
    pressed = {**TALK, "digits": "1"}
    assert outcome_of(CallStatus.COMPLETED, "machine_start", reported, pressed) is Outcome.ANSWERED
    assert outcome_of(CallStatus.COMPLETED, "machine_start", reported, TALK) is Outcome.MACHINE


@pytest.mark.parametrize(
    ("status", "answered_by", "reported", "waited_for", "lost"),
    [
        (CallStatus.COMPLETED, "", None, None, Outcome.LOST),
        (CallStatus.COMPLETED, "human", None, None, Outcome.LOST),
        (CallStatus.COMPLETED, "machine_start", None, None, Outcome.LOST),
        (CallStatus.COMPLETED, "", Reported.HUNG_UP, Outcome.HUNG_UP, Outcome.HUNG_UP),
        (CallStatus.COMPLETED, "machine_start", Reported.ENDED, Outcome.CANCELLED, Outcome.CANCELLED),
        (CallStatus.NO_ANSWER, "", None, Outcome.NO_ANSWER, Outcome.NO_ANSWER),
    ],
)
def test_an_answered_call_has_no_outcome_until_it_is_known_what_was_said_or_that_nothing_was(
    status, answered_by, reported, waited_for, lost
):
    assert outcome_of(status, answered_by, reported, {}) is waited_for
    assert outcome_of(status, answered_by, reported, {}, lost=True) is lost


@given(
    st.sampled_from(CallStatus),
    st.sampled_from(["", "human", "machine_start", "fax", "unknown"]),
    st.sampled_from([None, *Reported]),
)
def test_every_final_call_has_an_outcome_and_no_other_has(status, answered_by, reported):
    assert (outcome_of(status, answered_by, reported, TALK) is not None) == status.is_final
    assert (outcome_of(status, answered_by, reported, {}, lost=True) is not None) == status.is_final


@given(st.lists(st.sampled_from([None, *Reported]), min_size=2))
def test_the_weightiest_report_counts_whatever_the_order(reports):
    def last(order):
        kept = None
        for reported in order:
            kept = weightier(kept, reported)
        return kept

    assert last(reports) is last(reversed(reports))


@pytest.mark.parametrize(
    ("outcome", "attempts", "due_at"),
    [
        (Outcome.BUSY, 1, 61_000),
        (Outcome.BUSY, 2, 61_000),
        (Outcome.BUSY, 3, None),
        (Outcome.NO_ANSWER, 1, 11_000),
        (Outcome.NO_ANSWER, 2, 21_000),
        (Outcome.ANSWERED, 1, None),
        (Outcome.CALL_BACK, 3, 99_000),
    ],
)
def test_a_retry_is_due_by_outcome_and_count(outcome, attempts, due_at):
    assert RULES.next_due(outcome, attempts=attempts, ended_at=1000, call_back_at=99_000) == due_at
