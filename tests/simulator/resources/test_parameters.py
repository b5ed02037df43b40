"""Create and update requests are read as Twilio reads them, and refused with its codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.simulator.resources.parameters import (
    CallSetup,
    CallUpdate,
    MachineDetection,
    read_create,
    read_update,
)
from telebridge.simulator.resources.problems import MESSAGES, ApiProblem

CREATE = {"To": ["+15550001111"], "From": ["+15550002222"], "Url": ["https://b.example/voice"]}


def test_a_create_request_has_twilios_defaults():
    assert read_create(CREATE) == CallSetup("+15550001111", "+15550002222", url="https://b.example/voice")


def test_a_url_goes_before_a_document():
    setup = read_create({**CREATE, "Twiml": ["<Response/>"]})
    assert (setup.url, setup.twiml) == ("https://b.example/voice", None)


@pytest.mark.parametrize(
    ("given", "events"),
    [
        ([], ("completed",)),
        (["initiated", "answered"], ("initiated", "answered")),
        (["ringing completed"], ("ringing", "completed")),
    ],
)
def test_events_come_as_repeated_keys_or_as_a_list(given, events):
    assert read_create({**CREATE, "StatusCallbackEvent": given}).status_events == events


@pytest.mark.parametrize(("text", "asynchronous"), [("true", True), ("True", False), ("false", False)])
def test_detection_is_asynchronous_by_the_lower_case_word_alone(text, asynchronous):
    setup = read_create({**CREATE, "MachineDetection": ["Enable"], "AsyncAmd": [text]})
    assert setup.detection == MachineDetection("Enable", asynchronous)


def test_digits_that_are_sent_turn_detection_off():
    assert read_create({**CREATE, "MachineDetection": ["Enable"], "SendDigits": ["ww1"]}).detection is None


@pytest.mark.parametrize(
    ("mode", "answered_by", "verdict"),
    [
        ("Enable", "machine", "machine_start"),
        ("DetectMessageEnd", "machine", "machine_end_beep"),
        ("Enable", "human", "human"),
        ("DetectMessageEnd", "fax", "fax"),
    ],
)
def test_the_mode_decides_what_a_machine_is_called(mode, answered_by, verdict):
    assert MachineDetection(mode).verdict(answered_by) == verdict


def test_a_number_that_is_not_owned_is_refused():
    with pytest.raises(ApiProblem, match="21210"):
        read_create(CREATE, owned_numbers=frozenset({"+15550003333"}))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Status": ["completed"]}, CallUpdate(status="completed")),
        ({"Url": ["https://b.example/x"], "Method": ["get"]}, CallUpdate(url="https://b.example/x", method="GET")),
        ({"Twiml": ["<Response/>"]}, CallUpdate(twiml="<Response/>")),
    ],
)
def test_an_update_ends_a_call_or_replaces_its_document(fields, expected):
    assert read_update(fields) == expected


@pytest.mark.parametrize(
    "fields", [{"Status": ["busy"]}, {"Url": ["https://b.example"], "Twiml": ["<Response/>"]}, {"Method": ["PUT"]}]
)
def test_a_wrong_update_is_refused(fields):
    with pytest.raises(ApiProblem, match="20422"):
        read_update(fields)


@given(
    st.dictionaries(
        st.sampled_from(["To", "From", "Url", "Twiml", "Timeout", "SendDigits", "StatusCallback", "MachineDetection"]),
        st.lists(st.text(max_size=20), max_size=2),
    )
)
def test_any_form_is_a_call_or_a_problem_with_a_message(fields):
    problem = None
    try:
        read_create(fields)
    except ApiProblem as error:
        problem = error
    assert problem is None or (problem.status == 400 and (problem.code in MESSAGES or problem.code == 20422))
