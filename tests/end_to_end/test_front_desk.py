"""Callers through every branch of the front desk, on virtual time."""

import pytest
from support.bridge import bridge
from support.flows import flow_text, heard_whole, left_running, said
from support.virtual_time import virtually

WELCOME = "Thank you for calling Acme Dental."
MAIN = "For opening hours, press 1. To check an appointment, press 2. To hear this again, press star."
HOURS = "We are open Monday to Friday, from eight in the morning to six in the evening."
ACCOUNT = "Please enter your six digit account number, then press pound."
FOUND = "Thank you. Account 1 2 3 4 5 6 has an appointment on Tuesday at ten."
MORE = "To go back to the choices, press 1. Otherwise, just hang up."
BYE = "Thank you for calling Acme Dental. Goodbye."
NO_CHOICE = "That is not one of the choices."
TO_MAIN = "silence"
TO_ACCOUNT = "silence; press 2"


async def called(tmp_path, script):
    async with bridge(tmp_path, flow_text("front-desk"), default_flow="front-desk") as stack:
        placed, record = await stack.call(script)
        assert len(stack.calls) == 0
        assert await left_running() == []
    return placed, record


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "path", "texts"),
    [
        ("silence; press 1; listen 60s", ["hours", "more", "bye"], [HOURS, MORE, BYE]),
        ("silence; press *; silence; press 1; listen 60s", ["main", "hours", "more", "bye"], [MAIN, HOURS, MORE, BYE]),
        (f"{TO_ACCOUNT}; silence; press 123456#; listen 60s", ["appointment", "found", "more", "bye"],
         [ACCOUNT, FOUND, MORE, BYE]),
        (f"{TO_ACCOUNT}; silence; press 123456#; silence; press 1; silence; press 1; silence; hang up",
         ["appointment", "found", "more", "main", "hours", "more"], [ACCOUNT, FOUND, MORE, MAIN, HOURS, MORE]),
        ("listen 120s", ["bye"], [f"I did not get that. {MAIN}"] * 2 + [BYE]),
        ("silence; press 7; silence; press #; silence; press 0; listen 60s", ["bye"],
         [f"{NO_CHOICE} {MAIN}"] * 2 + [BYE]),
        (f"{TO_ACCOUNT}; silence; press 12#; silence; press 12345; silence 2s; press 1#; listen 60s",
         ["appointment", "bye"], [ACCOUNT, *[f"An account number has six digits. {ACCOUNT}"] * 2, BYE]),
        ("silence; press 1; silence; press 5; silence; press 6; listen 60s", ["hours", "more", "bye"],
         [HOURS, MORE, f"{NO_CHOICE} {MORE}", BYE]),
    ],
    ids=["hours", "again", "appointment", "back", "silence", "wrong keys", "short numbers", "wrong at the end"],
)  # fmt: skip
@virtually
async def test_every_way_through(tmp_path, script, path, texts):
    placed, record = await called(tmp_path, script)
    assert record.path == ["welcome", "main", *path]
    assert said(record) == [WELCOME, MAIN, *texts]
    assert all(heard_whole(placed, text) for text in said(record))
    assert record.end_reason == ("caller hung up" if script.endswith("hang up") else "hung up by the flow")


@pytest.mark.slow
@virtually
async def test_silence_at_the_account_number_ends_in_an_apology(tmp_path):
    _, record = await called(tmp_path, f"{TO_ACCOUNT}; listen 120s")
    assert record.path[-1] == "appointment"
    assert said(record)[2:5] == [ACCOUNT] * 3
    assert said(record)[5].startswith("We are sorry")


@virtually
async def test_everything_typed_ahead_at_the_first_sound(tmp_path):
    placed, record = await called(tmp_path, "wait; press 2123456; listen 60s")
    assert record.path == ["welcome", "main", "appointment", "found", "more", "bye"]
    assert record.digits == ["2", "123456"]
    assert heard_whole(placed, FOUND)


@pytest.mark.slow
@virtually
async def test_a_late_pound_answers_nothing(tmp_path):
    placed, record = await called(tmp_path, f"{TO_ACCOUNT}; silence; press 123456#; listen 60s")
    assert record.digits == ["2", "123456"]
    assert heard_whole(placed, FOUND), "the pound that callers are told to press interrupts nothing"


@pytest.mark.parametrize(
    ("script", "path", "interrupted"),
    [
        ("wait 500ms; press *", ["welcome", "main", "main"], WELCOME),
        ("wait 2500ms; wait 500ms; press 1", ["welcome", "main", "hours"], MAIN),
        ("silence; press 1; wait 500ms; press 1", ["welcome", "main", "hours", "more", "main"], HOURS),
    ],
)
@virtually
async def test_keys_over_a_prompt_interrupt_it_and_count(tmp_path, script, path, interrupted):
    _, record = await called(tmp_path, f"{script}; wait 500ms; hang up")
    assert record.path == path
    cut = [each.text for each in record.utterances if each.interruption and each.interruption.cause.value == "key"]
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
@virtually
async def test_hanging_up_anywhere_ends_there_and_leaves_nothing_alive(tmp_path, node, script):
    placed, record = await called(tmp_path, f"{script}; hang up")
    assert record.path[-1] == node
    assert record.end_reason == "caller hung up"
    assert placed.record.status.value == "completed"
