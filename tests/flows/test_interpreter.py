from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.audio.tones import dtmf
from telebridge.flows.interpreter import FlowInterpreter, FlowPosition
from telebridge.flows.model import APOLOGY, Flow
from telebridge.flows.steps import (
    Collect,
    Done,
    Gathered,
    HangUp,
    Play,
    Record,
    Recorded,
    RecordingEnd,
    Request,
    Said,
    Say,
    Transfer,
    Transferred,
    Wait,
)
from telebridge.turns.barge_in import BargeInPolicy
from telebridge.turns.digits import Ending

FLOW = Flow.model_validate(
    {
        "flow": "test",
        "start": "welcome",
        "variables": {"company": "Acme"},
        "speech": {"speaker": "luna"},
        "nodes": {
            "welcome": {"say": "Thank you for calling {{ company }}, {{ from }}.", "then": "main", "barge_in": "none"},
            "main": {
                "menu": "Press 1 or 2.",
                "choices": {1: "account", 2: "bye"},
                "no_input": {"say": "Still there?", "reprompt": 1, "then": "bye"},
                "no_match": {"say": "No such choice.", "reprompt": 2},
            },
            "account": {
                "collect": "Enter your number.",
                "digits": {"min": 3, "max": 6},
                "into": "account",
                "then": "read",
                "speech": {"speaker": "cove"},
            },
            "read": {"say": "You entered {{ account }}.", "then": "bye"},
            "bye": {"hang_up": "Goodbye."},
        },
    }
)
SAID = Said()


def gathered(digits=""):
    return Gathered(digits, Ending.COMPLETE if digits else Ending.NO_INPUT)


def walk(*outcomes, flow=FLOW):
    interpreter = FlowInterpreter(flow, {"from": "+1555"})
    steps = [interpreter.start(), *(interpreter.resume(outcome) for outcome in outcomes)]
    return interpreter, steps


def texts(steps):
    return [
        step.text if isinstance(step, Say) else step.prompt.text if isinstance(step, Collect) else None
        for step in steps
    ]


def test_a_walk_through_every_verb():
    interpreter, steps = walk(SAID, gathered("1"), gathered("12345"), SAID, SAID)
    assert texts(steps) == [
        "Thank you for calling Acme, +1555.",
        "Press 1 or 2.",
        "Enter your number.",
        "You entered 12345.",
        "Goodbye.",
        None,
    ]
    assert isinstance(steps[-1], HangUp)
    assert interpreter.path == ["welcome", "main", "account", "read", "bye"]
    assert interpreter.failure is None


def test_policies_and_voices_are_the_nodes_own():
    _, steps = walk(SAID, gathered("1"), gathered("12345"), SAID)
    assert steps[0].barge_in is BargeInPolicy.NONE
    assert steps[1].prompt.barge_in is None, "the settings say"
    assert steps[4].barge_in is BargeInPolicy.NONE, "a goodbye is not cut"
    assert [step.voice["speaker"] for step in (steps[0], steps[2].prompt)] == ["luna", "cove"]


def test_silence_is_asked_again_and_then_leads_on():
    _, steps = walk(SAID, gathered(), gathered())
    assert texts(steps)[1:] == ["Press 1 or 2.", "Still there? Press 1 or 2.", "Goodbye."]


def test_a_wrong_key_is_told_and_the_end_of_the_road_is_an_apology():
    interpreter, steps = walk(SAID, gathered("9"), gathered("9"), gathered("9"), SAID)
    assert texts(steps)[1:] == ["Press 1 or 2.", *2 * ["No such choice. Press 1 or 2."], APOLOGY, None]
    assert interpreter.failure == "the road ends here"


def test_too_few_digits_are_no_match():
    _, steps = walk(SAID, gathered("1"), gathered("12"), gathered("123"))
    assert texts(steps)[3:] == ["That is not complete. Enter your number.", "You entered 123."]


@pytest.mark.parametrize("text", ["{{ 1 / 0 }}", "{{ missing }}", "{{ ''.__class__ }}", "{{ [0] * 10 ** 12 }}"])
def test_a_text_that_cannot_be_filled_in_is_an_apology(text):
    flow = Flow.model_validate({"flow": "x", "start": "a", "nodes": {"a": {"say": text, "then": "a"}}})
    interpreter, steps = walk(SAID, flow=flow)
    assert steps[0].text == APOLOGY
    assert isinstance(steps[1], HangUp)
    assert interpreter.failure


OUTCOMES = st.lists(st.just(SAID) | st.text("0123456789*#", max_size=8).map(gathered), min_size=0, max_size=30)


@given(OUTCOMES)
def test_any_outcomes_lead_to_steps_and_in_the_end_to_hanging_up(outcomes):
    interpreter, _ = walk(*outcomes)
    for _ in range(20):
        step = interpreter.resume(gathered())
    assert isinstance(step, HangUp)


# What makes no sound, waits, or plays tones.


def flow_of(*, start=None, variables=None, speech=None, escape=None, **nodes):
    given = {"variables": variables or {}, "speech": speech or {}, "escape": escape}
    return Flow.model_validate({"flow": "test", "start": start or next(iter(nodes)), "nodes": nodes, **given})


ROUTED = flow_of(
    number={"collect": "Number?", "into": "number", "then": "greet"},
    greet={"set": {"name": "caller {{ number }}", "tries": 3, "vip": False}, "then": "route"},
    route={
        "choose": [
            {"if": "number | length == 6", "then": "known"},
            {"if": "not vip and tries > 2", "then": "short"},
            {"then": "number"},
        ]
    },
    known={"hang_up": "Hello {{ name }}."},
    short={"hang_up": "Too short."},
)


@pytest.mark.parametrize(
    ("digits", "said", "path"),
    [
        ("123456", "Hello caller 123456.", ["number", "greet", "route", "known"]),
        ("12", "Too short.", ["number", "greet", "route", "short"]),
    ],
)
def test_nodes_that_decide_are_gone_through_at_once(digits, said, path):
    interpreter, steps = walk(gathered(digits), flow=ROUTED)
    assert steps[-1].text == said
    assert interpreter.path == path
    assert (interpreter.variables["tries"], interpreter.variables["vip"]) == (3, False)


def test_a_wait_and_tones_go_on_when_they_are_over():
    flow = flow_of(
        wait={"wait": "2s", "then": "dial"},
        dial={"send_digits": "12w{{ from[1:] }}", "then": "bye"},
        bye={"hang_up": None},
    )
    _, steps = walk(SAID, SAID, flow=flow)
    assert steps[0] == Wait(2.0)
    assert steps[1] == Play(dtmf("12w1555"), "digits 12w1555")
    assert steps[2] == HangUp()


@pytest.mark.parametrize(
    ("nodes", "failure"),
    [
        ({"a": {"choose": [{"if": "missing > 1", "then": "b"}, {"then": "b"}]}}, "missing"),
        ({"a": {"choose": [{"if": "1 / 0", "then": "b"}, {"then": "b"}]}}, "ZeroDivisionError"),
        ({"a": {"set": {"x": "{{ y }}"}, "then": "b"}}, "'y'"),
        ({"a": {"send_digits": "{{ 'x' }}", "then": "b"}}, "no telephone key"),
        ({"a": {"choose": [{"then": "c"}]}, "c": {"choose": [{"then": "a"}]}}, "without a sound"),
    ],
)
def test_what_goes_wrong_in_a_silent_node_is_an_apology(nodes, failure):
    interpreter, steps = walk(SAID, flow=flow_of(**nodes, b={"hang_up": None}))
    assert texts(steps) == [APOLOGY, None]
    assert failure in interpreter.failure


def test_a_condition_cannot_reach_what_is_not_its_own():
    flow = flow_of(a={"choose": [{"if": "''.__class__.__mro__", "then": "b"}, {"then": "b"}]}, b={"hang_up": None})
    interpreter, _ = walk(flow=flow)
    assert "SecurityError" in interpreter.failure


# Errands, recordings, transfers, and the way out.


DESK = flow_of(
    ask={"request": {"method": "POST", "url": "https://x.test/{{ from }}", "headers": {"Authorization": "B {{ key }}"},
                     "json": {"phone": "{{ from }}", "tries": 2, "all": ["{{ key }}"]},
                     "timeout": "3s", "into": "found"},
         "then": "hello", "failed": "sorry"},
    hello={"say": "Hello {{ found.name }}, {{ found.orders[0].id }}.", "then": "look"},
    look={"run": "hours", "into": "hours", "timeout": "2s", "then": "tell", "failed": "sorry"},
    tell={"say": "Open {{ hours }}.", "then": "leave"},
    leave={"record": "Speak, {{ found.name }}.", "into": "message", "longest": "1m", "silence": "4s",
           "finish_on_key": "*", "beep": False, "nothing": "sorry", "then": "connect"},
    connect={"transfer": "{{ operator }}", "timeout": "20s", "caller_id": "{{ to }}", "whisper": "From {{ from }}.",
             "failed": "sorry", "then": "bye"},
    sorry={"say": "Sorry.", "then": "bye"},
    bye={"hang_up": None},
    start="ask",
    variables={"key": "k1", "operator": "+15551230100", "to": "+1666"},
)  # fmt: skip
FOUND = Done({"name": "Ann", "orders": [{"id": 7}]})
MESSAGE = Recorded("a.wav", 12.34, RecordingEnd.SILENCE)


def test_a_request_is_filled_in_and_its_answer_is_known_from_then_on():
    _, [asked, said] = walk(FOUND, flow=DESK)
    assert asked == Request(
        "POST", "https://x.test/+1555", {"Authorization": "B k1"},
        {"phone": "+1555", "tries": 2, "all": ["k1"]}, None, 3.0,
    )  # fmt: skip
    assert said.text == "Hello Ann, 7."


@pytest.mark.parametrize("done", [Done(problem="took too long"), Done({"name": "Ann"}, "answered 404")])
def test_an_errand_that_fails_leads_on_and_leaves_no_answer(done):
    interpreter, steps = walk(done, flow=DESK)
    assert texts(steps)[1:] == ["Sorry."]
    assert "found" not in interpreter.variables


def test_a_function_is_given_what_is_known_and_what_it_returns_is_kept():
    interpreter, steps = walk(FOUND, SAID, Done("nine to five"), flow=DESK)
    assert (steps[2].function, steps[2].timeout_seconds) == ("hours", 2.0)
    assert steps[2].variables["found"] == FOUND.value
    assert texts(steps)[3] == "Open nine to five."
    assert interpreter.variables["hours"] == "nine to five"


def test_an_answer_that_lacks_what_the_next_text_needs_is_an_apology():
    interpreter, steps = walk(Done({"name": "Ann"}), flow=DESK)
    assert texts(steps)[1:] == [APOLOGY]
    assert "orders" in interpreter.failure


def test_a_recording_has_its_limits_and_is_known_by_its_file():
    interpreter, steps = walk(FOUND, SAID, Done(1), SAID, MESSAGE, flow=DESK)
    prompt = steps[4].prompt
    assert steps[4] == Record(prompt, beep=False, longest_seconds=60.0, silence_seconds=4.0, finish_on_key="*")
    assert prompt.text == "Speak, Ann."
    assert interpreter.variables["message"] == {"file": "a.wav", "seconds": 12.3}


@pytest.mark.parametrize(
    ("recorded", "node"),
    [
        (MESSAGE, "connect"),
        (Recorded(None, 0.0, RecordingEnd.SILENCE), "sorry"),
        (Recorded(None, 3.0, RecordingEnd.SILENCE), "connect"),
    ],
    ids=["kept", "nothing said", "the disk was full"],
)
def test_where_a_recording_leads(recorded, node):
    interpreter, _ = walk(FOUND, SAID, Done(1), SAID, recorded, flow=DESK)
    assert interpreter.path[-1] == node


def test_a_transfer_is_filled_in():
    _, steps = walk(FOUND, SAID, Done(1), SAID, MESSAGE, flow=DESK)
    assert steps[-1] == Transfer("+15551230100", 20.0, "+1666", "From +1555.")


@pytest.mark.parametrize(
    ("status", "node"), [("completed", "bye"), ("busy", "sorry"), ("no-answer", "sorry"), ("canceled", "sorry")]
)
def test_where_a_transfer_leads(status, node):
    interpreter, _ = walk(FOUND, SAID, Done(1), SAID, MESSAGE, Transferred(status), flow=DESK)
    assert interpreter.path[-1] == node


def test_a_transfer_without_a_next_node_ends_the_call_when_they_have_talked():
    flow = flow_of(a={"transfer": "+15551230100"})
    _, steps = walk(Transferred("completed"), flow=flow)
    assert steps[-1] == HangUp()
    assert texts(walk(Transferred("busy"), flow=flow)[1])[-1] == APOLOGY


@pytest.mark.parametrize("to", ["{{ nobody }}", "{{ wrong }}"])
def test_who_cannot_be_called_was_not_reached(to):
    nodes = {"b": {"say": "Sorry.", "then": "c"}, "c": {"hang_up": None}}
    flow = flow_of(a={"transfer": to, "failed": "b"}, **nodes, variables={"nobody": "", "wrong": "call 911"})
    assert texts(walk(flow=flow)[1]) == ["Sorry."]
    flow = flow_of(a={"transfer": to}, variables={"nobody": "", "wrong": "call 911"})
    interpreter, steps = walk(flow=flow)
    assert texts(steps) == [APOLOGY]
    assert "cannot be called" in interpreter.failure


ESCAPE = {
    "escape": {"key": 0, "then": "operator"},
    "menu": {"menu": "One or two?", "choices": {1: "number", 2: "bye"}},
    "number": {"collect": "Your number?", "into": "number", "digits": {"min": 3, "max": 4}, "then": "bye"},
    "own": {"menu": "Zero or one?", "choices": {0: "bye", 1: "number"}},
    "operator": {"say": "One moment.", "then": "bye"},
    "bye": {"hang_up": None},
}


@pytest.mark.parametrize(
    ("start", "keys", "node"),
    [
        ("menu", "0", "operator"),
        ("number", "0", "operator"),
        ("number", "0123", "bye"),
        ("number", "00", "number"),
        ("own", "0", "bye"),
    ],
)
def test_the_escape_key_leads_out_of_every_question_that_does_not_take_it(start, keys, node):
    interpreter, _ = walk(gathered(keys), flow=flow_of(**ESCAPE, start=start))
    assert interpreter.path[-1] == node


def test_a_voice_that_was_set_stays_until_it_is_set_anew():
    flow = flow_of(
        a={"say": "Hello.", "then": "b"},
        b={"set": {}, "speech": {"lang": "es", "speaker": "luz"}, "then": "c"},
        c={"say": "Hola.", "speech": {"speaker": "sol"}, "then": "d"},
        d={"menu": "Uno o dos?", "choices": {1: "e"}},
        e={"set": {}, "speech": {"lang": "en", "speaker": "luna"}, "then": "f"},
        f={"hang_up": "Bye."},
        speech={"speaker": "luna", "rate": 1.0},
    )
    interpreter, steps = walk(SAID, SAID, gathered("1"), flow=flow)
    voices = [(step.prompt if isinstance(step, Collect) else step).voice for step in steps]
    assert voices == [
        {"speaker": "luna", "rate": 1.0},
        {"speaker": "sol", "rate": 1.0, "lang": "es"},
        {"speaker": "luz", "rate": 1.0, "lang": "es"},
        {"speaker": "luna", "rate": 1.0, "lang": "en"},
    ]
    assert interpreter.position.voice == {"lang": "en", "speaker": "luna"}, "another process speaks the same language"


def test_variables_within_variables_are_found_by_a_variable():
    flow = flow_of(
        a={"set": {"lang": "es", "say": {"bye": "Adiós {{ from }}"}}, "then": "b"},
        b={"say": "{{ texts[lang].hello }}, {{ say.bye }}.", "then": "c"},
        c={"hang_up": None},
        variables={"texts": {"en": {"hello": "Hello"}, "es": {"hello": "Hola"}}},
    )
    assert texts(walk(flow=flow)[1]) == ["Hola, Adiós +1555."]


def test_another_process_goes_on_at_the_node_with_all_that_is_known():
    interpreter, _ = walk(FOUND, SAID, flow=DESK)
    other = FlowInterpreter(DESK, {})
    step = other.go_on(replace(interpreter.position))
    assert step.function == "hours"
    assert other.path == ["ask", "hello", "look"]


def test_a_question_is_asked_again_as_it_was_when_another_process_goes_on():
    interpreter, steps = walk(SAID, gathered())
    other = FlowInterpreter(FLOW, {})
    assert other.go_on(replace(interpreter.position)) == steps[-1]
    assert texts([other.resume(gathered())]) == ["Goodbye."], "one silence was counted"


def test_a_flow_that_has_lost_the_node_begins_anew():
    interpreter, _ = walk()
    assert texts([interpreter.go_on(FlowPosition("gone", {"from": "+1555", "company": "Acme"}))]) == [
        "Thank you for calling Acme, +1555."
    ]
