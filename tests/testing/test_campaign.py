"""Campaigns of a test: fates by number, and what came of each."""

import pytest

from telebridge.errors import ConfigurationError
from telebridge.testing import CallFailure, Phone

FLOW = """
flow: reminder
variables: {name: nobody}
start: greeting
nodes:
  greeting: {say: "Hello {{ name }}.", then: ask}
  ask:
    menu: "Press 1 to confirm, 9 for no more calls."
    choices: {1: yes_, 9: stop}
    no_input: {after: 4s, reprompt: 0, then: bye}
  yes_: {set: {answer: confirmed}, then: bye}
  stop: {opt_out: "You will not be called again.", then: bye}
  bye: {hang_up: "Goodbye."}
"""
CONFIRMS, BUSY, STOPS, NOBODY = (f"+1212555010{n}" for n in range(4))


@pytest.fixture
def phone(tmp_path):
    (tmp_path / "reminder.yaml").write_text(FLOW)
    with Phone(folder=tmp_path) as phone:
        phone.answers(CONFIRMS, "human after 1s; wait; silence 900ms; press 1; silence 3s; hang up")
        phone.answers(BUSY, "busy", "human after 1s; wait; silence 900ms; press 1; silence 3s; hang up")
        phone.answers(STOPS, "human after 1s; wait; silence 900ms; press 9; silence 4s; hang up")
        phone.answers(NOBODY, "no answer")
        yield phone


@pytest.mark.slow
def test_everybody_ends_as_they_behave(phone):
    contacts = {CONFIRMS: {"name": "Ann"}, BUSY: {"name": "Bob"}, STOPS: {"name": "Cy"}, NOBODY: {"name": "Di"}}
    campaign = phone.campaign(contacts, flow="reminder.yaml", attempts=2, retry_seconds=60, max_live=2)
    campaign.run()
    assert campaign.outcomes == {CONFIRMS: "answered", BUSY: "answered", STOPS: "opted_out", NOBODY: "no_answer"}
    ann = campaign.contact(CONFIRMS)
    assert (ann.attempts, ann.digits, ann.result["answer"]) == (1, "1", "confirmed")
    assert ann.heard.startswith("Hello Ann. Press 1 to confirm")
    assert sorted(campaign.dialled) == sorted([CONFIRMS, BUSY, BUSY, STOPS, NOBODY, NOBODY])
    assert campaign.max_at_once <= 2
    campaign.never_twice()


def test_who_opted_out_is_not_called_again(phone):
    phone.campaign([STOPS], flow="reminder.yaml").run()
    again = phone.campaign([STOPS], flow="reminder.yaml")
    again.run()
    assert again.outcomes == {STOPS: "do_not_call"}
    assert again.dialled == [STOPS]


def test_twilio_refuses_a_request(phone):
    phone.twilio.refuses_requests(429)
    campaign = phone.campaign([CONFIRMS], flow="reminder.yaml")
    campaign.run()
    assert campaign.outcomes == {CONFIRMS: "answered"}


def test_a_campaign_that_is_not_over_in_time(phone):
    campaign = phone.campaign([CONFIRMS], flow="reminder.yaml")
    with pytest.raises(ConfigurationError, match="run it first"):
        campaign.contact(CONFIRMS)
    with pytest.raises(CallFailure, match="campaign: is not over after 2 s"):
        campaign.run(within=2)
