"""Kinds of values in a flow file: what is read, and what is refused with which words."""

import pytest
from pydantic import TypeAdapter, ValidationError

from telebridge.flows.values import ADDRESS, CallBackDelay, Choice, Choices, Seconds, TemplateText


def read(kind, value):
    return TypeAdapter(kind).validate_python(value)


def refused(kind, value):
    with pytest.raises(ValidationError) as raised:
        read(kind, value)
    return raised.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("written", "seconds"), [("300ms", 0.3), ("5s", 5.0), ("1.5 s", 1.5), ("2m", 120.0), (7, 7.0), (" 60m ", 3600.0)]
)
def test_a_duration_is_seconds(written, seconds):
    assert read(Seconds, written) == pytest.approx(seconds)


@pytest.mark.parametrize("written", ["soon", "5 seconds", "2h", "-2s", "", True, None, ["5s"]])
def test_what_is_no_duration_is_refused_with_examples(written):
    assert refused(Seconds, written).endswith("should be a duration such as 5s, 300ms or 2m")


@pytest.mark.parametrize("written", [0, "0s", "61m", 3600.5])
def test_a_duration_has_bounds(written):
    assert "should be" in refused(Seconds, written)


def test_a_delay_until_a_call_back_may_be_days_and_has_a_unit():
    assert [read(CallBackDelay, written) for written in ("30m", "2h", "1d")] == [1800.0, 7200.0, 86_400.0]
    assert refused(CallBackDelay, 90).endswith("should be a duration such as 30m, 2h or 1d")
    assert "less than or equal" in refused(CallBackDelay, "61d")


def test_keys_of_choices_are_text_and_keys_of_a_telephone():
    assert read(Choices, {1: "a", "*": "b"}) == {"1": Choice(then="a"), "*": Choice(then="b")}
    assert "'one' is no key of a telephone" in refused(Choices, {"one": "a"})
    assert "at least 1" in refused(Choices, {})


def test_a_text_is_not_blank():
    assert read(TemplateText, " x ") == " x "
    assert refused(TemplateText, " \n").endswith("should not be empty")


@pytest.mark.parametrize(
    ("address", "fits"),
    [
        ("+15551230100", True),
        ("sip:desk@example.com", True),
        ("client:desk", True),
        ("15551230100", False),
        ("+0123456789", False),
        ("call 911", False),
    ],
)
def test_what_twilio_can_dial(address, fits):
    assert (ADDRESS.fullmatch(address) is not None) is fits
