"""Callers through every branch of the pharmacy's flow, on virtual time, with a service that is up, slow or down."""

from contextlib import asynccontextmanager

import pytest
from support.bridge import bridge
from support.flows import OPERATOR_RINGS, flow_text, heard_whole, left_running, said
from support.pharmacy import pharmacy
from support.virtual_time import virtually

from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind

pytestmark = pytest.mark.slow

PHARMACIST = "+15551230100"
WELCOME = "Thank you for calling Corner Pharmacy."
NUMBER = "Please enter your prescription number, then press pound. To speak with a pharmacist, press 0, then pound."
CONFIRM = "You entered 1 2 3 4 5 6. If that is right, press 1. To enter it again, press 2."
PICKUP = "Your Ibuprofen can be refilled. To pick it up today after four, press 1. For tomorrow morning, press 2."
ORDERED = (
    "Your Ibuprofen will be ready today after four. Your pickup code is 4 0 7 1. "
    "To hear that again, press 1. For another prescription, press 2. Otherwise, just hang up."
)
UNKNOWN = "We have no prescription of that number. To enter it again, press 1. To speak with a pharmacist, press 0."
NONE_LEFT = "Your Codeine has no refills left. To speak with a pharmacist, press 0. To end this call, press 1."
DOWN = "I cannot reach our records just now. I will connect you with a pharmacist."
BUSY = "All pharmacists are busy. Please leave your name and number after the tone, then press pound."
THANKS = "Thank you. A pharmacist will call you back."
BYE = "Thank you for calling Corner Pharmacy. Goodbye."
START = ["welcome", "number"]
LOOKED_UP = [*START, "confirm", "lookup", "allowed"]
NUMBER_TYPED = "silence; press 123456#"
CONFIRMED = f"{NUMBER_TYPED}; silence; press 1"


@asynccontextmanager
async def at_work(tmp_path, *, desk=OPERATOR_RINGS, **service):
    """The pharmacy's bridge, over its records, with a pharmacist who answers as `desk` has it."""
    twilio = {"callers": {PHARMACIST: parse_script(desk)}}
    async with pharmacy(**service) as (records, url):
        flow = flow_text("pharmacy-refill", service=url)
        async with bridge(tmp_path, flow, default_flow="pharmacy-refill", twilio=twilio) as stack:
            yield stack, records


async def called(tmp_path, script, **options):
    async with at_work(tmp_path, **options) as (stack, records):
        placed, record = await stack.call(script)
        assert len(stack.calls) == 0
        assert await left_running() == []
    return placed, record, records


@virtually
async def test_a_refill_is_ordered(tmp_path):
    placed, record, records = await called(tmp_path, f"{CONFIRMED}; silence; press 1; silence 2s; hang up")
    assert record.path == [*LOOKED_UP, "pickup", "today", "order", "ordered"]
    assert record.digits == ["123456", "1", "1"]
    assert said(record) == [WELCOME, NUMBER, CONFIRM, PICKUP, ORDERED]
    assert all(heard_whole(placed, text) for text in said(record))
    assert record.end_reason == "caller hung up"
    assert records.lookups == ["123456"]
    assert records.orders == [{"prescription": "123456", "pickup": "today after four", "phone": placed.record.from_}]


@virtually
async def test_for_tomorrow_and_heard_again_until_nothing_more_is_pressed(tmp_path):
    script = f"{CONFIRMED}; silence; press 2; silence; press 1; silence; press 9; listen 120s"
    placed, record, records = await called(tmp_path, script)
    ready = ORDERED.replace("today after four", "tomorrow morning")
    assert record.path[-5:] == ["tomorrow", "order", "ordered", "ordered", "bye"]
    assert said(record)[-4:] == [ready, ready, f"That is not one of the choices. {ready}", BYE]
    assert heard_whole(placed, BYE)
    assert len(records.orders) == 1, "what is only said again is not ordered again"
    assert record.end_reason == "hung up by the flow"


@virtually
async def test_all_keys_typed_ahead_at_the_first_sound_go_through_every_question(tmp_path):
    _, record, records = await called(tmp_path, "wait; press 123456#11; silence 2s; hang up")
    assert record.path == [*LOOKED_UP, "pickup", "today", "order", "ordered"]
    assert said(record) == [WELCOME, CONFIRM, PICKUP, ORDERED], "half a number needs no question"
    assert all(each.interruption.heard_ms < 300 for each in record.utterances[:3])
    assert len(records.orders) == 1


@virtually
async def test_keys_over_each_prompt_interrupt_it(tmp_path):
    keys = "; ".join(f"wait 500ms; press {keys}" for keys in ("123456#", "1", "1"))
    _, record, _ = await called(tmp_path, f"wait 2500ms; {keys}; silence 2s; hang up")
    assert record.path == [*LOOKED_UP, "pickup", "today", "order", "ordered"]
    interrupted = [text for text, each in zip(said(record), record.utterances, strict=True) if each.interruption]
    assert interrupted == [NUMBER, CONFIRM, PICKUP]


@virtually
async def test_a_number_that_was_misheard_is_entered_again_and_another_one_follows(tmp_path):
    script = "silence; press 654321#; silence; press 2; silence; press 123456#; silence; press 1; silence; press 1"
    _, record, records = await called(tmp_path, f"{script}; silence; press 2; silence; hang up")
    assert record.path == [*START, "confirm", "number", "confirm", "lookup", "allowed", "pickup", "today", "order",
                           "ordered", "number"]  # fmt: skip
    assert records.lookups == ["123456"]


@pytest.mark.parametrize(
    ("script", "asked"),
    [
        ("listen 120s", [f"I did not get that. {NUMBER}"] * 2),
        (
            "silence; press 12#; silence; press 34567; silence 2s; press 1#; listen 120s",
            [f"A prescription number has six to eight digits. {NUMBER}"] * 2,
        ),
    ],
    ids=["silence", "too short"],
)
@virtually
async def test_who_cannot_enter_a_number_speaks_with_somebody(tmp_path, script, asked):
    _, record, _ = await called(tmp_path, script)
    assert record.path == [*START, "operator", "bye"]
    assert said(record) == [WELCOME, NUMBER, *asked, BYE]


@pytest.mark.parametrize("keys", ["listen 1s", "silence; press 7; silence; press 8"], ids=["silence", "wrong keys"])
@virtually
async def test_who_does_not_confirm_speaks_with_somebody(tmp_path, keys):
    _, record, records = await called(tmp_path, f"{NUMBER_TYPED}; {keys}; listen 120s")
    assert record.path == [*START, "confirm", "operator", "bye"]
    assert len([text for text in said(record) if text.endswith(CONFIRM)]) == 2
    assert records.lookups == []


@pytest.mark.parametrize("keys", ["listen 1s", "silence; press 7; silence; press 8; silence; press 9"])
@virtually
async def test_who_does_not_choose_a_time_speaks_with_somebody_and_nothing_is_ordered(tmp_path, keys):
    _, record, records = await called(tmp_path, f"{CONFIRMED}; {keys}; listen 120s")
    assert record.path == [*LOOKED_UP, "pickup", "operator", "bye"]
    assert len([text for text in said(record) if text.endswith(PICKUP)]) == 3
    assert records.orders == []


@pytest.mark.parametrize(
    ("keys", "rest"),
    [
        ("silence; press 1; silence; hang up", ["number"]),
        ("silence; press 0; listen 120s", ["operator", "bye"]),
        ("listen 120s", ["bye"]),
        ("silence; press 5; silence; press 6; listen 120s", ["bye"]),
    ],
    ids=["again", "operator", "silence", "wrong keys"],
)
@virtually
async def test_a_number_that_is_unknown(tmp_path, keys, rest):
    placed, record, _ = await called(tmp_path, f"silence; press 99999999; silence; press 1; {keys}")
    assert record.path == [*LOOKED_UP, "unknown", *rest]
    assert heard_whole(placed, UNKNOWN)


@pytest.mark.parametrize(
    ("keys", "rest"),
    [
        ("silence; press 1; listen 60s", ["bye"]),
        ("silence; press 0; listen 120s", ["operator", "bye"]),
        ("listen 120s", ["bye"]),
        ("silence; press 5; silence; press 6; listen 120s", ["bye"]),
    ],
    ids=["end", "operator", "silence", "wrong keys"],
)
@virtually
async def test_a_prescription_without_refills(tmp_path, keys, rest):
    placed, record, records = await called(tmp_path, f"silence; press 765432#; silence; press 1; {keys}")
    assert record.path == [*LOOKED_UP, "none-left", *rest]
    assert heard_whole(placed, NONE_LEFT)
    assert records.orders == []


@pytest.mark.parametrize(
    "service",
    [{"lookup_status": 500}, {"lookup_status": 404}, {"slow": 30.0}],
    ids=["fails", "refuses", "is slow"],
)
@virtually
async def test_a_look_up_that_fails_leads_to_somebody(tmp_path, service):
    placed, record, _ = await called(tmp_path, f"{CONFIRMED}; listen 120s", **service)
    assert record.path == [*START, "confirm", "lookup", "down", "operator", "bye"]
    assert heard_whole(placed, DOWN)


@virtually
async def test_a_service_that_is_not_there_leads_to_somebody(tmp_path, unused_tcp_port):
    flow = flow_text("pharmacy-refill", service=f"http://127.0.0.1:{unused_tcp_port}")
    twilio = {"callers": {PHARMACIST: parse_script(OPERATOR_RINGS)}}
    async with bridge(tmp_path, flow, default_flow="pharmacy-refill", twilio=twilio) as stack:
        _, record = await stack.call(f"{CONFIRMED}; listen 120s")
    assert record.path == [*START, "confirm", "lookup", "down", "operator", "bye"]


@virtually
async def test_an_order_that_fails_leads_to_somebody_and_is_sent_once(tmp_path):
    _, record, records = await called(tmp_path, f"{CONFIRMED}; silence; press 1; listen 120s", order_status=503)
    assert record.path == [*LOOKED_UP, "pickup", "today", "order", "down", "operator", "bye"]
    assert len(records.orders) == 1


# Somebody to speak with.


@pytest.mark.parametrize("keys", ["0#", "0"], ids=["with the pound", "and a pause"])
@virtually
async def test_the_escape_key_leads_to_the_pharmacist_who_is_told_who_calls(tmp_path, keys):
    placed, record, _ = await called(tmp_path, f"silence; press {keys}; listen 120s")
    assert record.path == [*START, "operator", "bye"]
    [whisper] = placed.recording.of_kind(EventKind.WHISPER)
    assert whisper.detail == f"A call for the pharmacy from {' '.join(placed.record.from_)}."
    assert heard_whole(placed, BYE), "after the talk the caller is with us again"
    assert record.end_reason == "hung up by the flow"


@pytest.mark.parametrize("desk", ["busy", "no answer", "fail 503", "ring 60s"])
@virtually
async def test_when_nobody_answers_a_message_can_be_left(tmp_path, desk):
    script = "silence; press 0#; silence; speak 3s; press #; listen 60s"
    placed, record, _ = await called(tmp_path, script, desk=desk)
    assert record.path == [*START, "operator", "voicemail", "thanks", "bye"]
    assert [text for text in said(record) if text != "beep"][-3:] == [BUSY, THANKS, BYE]
    assert all(heard_whole(placed, text) for text in (BUSY, THANKS, BYE))
    [file] = record.recordings
    assert 3.0 < (tmp_path / "recordings" / file.rpartition("/")[2]).stat().st_size / 16_000 < 5.0


@virtually
async def test_a_message_that_ends_in_silence_is_kept(tmp_path):
    _, record, _ = await called(tmp_path, "silence; press 0#; silence; speak 3s; listen 60s", desk="busy")
    assert record.path[-3:] == ["voicemail", "thanks", "bye"]
    assert len(record.recordings) == 1


@virtually
async def test_a_caller_who_hangs_up_after_the_message_has_left_it(tmp_path):
    _, record, _ = await called(tmp_path, "silence; press 0#; silence; speak 3s; hang up", desk="busy")
    assert record.path[-1] == "voicemail"
    assert len(record.recordings) == 1


@virtually
async def test_who_says_nothing_leaves_no_message(tmp_path):
    _, record, _ = await called(tmp_path, "silence; press 0#; listen 60s", desk="busy")
    assert record.path[-2:] == ["voicemail", "bye"]
    assert record.recordings == []


# Hanging up.

HANG_UPS = {
    "welcome": "wait 300ms",
    "number": "silence",
    "confirm": NUMBER_TYPED + "; wait 1s",
    "lookup": f"{CONFIRMED}; listen 2s",
    "unknown": "silence; press 99999999; silence; press 1; listen 6s; wait 1s",
    "none-left": "silence; press 765432#; silence; press 1; listen 6s; wait 1s",
    "pickup": f"{CONFIRMED}; listen 6s; wait 1s",
    "order": f"{CONFIRMED}; listen 6s; silence; press 1; listen 2s",
    "ordered": f"{CONFIRMED}; listen 6s; silence; press 1; listen 6s; wait 1s",
    "operator": "silence; press 0#; listen 5s",
    "voicemail": "silence; press 0#; listen 25s; wait 1s",
    "thanks": "silence; press 0#; silence; speak 3s; press #; wait 500ms",
    "bye": "silence; press 765432#; silence; press 1; silence; press 1; wait 300ms",
}


@pytest.mark.parametrize("node", HANG_UPS)
@virtually
async def test_hanging_up_anywhere_ends_there_and_leaves_nothing_alive(tmp_path, node):
    placed, record, _ = await called(tmp_path, f"{HANG_UPS[node]}; hang up", desk="ring 60s", slow=3.0)
    assert record.path[-1] == node
    assert record.end_reason in ("caller hung up", "call completed")
    assert placed.record.status.value == "completed"
