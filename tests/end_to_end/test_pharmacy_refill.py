"""Callers through every branch of the pharmacy's flow, on virtual time, with a service that is up, slow or down."""

import pytest
from support.flows import FOLDER, OPERATOR_RINGS, followed

from telebridge.simulator.media.recording import EventKind

pytestmark = [pytest.mark.slow, pytest.mark.telebridge(flow=str(FOLDER / "pharmacy-refill.yaml"))]

SERVICE = "https://pharmacy.example.com"
KNOWN = {
    "123456": {"found": True, "name": "Ibuprofen", "refills": 2},
    "765432": {"found": True, "name": "Codeine", "refills": 0},
    "*": {"found": False},
}
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


def called(phone, script, *, desk=OPERATOR_RINGS, slow=0.0, lookup_status=200, order_status=200):
    """A call to the pharmacy, whose records answer so, with a pharmacist who answers as `desk` has it."""
    phone.answers(PHARMACIST, desk)
    for number, known in KNOWN.items():
        phone.web.answers(f"{SERVICE}/prescriptions/{number}", known, status=lookup_status, after=slow)
    phone.web.answers(f"{SERVICE}/orders", {"code": "4071"}, status=order_status, after=slow)
    return followed(phone, script)


def lookups(phone):
    return [request.url.rpartition("/")[2] for request in phone.web.requests if request.method == "GET"]


def orders(phone):
    return [request.json for request in phone.web.requests if request.method == "POST"]


def test_a_refill_is_ordered(phone):
    call = called(phone, f"{CONFIRMED}; silence; press 1; silence 2s; hang up")
    assert call.path == [*LOOKED_UP, "pickup", "today", "order", "ordered"]
    assert call.digits == ["123456", "1", "1"]
    assert call.said == [WELCOME, NUMBER, CONFIRM, PICKUP, ORDERED]
    assert call.heard == " ".join(call.said)
    assert call.ended_by == "caller"
    assert lookups(phone) == ["123456"]
    assert orders(phone) == [{"prescription": "123456", "pickup": "today after four", "phone": call.record.from_number}]


def test_for_tomorrow_and_heard_again_until_nothing_more_is_pressed(phone):
    script = f"{CONFIRMED}; silence; press 2; silence; press 1; silence; press 9; listen 120s"
    call = called(phone, script)
    ready = ORDERED.replace("today after four", "tomorrow morning")
    assert call.path[-5:] == ["tomorrow", "order", "ordered", "ordered", "bye"]
    assert call.said[-4:] == [ready, ready, f"That is not one of the choices. {ready}", BYE]
    assert BYE in call.heard
    assert len(orders(phone)) == 1, "what is only said again is not ordered again"
    assert call.ended_by == "bridge"


def test_all_keys_typed_ahead_at_the_first_sound_go_through_every_question(phone):
    call = called(phone, "wait; press 123456#11; silence 2s; hang up")
    assert call.path == [*LOOKED_UP, "pickup", "today", "order", "ordered"]
    assert call.said == [WELCOME, CONFIRM, PICKUP, ORDERED], "half a number needs no question"
    assert all(each.interruption.heard_ms < 300 for each in call.record.utterances[:3])
    assert len(orders(phone)) == 1


def test_keys_over_each_prompt_interrupt_it(phone):
    keys = "; ".join(f"wait 500ms; press {keys}" for keys in ("123456#", "1", "1"))
    call = called(phone, f"wait 2500ms; {keys}; silence 2s; hang up")
    assert call.path == [*LOOKED_UP, "pickup", "today", "order", "ordered"]
    interrupted = [text for text, each in zip(call.said, call.record.utterances, strict=True) if each.interruption]
    assert interrupted == [NUMBER, CONFIRM, PICKUP]


def test_a_number_that_was_misheard_is_entered_again_and_another_one_follows(phone):
    script = "silence; press 654321#; silence; press 2; silence; press 123456#; silence; press 1; silence; press 1"
    call = called(phone, f"{script}; silence; press 2; silence; hang up")
    assert call.path == [*START, "confirm", "number", "confirm", "lookup", "allowed", "pickup", "today", "order",
                           "ordered", "number"]  # fmt: skip
    assert lookups(phone) == ["123456"]


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
def test_who_cannot_enter_a_number_speaks_with_somebody(phone, script, asked):
    call = called(phone, script)
    assert call.path == [*START, "operator", "bye"]
    assert call.said == [WELCOME, NUMBER, *asked, BYE]


@pytest.mark.parametrize("keys", ["listen 1s", "silence; press 7; silence; press 8"], ids=["silence", "wrong keys"])
def test_who_does_not_confirm_speaks_with_somebody(phone, keys):
    call = called(phone, f"{NUMBER_TYPED}; {keys}; listen 120s")
    assert call.path == [*START, "confirm", "operator", "bye"]
    assert len([text for text in call.said if text.endswith(CONFIRM)]) == 2
    assert lookups(phone) == []


@pytest.mark.parametrize("keys", ["listen 1s", "silence; press 7; silence; press 8; silence; press 9"])
def test_who_does_not_choose_a_time_speaks_with_somebody_and_nothing_is_ordered(phone, keys):
    call = called(phone, f"{CONFIRMED}; {keys}; listen 120s")
    assert call.path == [*LOOKED_UP, "pickup", "operator", "bye"]
    assert len([text for text in call.said if text.endswith(PICKUP)]) == 3
    assert orders(phone) == []


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
def test_a_number_that_is_unknown(phone, keys, rest):
    call = called(phone, f"silence; press 99999999; silence; press 1; {keys}")
    assert call.path == [*LOOKED_UP, "unknown", *rest]
    assert UNKNOWN in call.heard


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
def test_a_prescription_without_refills(phone, keys, rest):
    call = called(phone, f"silence; press 765432#; silence; press 1; {keys}")
    assert call.path == [*LOOKED_UP, "none-left", *rest]
    assert NONE_LEFT in call.heard
    assert orders(phone) == []


@pytest.mark.parametrize(
    "service",
    [{"lookup_status": 500}, {"lookup_status": 404}, {"slow": 30.0}],
    ids=["fails", "refuses", "is slow"],
)
def test_a_look_up_that_fails_leads_to_somebody(phone, service):
    call = called(phone, f"{CONFIRMED}; listen 120s", **service)
    assert call.path == [*START, "confirm", "lookup", "down", "operator", "bye"]
    assert DOWN in call.heard


def test_a_service_that_is_not_there_leads_to_somebody(phone):
    phone.web.is_down(SERVICE)
    phone.answers(PHARMACIST, OPERATOR_RINGS)
    call = followed(phone, CONFIRMED)
    assert call.path == [*START, "confirm", "lookup", "down", "operator", "bye"]


def test_an_order_that_fails_leads_to_somebody_and_is_sent_once(phone):
    call = called(phone, f"{CONFIRMED}; silence; press 1; listen 120s", order_status=503)
    assert call.path == [*LOOKED_UP, "pickup", "today", "order", "down", "operator", "bye"]
    assert len(orders(phone)) == 1


# Somebody to speak with.


@pytest.mark.parametrize("keys", ["0#", "0"], ids=["with the pound", "and a pause"])
def test_the_escape_key_leads_to_the_pharmacist_who_is_told_who_calls(phone, keys):
    call = called(phone, f"silence; press {keys}; listen 120s")
    assert call.path == [*START, "operator", "bye"]
    [whisper] = call.recording.of_kind(EventKind.WHISPER)
    assert whisper.detail == f"A call for the pharmacy from {' '.join(call.record.from_number)}."
    assert BYE in call.heard, "after the talk the caller is with us again"
    assert call.ended_by == "bridge"


@pytest.mark.parametrize("desk", ["busy", "no answer", "fail 503", "ring 60s"])
def test_when_nobody_answers_a_message_can_be_left(phone, desk):
    script = "silence; press 0#; silence; speak 3s; press #; listen 60s"
    call = called(phone, script, desk=desk)
    assert call.path == [*START, "operator", "voicemail", "thanks", "bye"]
    assert [text for text in call.said if text != "beep"][-3:] == [BUSY, THANKS, BYE]
    assert all(text in call.heard for text in (BUSY, THANKS, BYE))
    [message] = call.recordings
    assert 3.0 < len(message) / 16_000 < 5.0


def test_a_message_that_ends_in_silence_is_kept(phone):
    call = called(phone, "silence; press 0#; silence; speak 3s; listen 60s", desk="busy")
    assert call.path[-3:] == ["voicemail", "thanks", "bye"]
    assert len(call.recordings) == 1


def test_a_caller_who_hangs_up_after_the_message_has_left_it(phone):
    call = called(phone, "silence; press 0#; silence; speak 3s; hang up", desk="busy")
    assert call.path[-1] == "voicemail"
    assert len(call.recordings) == 1


def test_who_says_nothing_leaves_no_message(phone):
    call = called(phone, "silence; press 0#; listen 60s", desk="busy")
    assert call.path[-2:] == ["voicemail", "bye"]
    assert call.recordings == []


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
def test_hanging_up_anywhere_ends_there_and_leaves_nothing_alive(phone, node):
    call = called(phone, f"{HANG_UPS[node]}; hang up", desk="ring 60s", slow=3.0)
    assert call.path[-1] == node
    assert (call.ended_by, call.status) == ("caller", "completed")
