"""Callbacks in any order, three times over, before the POST's answer, or never: the rows end the same."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.campaigns import TALK

from telebridge.campaigns.engine.attempt import Attempt, CallReport, NotPlacedReason
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.outcomes import Outcome, Reported, RetryRules
from telebridge.campaigns.engine.states import AttemptState, ContactState
from telebridge.campaigns.engine.transitions import (
    TALK_WITHIN_MS,
    apply_disposition,
    apply_report,
    release_contact,
    void_attempt,
)
from telebridge.twilio.calls import ORDER, CallStatus

NOW = 1_000_000
RULES = RetryRules(
    3, {Outcome.BUSY: (60.0,), Outcome.MACHINE: (90.0,), Outcome.NO_ANSWER: (30.0,), Outcome.LOST: (40.0,)}
)
INTENT = Attempt("a1", "c1", 7, 1, "+1", "AC1", "+2", "w1", NOW, NOW + 30_000, NOW + 30_000, detects_machine=True)
LIVE = Contact(7, "c1", 1, "+1", ContactState.LIVE, 0, attempts=1, claims=1)

UNANSWERED = st.sampled_from([CallStatus.BUSY, CallStatus.NO_ANSWER, CallStatus.FAILED, CallStatus.CANCELED])


@st.composite
def what_is_said_of_a_call(draw):
    """All reports of one call, some of them lost but for a last look, in any order, each up to three times."""
    said = [CallReport("CA1", status) for status in (CallStatus.QUEUED, CallStatus.INITIATED, CallStatus.RINGING)]
    if draw(st.booleans()):
        final, verdict = draw(UNANSWERED), ""
    else:
        final, verdict = CallStatus.COMPLETED, draw(st.sampled_from(["human", "machine_start", "unknown"]))
        said += [CallReport("CA1", CallStatus.IN_PROGRESS), CallReport("CA1", answered_by=verdict)]
    look = CallReport("CA1", final, answered_by=verdict, looked_up=True)
    flow = [CallReport("CA1", reported=reported) for reported in draw(st.sets(st.sampled_from(Reported)))]
    flow += [CallReport("CA1", talk=TALK)] if draw(st.booleans()) else []
    flow = flow if final is CallStatus.COMPLETED else []
    twilio = draw(st.lists(st.sampled_from([*said, CallReport("CA1", final)])))
    return [draw(st.permutations([*twilio, *flow, look] * 3)), [*said, CallReport("CA1", final), *flow, look]]


def told(reports):
    attempt, contact = INTENT, LIVE
    for report in reports:
        before, attempt = attempt, apply_report(attempt, report, now=NOW)
        if attempt.outcome is not before.outcome:
            contact = apply_disposition(attempt, contact, RULES)
        waits_in_vain = attempt.state is AttemptState.DONE and attempt.outcome is None
        assert not waits_in_vain or contact.state is ContactState.LIVE
    return attempt, contact


def told_and_looked_at_later(reports, late=()):
    """All that is said in time, one look when the time for it has run out, and what comes after that."""
    status = max((report.status for report in reports if report.status), key=ORDER.__getitem__)
    attempt, contact = told(reports)
    for report in (CallReport("CA1", status, looked_up=True), *late):
        before, attempt = attempt, apply_report(attempt, report, now=NOW + TALK_WITHIN_MS)
        if attempt.outcome is not before.outcome:
            contact = apply_disposition(attempt, contact, RULES)
    return attempt, contact


@given(what_is_said_of_a_call())
def test_reports_in_any_order_doubled_or_lost_end_the_same(case):
    disorder, order = case
    assert told(disorder) == told(order)


@given(what_is_said_of_a_call())
def test_an_answered_call_is_settled_in_the_end_the_same_whether_its_talk_comes_in_time_late_or_never(case):
    disorder, order = case
    attempt, contact = told_and_looked_at_later(disorder)
    assert (attempt, contact) == told_and_looked_at_later(order)
    assert (attempt.check_at, attempt.outcome is None, contact.state is ContactState.LIVE) == (None, False, False)
    of_the_flow = [one for one in disorder if one.talk or one.reported]
    of_twilio = [one for one in disorder if one not in of_the_flow]
    assert told_and_looked_at_later(of_twilio, late=of_the_flow) == (attempt, contact)


def test_a_call_is_not_lost_because_twilio_was_asked_early_or_a_callback_came_late():
    over = CallReport("CA1", CallStatus.COMPLETED, answered_by="human", looked_up=True)
    attempt = apply_report(INTENT, over, now=NOW)
    assert (attempt.outcome, attempt.check_at) == (None, NOW + TALK_WITHIN_MS)
    attempt = apply_report(attempt, CallReport("CA1", CallStatus.COMPLETED), now=NOW + 10 * TALK_WITHIN_MS)
    assert attempt.outcome is None
    assert apply_report(attempt, over, now=NOW + TALK_WITHIN_MS).outcome is Outcome.LOST


@given(what_is_said_of_a_call(), st.integers(0, 9), st.integers(0, 600_000))
def test_a_call_whose_end_is_told_is_looked_at_within_seconds_whatever_was_said_before(case, looks, later):
    attempt = replace(INTENT, looks=looks)
    for report in case[0]:
        if not report.looked_up and not (report.status and report.status.is_final) and not report.talk:
            attempt = apply_report(attempt, report, now=NOW)
    told_at = NOW + later
    attempt = apply_report(attempt, CallReport("CA1", talk=TALK), now=told_at)
    assert told_at < attempt.check_at <= told_at + 4000 or attempt.reported is Reported.ENDED
    for _ in range(3):
        attempt = apply_report(attempt, CallReport("CA1", CallStatus.IN_PROGRESS, looked_up=True), now=told_at)
        assert told_at + 10_000 <= attempt.check_at <= told_at + 300_000
    attempt = apply_report(attempt, CallReport("CA1", CallStatus.COMPLETED, answered_by="human", looked_up=True), now=1)
    assert (attempt.state, attempt.check_at) == (AttemptState.DONE, None)


@given(what_is_said_of_a_call())
def test_a_report_taken_twice_changes_nothing(case):
    attempt = INTENT
    for report in case[0]:
        attempt = apply_report(attempt, report, now=NOW)
        assert apply_report(attempt, report, now=NOW + 5) == attempt or report.looked_up


@pytest.mark.slow
@given(what_is_said_of_a_call())
def test_a_call_of_another_sid_is_never_taken(case):
    attempt = apply_report(INTENT, CallReport("CA0"), now=NOW)
    assert [apply_report(attempt, report, now=NOW) for report in case[0]] == [None] * len(case[0])


def test_a_late_end_of_an_earlier_attempt_does_not_touch_a_contact_that_is_called_again():
    ended = apply_report(INTENT, CallReport("CA1", CallStatus.BUSY), now=NOW)
    again = Contact(7, "c1", 1, "+1", ContactState.LIVE, 0, attempts=2, claims=2)
    assert apply_disposition(ended, again, RULES) == again


def test_a_void_attempt_gives_its_count_back():
    void = void_attempt(INTENT, NotPlacedReason.AGAIN, error="429")
    assert (void.state, void.check_at, void.outcome) == (AttemptState.VOID, None, None)
    freed = release_contact(LIVE, NotPlacedReason.AGAIN, now=NOW)
    assert (freed.state, freed.attempts, freed.claims, freed.due_at) == (ContactState.READY, 0, 1, NOW + 1000)
    assert release_contact(LIVE, NotPlacedReason.UNKNOWN, now=NOW).outcome == "unknown"


def test_an_attempt_with_a_call_is_not_made_void():
    assert void_attempt(apply_report(INTENT, CallReport("CA1"), now=NOW), NotPlacedReason.REFUSED, error="") is None
