"""Callbacks in any order, three times over, before the POST's answer, or never: the rows end the same."""

from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.attempt import Attempt, CallReport, Contact, Unplaced
from telebridge.campaigns.outcomes import Outcome, Reported, RetryRules
from telebridge.campaigns.settling import never_placed, release, settle, take_report
from telebridge.campaigns.states import AttemptState, ContactState
from telebridge.twilio.calls import CallStatus

NOW = 1_000_000
RULES = RetryRules(3, {Outcome.BUSY: (60.0,), Outcome.MACHINE: (90.0,), Outcome.NO_ANSWER: (30.0,)})
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
    flow = flow if final is CallStatus.COMPLETED else []
    twilio = draw(st.lists(st.sampled_from([*said, CallReport("CA1", final)])))
    return [draw(st.permutations([*twilio, *flow, look] * 3)), [*said, CallReport("CA1", final), *flow, look]]


def told(reports):
    attempt, contact = INTENT, LIVE
    for report in reports:
        before, attempt = attempt, take_report(attempt, report, now=NOW)
        if attempt.outcome is not before.outcome:
            contact = settle(attempt, contact, RULES)
    return attempt, contact


@given(what_is_said_of_a_call())
def test_reports_in_any_order_doubled_or_lost_end_the_same(case):
    disorder, order = case
    assert told(disorder) == told(order)


@given(what_is_said_of_a_call())
def test_a_report_taken_twice_changes_nothing(case):
    attempt = INTENT
    for report in case[0]:
        attempt = take_report(attempt, report, now=NOW)
        assert take_report(attempt, report, now=NOW + 5) == attempt or report.looked_up


@given(what_is_said_of_a_call())
def test_a_call_of_another_sid_is_never_taken(case):
    attempt = take_report(INTENT, CallReport("CA0"), now=NOW)
    assert [take_report(attempt, report, now=NOW) for report in case[0]] == [None] * len(case[0])


def test_a_late_end_of_an_earlier_attempt_does_not_touch_a_contact_that_is_called_again():
    ended = take_report(INTENT, CallReport("CA1", CallStatus.BUSY), now=NOW)
    again = Contact(7, "c1", 1, "+1", ContactState.LIVE, 0, attempts=2, claims=2)
    assert settle(ended, again, RULES) == again


def test_a_void_attempt_gives_its_count_back():
    void = never_placed(INTENT, error="429")
    assert (void.state, void.check_at) == (AttemptState.VOID, None)
    freed = release(LIVE, Unplaced.AGAIN, now=NOW)
    assert (freed.state, freed.attempts, freed.claims, freed.due_at) == (ContactState.READY, 0, 1, NOW + 1000)
    assert release(LIVE, Unplaced.UNKNOWN, now=NOW).outcome == "unknown"


def test_an_attempt_with_a_call_is_not_made_void():
    assert never_placed(take_report(INTENT, CallReport("CA1"), now=NOW), error="") is None
