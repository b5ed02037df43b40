"""What a campaign says, before it says it."""

from support.flow_walk import flow_of

from telebridge.campaigns.reporting.words import call_words, words_of
from telebridge.flows.model import Flow

FLOW = Flow.model_validate(
    {
        "flow": "reminder",
        "start": "hello",
        "variables": {"company": "Acme", "name": "", "day": "soon", "tries": 0},
        "entrances": ["message"],
        "nodes": {
            "hello": {"say": "Hello {{ name }}.", "then": "ask"},
            "ask": {"menu": "See you on {{ day }}.", "choices": {1: "ok", 2: "bye"}, "no_input": {"then": "bye"}},
            "ok": {"set": {"tries": "{{ tries + 1 }}"}, "then": "bye"},
            "bye": {"hang_up": "Goodbye from {{ company }}."},
            "message": {"say": "{{ company }} called.", "then": "bye"},
        },
    }
)
PEOPLE = [("+12125550111", {"Name": "Ann", "Day": "Monday", "Notes": "x"})]


def said(lines):
    return [(line.node, line.text) for line in lines]


def test_the_first_calls_are_told_word_for_word():
    words = words_of(FLOW, PEOPLE[0][1], PEOPLE, from_number="+12125550100", message_node="message")
    [call] = words.calls
    assert call.phone == "+12125550111"
    assert said(call.lines) == [
        ("hello", "Hello Ann."),
        ("ask", "See you on Monday."),
        ("ask", "1"),
        ("bye", "Goodbye from Acme."),
    ]
    assert said(call.to_machine) == [("message", "Acme called."), ("bye", "Goodbye from Acme.")]
    assert [line.text for line in call.spoken] == ["Hello Ann.", "See you on Monday.", "Goodbye from Acme."]


def test_variables_that_no_column_fills_and_columns_that_no_text_uses_are_named():
    words = words_of(FLOW, ["Nmae", "Day", "Notes"], [], from_number="+12125550100")
    assert words.unfilled == {"company": "Acme", "name": ""}
    assert words.unused == ("Nmae", "Notes")
    assert words.warnings == [
        "no column fills {{ company }}: everybody hears 'Acme'",
        "no column fills {{ name }}: nothing is said in its place; did you mean the column 'Nmae'? "
        "Then set columns.name",
        "no text uses the columns 'Nmae', 'Notes'",
    ]


def test_a_flow_that_runs_python_may_use_every_column():
    flow = flow_of(a={"run": "look_up", "then": "b", "failed": "b"}, b={"hang_up": None})
    assert words_of(flow, ["Notes"], [], from_number="+12125550100").unused == ()


def test_a_flow_without_an_end_is_told_as_such():
    flow = flow_of(a={"say": "Hello.", "then": "b"}, b={"say": "Again.", "then": "a"})
    call = call_words(flow, "+12125550111", {}, from_number="+12125550100")
    assert call.lines[-1].what == "fails"
    assert "circles" in call.lines[-1].text


def test_digits_are_typed_as_a_question_asks_for_them():
    flow = flow_of(
        a={"collect": "Your number?", "digits": {"min": 3, "max": 3}, "into": "n", "then": "b"},
        b={"hang_up": "It is {{ n }}."},
    )
    call = call_words(flow, "+12125550111", {}, from_number="+12125550100")
    assert [line.text for line in call.lines] == ["Your number?", "111#", "It is 111."]
