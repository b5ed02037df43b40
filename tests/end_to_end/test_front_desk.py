"""Callers through every branch of the front desk, with the telephone of `telebridge.testing`."""

import pytest
from support.flows import FOLDER, followed

WELCOME = "Thank you for calling Acme Dental."
MAIN = "For opening hours, press 1. To check an appointment, press 2. To hear this again, press star."
HOURS = "We are open Monday to Friday, from eight in the morning to six in the evening."
ACCOUNT = "Please enter your six digit account number, then press pound."
FOUND = "Thank you. Account 1 2 3 4 5 6 has an appointment on Tuesday at ten."
MORE = "To go back to the choices, press 1. Otherwise, just hang up."
BYE = "Thank you for calling Acme Dental. Goodbye."
NO_CHOICE = "That is not one of the choices."
TO_ACCOUNT = "silence; press 2"

pytestmark = pytest.mark.telebridge(flow=str(FOLDER / "front-desk.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "path", "texts"),
    [
        ("silence; press 1", ["hours", "more", "bye"], [HOURS, MORE, BYE]),
        ("silence; press *; silence; press 1", ["main", "hours", "more", "bye"], [MAIN, HOURS, MORE, BYE]),
        (f"{TO_ACCOUNT}; silence; press 123456#", ["appointment", "found", "more", "bye"],
         [ACCOUNT, FOUND, MORE, BYE]),
        (f"{TO_ACCOUNT}; silence; press 123456#; silence; press 1; silence; press 1; silence; hang up",
         ["appointment", "found", "more", "main", "hours", "more"], [ACCOUNT, FOUND, MORE, MAIN, HOURS, MORE]),
        ("wait", ["bye"], [f"I did not get that. {MAIN}"] * 2 + [BYE]),
        ("silence; press 7; silence; press #; silence; press 0", ["bye"], [f"{NO_CHOICE} {MAIN}"] * 2 + [BYE]),
        (f"{TO_ACCOUNT}; silence; press 12#; silence; press 12345; silence 2s; press 1#",
         ["appointment", "bye"], [ACCOUNT, *[f"An account number has six digits. {ACCOUNT}"] * 2, BYE]),
        ("silence; press 1; silence; press 5; silence; press 6", ["hours", "more", "bye"],
         [HOURS, MORE, f"{NO_CHOICE} {MORE}", BYE]),
    ],
    ids=["hours", "again", "appointment", "back", "silence", "wrong keys", "short numbers", "wrong at the end"],
)  # fmt: skip
def test_every_way_through(phone, script, path, texts):
    call = followed(phone, script)
    assert call.path == ["welcome", "main", *path]
    assert call.said == [WELCOME, MAIN, *texts]
    assert call.heard == " ".join(call.said)
    assert call.ended_by == ("caller" if script.endswith("hang up") else "bridge")


@pytest.mark.slow
def test_silence_at_the_account_number_ends_in_an_apology(phone):
    call = followed(phone, TO_ACCOUNT)
    assert call.at == "appointment"
    assert call.said[2:5] == [ACCOUNT] * 3
    assert call.said[5].startswith("We are sorry")


def test_everything_typed_ahead_at_the_first_sound(phone):
    call = followed(phone, "wait; press 2123456")
    assert call.path == ["welcome", "main", "appointment", "found", "more", "bye"]
    assert call.digits == ["2", "123456"]
    assert FOUND in call.heard


@pytest.mark.slow
def test_a_late_pound_answers_nothing(phone):
    call = followed(phone, f"{TO_ACCOUNT}; silence; press 123456#")
    assert call.digits == ["2", "123456"]
    assert FOUND in call.heard, "the pound that callers are told to press interrupts nothing"


@pytest.mark.parametrize(
    ("script", "path", "interrupted"),
    [
        ("wait 500ms; press *", ["welcome", "main", "main"], WELCOME),
        ("wait 2500ms; wait 500ms; press 1", ["welcome", "main", "hours"], MAIN),
        ("silence; press 1; wait 500ms; press 1", ["welcome", "main", "hours", "more", "main"], HOURS),
    ],
)
def test_keys_over_a_prompt_interrupt_it_and_count(phone, script, path, interrupted):
    call = followed(phone, f"{script}; wait 500ms; hang up")
    assert call.path == path
    cut = [each.text for each in call.record.utterances if each.interruption and each.interruption.cause.value == "key"]
    assert cut[0] == interrupted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("node", "script"),
    {
        "welcome": "wait 300ms",
        "main": "silence",
        "hours": "silence; press 1; wait 300ms",
        "appointment": "silence; press 2; silence; press 12",
        "found": "silence; press 2; silence; press 123456; wait 300ms",
        "more": "silence; press 1; silence",
        "bye": "silence; press 1; silence; press 5; silence; press 6; wait 300ms",
    }.items(),
)
def test_hanging_up_anywhere_ends_there_and_leaves_nothing_alive(phone, node, script):
    call = followed(phone, f"{script}; hang up")
    assert (call.at, call.ended_by, call.status) == (node, "caller", "completed")
