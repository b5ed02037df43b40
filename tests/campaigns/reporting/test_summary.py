"""The figures of a campaign add up, and its times are those of the people called."""

from datetime import date

import pytest
from support.campaigns import CHICAGO, NEW_YORK
from support.report_rows import ANN, attempt, row, summary

from telebridge.campaigns.engine.contact import Lane
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.states import AttemptState, ContactState
from telebridge.campaigns.reporting.summary import OTHER_ANSWERS, Prices
from telebridge.twilio.calls import CallStatus


def test_contacts_calls_and_conversations_are_counted():
    made = summary(
        row(attempt(1, Outcome.BUSY, CallStatus.BUSY), attempt(2)),
        row(attempt(1, Outcome.MACHINE), outcome="machine"),
        row(attempt(1, None, None, state=AttemptState.VOID), outcome="", state=ContactState.READY),
        row(outcome="do_not_call", state=ContactState.SKIPPED),
    )
    assert (made.contacts, made.called, made.reached, made.calls) == (4, 2, 1, 3)
    assert made.outcomes == {"answered": 1, "machine": 1, "waiting": 1, "do_not_call": 1}
    assert sum(counts.calls for counts in made.days.values()) == sum(counts.calls for counts in made.hours) == 3


def test_days_and_hours_are_those_of_the_person_called():
    made = summary(row(attempt()), row(attempt(), lane=CHICAGO), row(attempt(), lane=Lane(("Europe/Paris",), "FR")))
    assert {day: counts.calls for day, counts in made.days.items()} == {date(2026, 3, 2): 2, date(2026, 3, 3): 1}
    assert {hour: counts.calls for hour, counts in enumerate(made.hours) if counts.calls} == {22: 1, 23: 1, 5: 1}
    assert dict(made.zones) == {"America/New_York": 1, "America/Chicago": 1, "Europe/Paris": 1}


def test_each_call_is_on_the_clock_of_the_number_that_was_called():
    home = "+13125550111"
    calls = (attempt(1, Outcome.NO_ANSWER), attempt(2, phone=home, talk={"digits": "1"}))
    made = summary(row(*calls, lane=CHICAGO, lanes={ANN: NEW_YORK, home: CHICAGO}))
    assert {hour: counts.calls for hour, counts in enumerate(made.hours) if counts.calls} == {23: 1, 22: 1}
    assert dict(made.zones) == {"America/New_York": 1, "America/Chicago": 1}
    [one] = made.answers["keys 1"].rows
    assert (one.phone, one.called_number, f"{one.called_at:%H:%M %Z}") == (ANN, home, "22:30 CST")


@pytest.mark.parametrize(
    ("one", "minutes", "estimated"),
    [
        (attempt(talk={"seconds": 59.9}), 1, 0),
        (attempt(talk={"seconds": 60.1}), 2, 0),
        (attempt(talk={"seconds": 0}), 1, 0),
        (attempt(lasted=90_000), 2, 1),
        (attempt(1, Outcome.MACHINE, lasted=10_000), 1, 1),
        (attempt(ended_at=None), 1, 1),
        (attempt(1, Outcome.BUSY, CallStatus.BUSY), 0, 0),
        (attempt(1, Outcome.NO_ANSWER, CallStatus.NO_ANSWER), 0, 0),
    ],
)
def test_a_call_costs_its_begun_minutes_once_it_was_answered(one, minutes, estimated):
    made = summary(row(one), prices=Prices(0.5, 2.0))
    assert (made.minutes, made.estimated, made.cost) == (minutes, estimated, 0.5 + 2.0 * minutes)


def test_contacts_are_listed_by_what_they_answered():
    yes = {"digits": "1", "result": {"answer": "yes"}}
    made = summary(
        row(attempt(talk=yes), variables={"name": "Ann"}),
        row(attempt(talk=yes)),
        row(attempt(talk={"digits": "2"})),
        row(attempt(talk={"digits": ""})),
        row(attempt(1, Outcome.OPTED_OUT, talk={"digits": "9"}), outcome="opted_out"),
    )
    assert {title: listed.count for title, listed in made.answers.items()} == {
        "answer: yes": 2,
        "keys 2": 1,
        "keys 9": 1,
        "asked not to be called again": 1,
    }
    first = made.answers["answer: yes"].rows[0]
    assert (first.phone, first.variables, first.digits) == ("+12125550111", {"name": "Ann"}, "1")
    assert f"{first.called_at:%Y-%m-%d %H:%M %Z}" == "2026-03-02 23:30 EST"


def test_the_lists_of_outcomes_have_a_place_however_many_answers_there_are():
    rows = [row(attempt(talk={"digits": f"{n}"})) for n in range(3)]
    made = summary(*rows, row(attempt(1, Outcome.OPTED_OUT), outcome="opted_out"), most_lists=3)
    assert made.answers["asked not to be called again"].count == 1


def test_lists_are_bounded_and_every_contact_is_counted():
    rows = [row(attempt(talk={"digits": f"{n}"})) for n in range(10)]
    made = summary(*rows, *rows, most_lists=3, most_rows=4)
    assert {title: listed.count for title, listed in made.answers.items()} == {
        "keys 0": 2,
        "keys 1": 2,
        "keys 2": 2,
        OTHER_ANSWERS: 14,
    }
    assert len(made.answers[OTHER_ANSWERS].rows) == 4
