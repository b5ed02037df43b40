"""Which steps begin again in another process, and where their prompts go on."""

import pytest

from telebridge.call.session.resuming import may_have_happened, step_from_word
from telebridge.flows.steps import Collect, HangUp, Play, Record, Request, Run, Say, Transfer, Wait
from telebridge.turns.barge_in import BargeInPolicy
from telebridge.turns.digits import DigitRules

SAY = Say("One two three.", {"speed": 1.2}, BargeInPolicy.NONE)
REST = Say("two three.", {"speed": 1.2}, BargeInPolicy.NONE)
RULES = DigitRules(max_digits=1)
OTHERS = [Play(b"", "beep"), Wait(1.0), Record(SAY), Transfer("+15551230100"), HangUp()]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_request_that_changes_something_is_not_sent_again(method):
    assert may_have_happened(Request(method, "https://example.com/"))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_request_that_may_be_repeated_is(method):
    assert not may_have_happened(Request(method, "https://example.com/"))


def test_an_action_is_never_repeated_and_a_prompt_always_may_be():
    assert may_have_happened(Run("charge", {}))
    assert not any(may_have_happened(step) for step in (SAY, Collect(SAY, RULES), *OTHERS))


def test_a_prompt_goes_on_at_the_last_word_heard():
    assert step_from_word(SAY, 0) == SAY
    assert step_from_word(SAY, 2) == REST
    assert step_from_word(Collect(SAY, RULES), 2) == Collect(REST, RULES)


@pytest.mark.parametrize("step", [Collect(None, RULES), *OTHERS])
def test_any_other_step_is_the_same_again(step):
    assert step_from_word(step, 2) is step
