"""Which calls a database has lost, and what is written for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.campaigns import START, plan

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Contact, ContactNumber
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.states import AttemptState, ContactState
from telebridge.campaigns.recovery.missing_calls import (
    Called,
    DialedCall,
    make_up,
    most_likely_first,
    never_placed,
    perhaps_called,
    settle,
    unexplained,
    unknown_calls,
)
from telebridge.errors import LocalProtocolError
from telebridge.twilio.calls import CallStatus

ANN, BOB, FROM = "+12125550001", "+12125550002", "+15550002222"
FINAL = [status for status in CallStatus if status.is_final]
CAMPAIGN = Campaign("c1", plan(retry=RetryRules(3, {Outcome.BUSY: (900.0,), Outcome.MACHINE: (60.0,)})))


def call(sid="CA1", to=ANN, *, after=0.0, status=CallStatus.COMPLETED, seconds=20, **fields):
    return DialedCall(sid, to, FROM, START + round(1000 * after), status, seconds=seconds, **fields)


def contact(state=ContactState.READY, **fields):
    return Contact(7, "c1", 1, ANN, state, START, **fields)


def attempt(**fields):
    given = {"intent_at": START, "lease_until": START + 30_000, "check_at": START + 30_000, **fields}
    return Attempt("a1", "c1", 7, 1, ANN, "AC1", FROM, "w1", **given)


def test_calls_that_are_known_are_not_missing():
    calls = [call("CA3", after=5), call("CA1"), call("CA2"), call("CA2")]
    assert [one.sid for one in unknown_calls(calls, {"CA2"})] == ["CA1", "CA3"]


def test_an_attempt_without_a_call_explains_one_call_near_its_time_and_no_other():
    near, further, to_bob = call("CA1", after=2), call("CA2", after=3), call("CA3", BOB)
    assert unexplained([near, further, to_bob], [attempt()]) == [further, to_bob]
    assert unexplained([call(after=3600)], [attempt()]) == [call(after=3600)]
    assert unexplained([near], [attempt(call_sid="CA9")]) == [near]


@pytest.mark.parametrize("state", [ContactState.READY, ContactState.DONE, ContactState.SKIPPED])
@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("answered_by", ["", "human", "machine_start"])
def test_whatever_became_of_a_call_it_is_an_attempt_that_is_over_and_counts(state, status, answered_by):
    before = contact(state, attempts=1, claims=2)
    made, after = make_up(call(status=status, answered_by=answered_by), Called(CAMPAIGN, before), "new")
    assert (made.id, made.n, made.call_sid, made.phone, made.intent_at) == ("new", 3, "CA1", ANN, START)
    assert made.state is AttemptState.DONE
    assert made.outcome is not None
    assert made.check_at is None
    assert (after.attempts, after.claims) == (2, 3)
    again = made.outcome in CAMPAIGN.plan.retry.delays_seconds and state is not ContactState.SKIPPED
    assert (after.state is ContactState.READY) == again


def test_a_completed_call_is_a_person_unless_twilio_says_a_machine():
    made, after = make_up(call(), Called(CAMPAIGN, contact()), "new")
    assert (made.outcome, after.state) == (Outcome.ANSWERED, ContactState.DONE)
    made, after = make_up(call(answered_by="machine_end_beep"), Called(CAMPAIGN, contact()), "new")
    assert (made.outcome, after.state, after.due_at) == (Outcome.MACHINE, ContactState.READY, START + 20_000 + 60_000)


def test_an_attempt_that_was_begun_when_the_backup_was_made_gets_the_call():
    called = Called(CAMPAIGN, contact(ContactState.LIVE, attempts=1, claims=1), attempt(detects_machine=True))
    made, after = make_up(call(after=7200), called, "new")
    assert (made.id, made.call_sid, made.outcome) == ("a1", "CA1", Outcome.ANSWERED)
    assert (after.state, after.attempts, after.claims) == (ContactState.DONE, 1, 1)


def test_the_attempt_of_a_call_to_a_further_number_is_to_that_number():
    person = contact(numbers=(ContactNumber(ANN, 1), ContactNumber(BOB, 2)))
    made, after = make_up(call(to=BOB), Called(CAMPAIGN, person), "new")
    assert (made.phone, after.called_phone, after.lane_id) == (BOB, BOB, 2)


def test_an_attempt_to_an_earlier_number_that_has_no_call_was_never_placed():
    person = contact(ContactState.LIVE, attempts=1, claims=1, numbers=(ContactNumber(ANN, 1), ContactNumber(BOB, 2)))
    void, called = never_placed(Called(CAMPAIGN, person, attempt()), attempt())
    made, after = make_up(call(to=BOB), called, "new")
    assert (void.state, void.check_at) == (AttemptState.VOID, None)
    assert (made.n, made.phone, after.state, after.attempts, after.claims) == (2, BOB, ContactState.DONE, 1, 2)


def test_a_call_that_is_not_over_is_made_up_for_by_nobody():
    with pytest.raises(LocalProtocolError):
        make_up(call(status=CallStatus.RINGING), Called(CAMPAIGN, contact()), "new")


def test_what_was_live_when_the_backup_was_made_is_over_and_no_lost_call():
    talking = attempt(call_sid="CA1", state=AttemptState.ANSWERED, status=CallStatus.IN_PROGRESS)
    held = contact(ContactState.LIVE, attempts=1, claims=1)
    after, released = settle(talking, held, CAMPAIGN, call())
    assert (after.outcome, after.check_at, released.state) == (Outcome.ANSWERED, None, ContactState.DONE)
    assert settle(talking, held, CAMPAIGN, call(status=CallStatus.IN_PROGRESS)) == (talking, held)


def test_what_the_backup_knows_of_a_call_counts_before_what_is_guessed():
    told = attempt(call_sid="CA1", state=AttemptState.ANSWERED, status=CallStatus.IN_PROGRESS, talk={"digits": "1"})
    after, _ = settle(
        told, contact(ContactState.LIVE, attempts=1, claims=1), CAMPAIGN, call(answered_by="machine_start")
    )
    assert (after.outcome, after.talk) == (Outcome.ANSWERED, {"digits": "1"})


def test_of_several_campaigns_the_one_that_was_about_to_call_comes_first_and_the_others_do_not_call():
    urgent = Campaign("c2", plan(name="urgent", priority=5))
    late, soon, live = (
        Called(CAMPAIGN, contact()),
        Called(urgent, contact()),
        Called(CAMPAIGN, contact(ContactState.LIVE)),
    )
    over = Called(urgent, contact(ContactState.DONE, outcome="answered"))
    assert most_likely_first([over, late, live, soon]) == [live, soon, late, over]
    assert (perhaps_called(late).state, perhaps_called(late).outcome) == (ContactState.DONE, "unknown")
    assert perhaps_called(over) == over.contact


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 600)), max_size=8), st.sets(st.integers(0, 5)))
def test_every_call_is_known_explained_or_missing(dialled, known):
    calls = [call(f"CA{sid}", after=after) for sid, after in dialled]
    unknown = unknown_calls(calls, {f"CA{sid}" for sid in known})
    assert {one.sid for one in unknown} == {one.sid for one in calls} - {f"CA{sid}" for sid in known}
    assert unknown == sorted(unknown, key=lambda one: (one.created_at, one.sid))
    missing = unexplained(unknown, [attempt()])
    assert len(missing) == max(0, len(unknown) - 1) or len(missing) == len(unknown)
