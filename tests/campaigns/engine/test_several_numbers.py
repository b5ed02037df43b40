"""Contacts with several numbers: which one is called next, and what holds for all of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.campaigns import START, plan

from telebridge.campaigns.engine.attempt import Attempt, NotPlacedReason
from telebridge.campaigns.engine.campaign import Campaign, Cap
from telebridge.campaigns.engine.claim import PastCall, PhoneFacts, Quota, select_contacts
from telebridge.campaigns.engine.contact import Contact, ContactNumber
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.states import AttemptState, ContactState
from telebridge.campaigns.engine.transitions import apply_disposition, release_contact

MOBILE, HOME, WORK = "+12125550001", "+13125550002", "+14155550003"
NUMBERS = (ContactNumber(MOBILE, 1), ContactNumber(HOME, 2), ContactNumber(WORK, 3))
RULES = RetryRules(
    9, {Outcome.NO_ANSWER: (3600.0, 7200.0), Outcome.BUSY: (60.0,)}, (Outcome.NO_ANSWER, Outcome.BAD_NUMBER)
)
HOUR_MS = 3_600_000


def contact(numbers=NUMBERS, **fields):
    return Contact(
        1,
        "c1",
        numbers[0].lane_id,
        numbers[0].phone,
        **{"state": ContactState.READY, "due_at": 0, **fields},
        numbers=numbers,
    )


def called(person):
    return replace(person, state=ContactState.LIVE, attempts=person.attempts + 1, claims=person.claims + 1)


def attempt(person, outcome=None, *, ended_at=START):
    return Attempt(
        "a1", "c1", 1, person.claims, person.called_phone, "AC1", "+15550002222", "w1", START, START, None,
        state=AttemptState.VOID if outcome is None else AttemptState.DONE, outcome=outcome, ended_at=ended_at,
    )  # fmt: skip


def ended(person, outcome, rules=RULES):
    """The person after one more call that ended so."""
    live = called(person)
    return apply_disposition(attempt(live, outcome), live, rules)


def refused(person, why=NotPlacedReason.BAD_NUMBER, rules=RULES):
    live = called(person)
    return release_contact(live, why, now=START, attempt=attempt(live), rules=rules)


def test_the_next_number_is_called_at_once_in_its_own_lane():
    person = contact()
    for number, lane in ((HOME, 2), (WORK, 3)):
        person = ended(person, Outcome.NO_ANSWER)
        assert (person.state, person.called_phone, person.lane_id) == (ContactState.READY, number, lane)
        assert person.due_at == START


def test_after_the_last_number_the_first_is_called_again_after_the_first_delay():
    person = contact()
    for _ in range(3):
        person = ended(person, Outcome.NO_ANSWER)
    assert (person.called_phone, person.lane_id, person.due_at) == (MOBILE, 1, START + HOUR_MS)
    for _ in range(3):
        person = ended(person, Outcome.NO_ANSWER)
    assert (person.called_phone, person.due_at) == (MOBILE, START + 2 * HOUR_MS)


def test_a_number_that_does_not_exist_is_never_called_again():
    person = refused(contact())
    assert (person.called_phone, person.attempts, person.due_at) == (HOME, 0, START)
    person = ended(ended(person, Outcome.NO_ANSWER), Outcome.NO_ANSWER)
    assert (person.called_phone, person.due_at) == (HOME, START + HOUR_MS)


def test_a_last_number_that_does_not_exist_leaves_the_delay_of_those_before_it():
    person = refused(ended(contact(NUMBERS[:2]), Outcome.NO_ANSWER))
    assert (person.state, person.called_phone, person.due_at) == (ContactState.READY, MOBILE, START + HOUR_MS)
    assert person.outcome == "no_answer"


def test_without_a_number_that_exists_a_contact_is_done():
    person = contact()
    for _ in NUMBERS:
        person = refused(person)
    assert (person.state, person.outcome, person.attempts) == (ContactState.DONE, "bad_number", 0)


def test_an_outcome_that_names_no_next_number_stays_at_its_number():
    person = ended(ended(contact(), Outcome.NO_ANSWER), Outcome.BUSY)
    assert (person.called_phone, person.due_at) == (HOME, START + 60_000)
    assert ended(person, Outcome.ANSWERED).state is ContactState.DONE


def test_attempts_are_bounded_over_all_numbers():
    rules = replace(RULES, max_attempts=2)
    person = ended(ended(contact(), Outcome.NO_ANSWER, rules), Outcome.NO_ANSWER, rules)
    assert (person.state, person.attempts) == (ContactState.DONE, 2)


def test_a_definition_without_next_numbers_calls_the_first_alone():
    rules = replace(RULES, next_number=())
    assert ended(contact(), Outcome.NO_ANSWER, rules).called_phone == MOBILE
    assert refused(contact(), rules=rules).state is ContactState.DONE


def test_a_report_that_comes_again_leads_to_the_same_number():
    live = called(contact())
    first = apply_disposition(attempt(live, Outcome.NO_ANSWER), live, RULES)
    assert apply_disposition(attempt(live, Outcome.NO_ANSWER), first, RULES) == first
    corrected = apply_disposition(attempt(live, Outcome.ANSWERED), first, RULES)
    assert (corrected.state, corrected.called_phone) == (ContactState.DONE, MOBILE)


def test_a_call_that_was_not_placed_is_tried_again_at_the_same_number():
    person = refused(ended(contact(), Outcome.NO_ANSWER), NotPlacedReason.AGAIN)
    assert (person.called_phone, person.state) == (HOME, ContactState.READY)


@given(st.lists(st.sampled_from([*Outcome, None]), max_size=12), st.integers(1, 3), st.integers(1, 9))
def test_whatever_happens_a_contact_is_at_a_number_of_its_own_lane_and_ends(happened, count, most):
    rules, person = replace(RULES, max_attempts=most), contact(NUMBERS[:count] if count > 1 else NUMBERS[:2])
    for outcome in happened:
        if person.state is not ContactState.READY:
            break
        person = refused(person, rules=rules) if outcome is None else ended(person, outcome, rules)
        assert person.lane_id == person.numbers[person.number].lane_id
        assert person.attempts <= most
        if person.state is ContactState.READY:
            assert not person.numbers[person.number].unusable
            assert person.attempts < most or outcome is Outcome.CALL_BACK
    assert person.phone == MOBILE


def selected(person, facts, caps=()):
    quotas = {"c1": Quota(Campaign("c1", plan()), 9, [("+15550002222", None)])}
    return select_contacts([person], facts, quotas, {1: caps}, wanted=9, now=START)


@pytest.mark.parametrize("listed", [MOBILE, HOME, WORK])
def test_whoever_has_one_number_on_the_list_is_called_at_none(listed):
    [skipped] = selected(contact(), {listed: PhoneFacts(frozenset({""}))}).changed
    assert (skipped.state, skipped.outcome) == (ContactState.SKIPPED, "do_not_call")


def test_a_cap_counts_the_calls_to_all_numbers_of_a_person():
    past = {
        MOBILE: PhoneFacts(past=(PastCall(START - 1, False),)),
        WORK: PhoneFacts(past=(PastCall(START - 2, False),)),
    }
    assert selected(contact(), past, (Cap(3, 60),)).admitted
    [held] = selected(contact(), past, (Cap(2, 60),)).changed
    assert held.held == "capped"


def test_a_person_whose_other_number_rings_waits():
    [held] = selected(contact(), {HOME: PhoneFacts(live=True)}).changed
    assert held.held == "live_elsewhere"


def test_two_contacts_that_share_a_number_are_not_called_at_once():
    other = replace(contact((NUMBERS[2], NUMBERS[1])), id=2, lane_id=1)
    quotas = {"c1": Quota(Campaign("c1", plan()), 9, [("+15550002222", None)])}
    done = select_contacts([contact(), other], {}, quotas, {}, wanted=9, now=START)
    assert [one.contact.id for one in done.admitted] == [1]
    assert [one.held for one in done.changed] == ["live_elsewhere"]


def test_the_attempt_goes_to_the_number_that_is_called():
    person = ended(contact(), Outcome.NO_ANSWER)
    [admitted] = selected(person, {}).admitted
    intent, _ = admitted.make_intent("a2", Campaign("c1", plan()), account="AC1", worker="w", lease_until=2, now=1)
    assert intent.phone == HOME
