import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from telebridge.errors import ConfigurationError
from telebridge.turns.digits import TYPE_AHEAD_KEYS, Collected, DigitCollector, DigitRules, Ending

ACCOUNT = DigitRules(min_digits=6, max_digits=6)
ONE_KEY = DigitRules(max_digits=1, finish_on_key="")


def press_all(collector, keys, *, now=0.0):
    return [collected for key in keys if (collected := collector.press(key, now=now)) is not None]


def asked(rules=None, *, now=0.0):
    collector = DigitCollector()
    assert collector.start(rules or DigitRules(), now=now) is None
    return collector


def test_the_last_digit_wanted_completes_the_answer():
    assert press_all(asked(ACCOUNT), "123456") == [Collected("123456", Ending.COMPLETE)]


def test_silence_does_not_count_while_the_caller_speaks():
    collector = asked(DigitRules(no_input_seconds=5.0))
    collector.prompt_ended(now=0.0)
    collector.speech_started(now=4.0)
    assert collector.handle_timeout(now=6.0) is None
    collector.speech_ended(now=7.0)
    assert collector.handle_timeout(now=11.9) is None
    assert collector.handle_timeout(now=12.0) == Collected("", Ending.NO_INPUT)


def test_a_caller_who_speaks_when_the_prompt_ends_is_heard_out():
    collector = asked(DigitRules(no_input_seconds=5.0))
    collector.speech_started(now=0.0)
    collector.prompt_ended(now=1.0)
    assert collector.handle_timeout(now=7.0) is None
    collector.speech_ended(now=7.0)
    assert collector.next_deadline() == 12.0


def test_a_television_does_not_hold_a_question_open_for_ever():
    collector = asked(DigitRules(no_input_seconds=5.0))
    collector.prompt_ended(now=0.0)
    for second in range(0, 60, 2):
        collector.speech_started(now=float(second))
        if (collected := collector.handle_timeout(now=second + 1.9)) is not None:
            assert collected == Collected("", Ending.NO_INPUT)
            assert second < 20 + 5
            return
        collector.speech_ended(now=second + 1.9)
    raise AssertionError("the question was never closed")


def test_speech_never_brings_the_end_nearer():
    collector = asked(DigitRules(no_input_seconds=30.0))
    collector.prompt_ended(now=0.0)
    collector.speech_started(now=1.0)
    assert collector.next_deadline() == 30.0
    collector.speech_ended(now=2.0)
    assert collector.next_deadline() == 32.0


def test_a_finish_key_pressed_twice_ahead_ends_the_next_answer():
    collector = DigitCollector()
    press_all(collector, "0000*")
    assert collector.start(DigitRules(max_digits=4, finish_on_key="*"), now=0.0) == Collected("0000", Ending.COMPLETE)
    collector.start(DigitRules(finish_on_key="*"), now=0.0)
    assert collector.press("*", now=0.0) == Collected("", Ending.FINISH_KEY)


def test_speech_does_not_hold_the_pause_between_two_keys():
    collector = asked(DigitRules(between_seconds=3.0))
    collector.press("1", now=0.0)
    collector.speech_started(now=1.0)
    assert collector.handle_timeout(now=3.0) == Collected("1", Ending.TIMED_OUT)


def test_the_finish_key_ends_the_answer_and_is_no_part_of_it():
    collector = asked()
    assert press_all(collector, "12#") == [Collected("12", Ending.FINISH_KEY)]
    assert not collector.collecting
    assert collector.typed == ""


def test_the_finish_key_alone_is_an_answer_without_digits():
    assert press_all(asked(), "#") == [Collected("", Ending.FINISH_KEY)]


def test_without_a_finish_key_every_key_is_a_digit():
    assert press_all(asked(ONE_KEY), "#") == [Collected("#", Ending.COMPLETE)]


def test_a_pause_after_a_key_ends_the_answer():
    collector = asked(DigitRules(between_seconds=3))
    collector.press("1", now=0)
    collector.press("2", now=2)
    assert collector.next_deadline() == 5
    assert collector.handle_timeout(now=4.9) is None
    assert collector.handle_timeout(now=5) == Collected("12", Ending.TIMED_OUT)
    assert collector.next_deadline() is None


def test_silence_counts_only_from_the_end_of_the_prompt():
    collector = asked(DigitRules(no_input_seconds=5))
    assert collector.next_deadline() is None
    collector.prompt_ended(now=30)
    assert collector.next_deadline() == 35
    assert collector.handle_timeout(now=35) == Collected("", Ending.NO_INPUT)


def test_a_prompt_that_ends_while_the_caller_types_starts_no_silence():
    collector = asked(DigitRules(between_seconds=3, no_input_seconds=60))
    collector.press("1", now=1)
    collector.prompt_ended(now=2)
    assert collector.next_deadline() == 4


def test_the_overall_limit_runs_from_the_first_key_or_the_end_of_the_prompt_whichever_is_first():
    rules = DigitRules(between_seconds=3, no_input_seconds=20, overall_seconds=4)
    collector = asked(rules)
    for now in (1, 3, 4.5):
        collector.press("7", now=now)
    collector.prompt_ended(now=4.6)
    assert collector.next_deadline() == 5
    assert collector.handle_timeout(now=5) == Collected("777", Ending.TIMED_OUT)
    silent = asked(rules)
    silent.prompt_ended(now=0)
    assert silent.handle_timeout(now=4) == Collected("", Ending.NO_INPUT)


def test_keys_pressed_before_the_question_answer_it():
    collector = DigitCollector()
    press_all(collector, "42#7")
    assert collector.start(DigitRules(), now=1) == Collected("42", Ending.FINISH_KEY)
    assert collector.start(ONE_KEY, now=1) == Collected("7", Ending.COMPLETE)


def test_keys_typed_ahead_may_be_the_beginning_of_the_answer():
    collector = DigitCollector()
    press_all(collector, "12")
    assert collector.start(DigitRules(between_seconds=3), now=10) is None
    assert (collector.typed, collector.next_deadline()) == ("12", 13)


def test_a_question_without_type_ahead_drops_the_keys_before_it():
    collector = DigitCollector()
    press_all(collector, "42#")
    assert collector.start(DigitRules(type_ahead=False), now=0) is None
    assert collector.typed == ""


def test_type_ahead_is_bounded_and_keeps_what_was_pressed_first():
    collector = DigitCollector()
    press_all(collector, "1" * TYPE_AHEAD_KEYS + "2222")
    collector.start(DigitRules(), now=0)
    assert collector.typed == "1" * TYPE_AHEAD_KEYS


def test_stopping_drops_what_was_typed_and_leaves_no_deadline():
    collector = asked(DigitRules(overall_seconds=9))
    collector.press("1", now=0)
    collector.stop()
    assert (collector.collecting, collector.typed, collector.next_deadline()) == (False, "", None)
    assert collector.handle_timeout(now=100) is None
    collector.prompt_ended(now=100)
    assert collector.next_deadline() is None


def test_the_pound_after_a_complete_answer_does_not_answer_the_next_question():
    collector = asked(ACCOUNT)
    press_all(collector, "123456", now=10)
    assert collector.is_late_finish_key("#", now=11)
    collector.start(ONE_KEY, now=10.2)
    assert collector.press("#", now=11) is None
    assert collector.press("#", now=11.1) == Collected("#", Ending.COMPLETE)


@pytest.mark.parametrize(("key", "now"), [("#", 13), ("*", 10.5)])
def test_a_later_or_another_key_after_a_complete_answer_counts(key, now):
    collector = asked(ACCOUNT)
    press_all(collector, "123456", now=10)
    collector.start(ONE_KEY, now=10.2)
    assert collector.press(key, now=now) == Collected(key, Ending.COMPLETE)


def test_a_key_between_lets_the_finish_key_count_again():
    collector = asked(ACCOUNT)
    press_all(collector, "1234561")
    assert not collector.is_late_finish_key("#", now=0)
    assert press_all(collector, "#") == []
    assert collector.start(DigitRules(), now=0) == Collected("1", Ending.FINISH_KEY)


def test_the_pound_typed_ahead_after_a_complete_answer_goes_with_it():
    collector = DigitCollector()
    press_all(collector, "123456#2")
    assert collector.start(ACCOUNT, now=0) == Collected("123456", Ending.COMPLETE)
    assert collector.start(ONE_KEY, now=60) == Collected("2", Ending.COMPLETE)


@pytest.mark.parametrize(("digits", "accepted"), [("", False), ("12", True), ("1234", True), ("12345", False)])
def test_rules_accept_as_many_digits_as_they_ask_for(digits, accepted):
    assert DigitRules(min_digits=2, max_digits=4).accepts(digits) is accepted


@pytest.mark.parametrize(
    "values", [{"min_digits": -1}, {"max_digits": 0}, {"min_digits": 4, "max_digits": 3}, {"finish_on_key": "##"}]
)
def test_rules_that_contradict_themselves_are_refused(values):
    with pytest.raises(ConfigurationError, match=r"min_digits|max_digits|finish_on_key"):
        DigitRules(**values)


@given(st.text("0123456789*", max_size=30), st.integers(0, 30))
def test_keys_typed_ahead_and_keys_typed_in_time_make_the_same_answers(keys, pressed_before):
    def answers(collector, now):
        found = []
        while (collected := collector.start(DigitRules(max_digits=4, finish_on_key="*"), now=now)) is not None:
            found.append(collected)
        return found

    ahead = DigitCollector()
    press_all(ahead, keys)
    expected = answers(ahead, 0)

    mixed = DigitCollector()
    press_all(mixed, keys[:pressed_before])
    actual = answers(mixed, 0)
    for key in keys[pressed_before:]:
        if (collected := mixed.press(key, now=0)) is not None:
            actual += [collected, *answers(mixed, 0)]
    assert actual == expected
    assert mixed.typed == ahead.typed


class CollectorAgainstModel(RuleBasedStateMachine):
    """No key is lost or invented: what was pressed is what was collected, typed, or dropped for a stated reason."""

    @initialize()
    def begin(self):
        self.collector = DigitCollector()
        self.now = 0.0
        self.pressed = self.accounted = ""

    def account(self, collected):
        if collected is not None:
            self.accounted += collected.digits
            assert not self.collector.collecting

    @rule(key=st.sampled_from("0123456789*"), after=st.floats(0, 2))
    def press(self, key, after):
        self.now += after
        self.pressed += key
        self.account(self.collector.press(key, now=self.now))

    @precondition(lambda self: not self.collector.collecting)
    @rule(max_digits=st.none() | st.integers(1, 5), overall=st.none() | st.floats(1, 9))
    def start(self, max_digits, overall):
        rules = DigitRules(max_digits=max_digits, finish_on_key="", overall_seconds=overall)
        self.account(self.collector.start(rules, now=self.now))

    @rule()
    def prompt_ended(self):
        self.collector.prompt_ended(now=self.now)

    @rule(after=st.floats(0, 20))
    def wait(self, after):
        self.now += after
        due = self.collector.next_deadline()
        collected = self.collector.handle_timeout(now=self.now)
        assert (collected is not None) == (due is not None and due <= self.now)
        self.account(collected)

    @invariant()
    def keys_are_in_order(self):
        known = self.accounted + self.collector.typed
        assert self.pressed.startswith(known)
        assert known == self.pressed or not self.collector.collecting
        if not self.collector.collecting:
            assert self.collector.next_deadline() is None


TestCollectorAgainstModel = CollectorAgainstModel.TestCase
