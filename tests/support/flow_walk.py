"""Flows, and walks through them: each result of a step leads to the next step."""

from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.steps import (
    Collect,
    Done,
    Gathered,
    Recorded,
    RecordingEnd,
    Said,
    Say,
)
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


def flow_of(*, start=None, variables=None, speech=None, escape=None, **nodes):
    given = {"variables": variables or {}, "speech": speech or {}, "escape": escape}
    return Flow.model_validate({"flow": "test", "start": start or next(iter(nodes)), "nodes": nodes, **given})


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
