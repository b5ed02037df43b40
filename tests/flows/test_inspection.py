"""What is read from a node names every place of its file, for every verb."""

import pytest

from telebridge.flows.inspection import (
    conditions_of,
    digit_rules,
    escape_applies,
    matched_variables,
    target_without_caller,
    targets,
    texts_of,
    used_variables,
    variables_set_by,
    verb_of,
)
from telebridge.flows.model import NODES, Flow

WRITTEN = {
    "say": {"say": "x", "then": "b"},
    "play": {"play": "https://x.test/{{ y }}.wav", "then": "b", "failed": "c"},
    "menu": {"menu": "x", "choices": {1: "b", 2: "c"}, "no_input": {"then": "d"}},
    "collect": {"collect": "x", "into": "n", "then": "b", "no_match": {"say": "y", "then": "c"}},
    "ask": {"ask": "x", "choices": {True: "b", "other": {"then": "c", "key": 7}}, "into": "n", "spoken": {"with": "w"}},
    "listen": {"listen": "x", "into": "n", "then": "b", "unheard": "c", "no_match": {"say": None}},
    "choose": {"choose": [{"if": "n > 1", "then": "b"}, {"then": "c"}]},
    "hours": {"hours": {"week": {"mon": "08:00-17:00"}}, "open": "b", "closed": "c", "holiday": "d"},
    "set": {"set": {"n": "x", "deep": {"list": ["{{ y }}", 1]}}, "then": "b"},
    "wait": {"wait": "2s", "then": "b"},
    "send_digits": {"send_digits": "12", "then": "b"},
    "request": {"request": {"url": "https://x.test/", "json": {"a": "y"}, "into": "n"}, "then": "b", "failed": "c"},
    "run": {"run": "f", "into": "n", "then": "b", "failed": "c"},
    "record": {"record": "x", "then": "b", "nothing": "c"},
    "screening": {"screening": "x", "then": "b", "voicemail": "d", "nobody": "c"},
    "transfer": {"transfer": "+15551230100", "whisper": "w", "failed": "c"},
    "queue": {"queue": "q", "wait_url": "https://x.test/", "then": "b", "full": "d", "failed": "c"},
    "sms": {"sms": "x", "to": "+15551230100", "from": "{{ to }}", "into": "n", "then": "b", "failed": "c"},
    "goto": {"goto": "other", "variables": {"n": "x"}},
    "subflow": {"subflow": "other", "variables": {"n": "x"}, "into": "n", "then": "b"},
    "return": {"return": {"n": "x"}},
    "opt_out": {"opt_out": "x", "then": "b"},
    "call_back": {"call_back": "x", "at": "{{ t }}", "then": "b", "invalid": "c"},
    "hang_up": {"hang_up": None},
}
FLOW = Flow.model_validate(
    {"flow": "all", "start": "say", "nodes": {**WRITTEN, **{name: {"hang_up": None} for name in "bcd"}}}
)


def found(read):
    return {verb: read(FLOW.nodes[verb]) for verb in WRITTEN}


def dotted(places):
    return {".".join(path): value for path, value in places.items()}


def test_every_verb_is_written_here():
    assert list(WRITTEN) == list(NODES)
    assert found(verb_of) == {verb: verb for verb in NODES}


def test_where_a_node_can_lead():
    assert {verb: dotted(places) for verb, places in found(targets).items()} == {
        "say": {"then": "b"},
        "play": {"then": "b", "failed": "c"},
        "menu": {"no_input.then": "d", "choices.1": "b", "choices.2": "c"},
        "collect": {"then": "b", "no_match.then": "c"},
        "ask": {"choices.yes": "b", "choices.other": "c"},
        "listen": {"then": "b", "unheard": "c"},
        "choose": {"choose.0.then": "b", "choose.1.then": "c"},
        "hours": {"open": "b", "closed": "c", "holiday": "d"},
        "set": {"then": "b"},
        "wait": {"then": "b"},
        "send_digits": {"then": "b"},
        "request": {"then": "b", "failed": "c"},
        "run": {"then": "b", "failed": "c"},
        "record": {"then": "b", "nothing": "c"},
        "screening": {"then": "b", "voicemail": "d", "nobody": "c"},
        "transfer": {"failed": "c"},
        "queue": {"then": "b", "full": "d", "failed": "c"},
        "sms": {"then": "b", "failed": "c"},
        "goto": {},
        "subflow": {"then": "b"},
        "return": {},
        "opt_out": {"then": "b"},
        "call_back": {"then": "b", "invalid": "c"},
        "hang_up": {},
    }


def test_where_a_node_leads_with_nobody_on_the_line():
    alone = {verb: node for verb, node in found(target_without_caller).items() if node != "b"}
    assert alone == {
        "menu": "d",
        "collect": None,
        "ask": None,
        "listen": None,
        "choose": None,
        "hours": None,
        "request": "c",
        "run": "c",
        "record": "c",
        "screening": "c",
        "transfer": "c",
        "queue": "c",
        "goto": None,
        "subflow": None,
        "return": None,
        "hang_up": None,
    }


def test_every_text_has_its_place():
    assert dotted(texts_of(FLOW.nodes["set"])) == {"set.n": "x", "set.deep.list.0": "{{ y }}"}
    assert dotted(texts_of(FLOW.nodes["request"])) == {"request.url": "https://x.test/", "request.json.a": "y"}
    assert dotted(texts_of(FLOW.nodes["collect"])) == {"collect": "x", "no_match.say": "y"}
    assert texts_of(FLOW.nodes["ask"])["spoken", "with"] == "w"
    assert dotted(texts_of(FLOW.nodes["transfer"])) == {"transfer": "+15551230100", "whisper": "w"}
    assert dotted(texts_of(FLOW.nodes["call_back"])) == {"call_back": "x", "at": "{{ t }}"}
    assert dotted(texts_of(FLOW.nodes["sms"])) == {"sms": "x", "to": "+15551230100", "from": "{{ to }}"}
    assert dotted(texts_of(FLOW.nodes["queue"])) == {"queue": "q", "wait_url": "https://x.test/"}
    assert dotted(texts_of(FLOW.nodes["subflow"])) == {"variables.n": "x"}
    assert dotted(texts_of(FLOW.nodes["return"])) == {"return.n": "x"}
    assert texts_of(FLOW.nodes["run"]) == {}


def test_conditions_and_variables():
    assert {verb: dotted(places) for verb, places in found(conditions_of).items() if places} == {
        "choose": {"choose.0.if": "n > 1"}
    }
    assert {verb: set(names) for verb, names in found(variables_set_by).items() if names} == {
        "collect": {"n"},
        "ask": {"n"},
        "listen": {"n"},
        "set": {"n", "deep"},
        "request": {"n"},
        "run": {"n"},
        "sms": {"n"},
        "subflow": {"n"},
        "record": {"recording"},
    }


@pytest.mark.parametrize(
    ("verb", "key", "applies"),
    [
        ("menu", "1", False),
        ("menu", "0", True),
        ("say", "0", False),
        ("ask", "7", False),
        ("ask", "1", False),
        ("ask", "0", True),
        ("listen", "1", True),
    ],
)
def test_the_escape_key_applies_to_questions_that_do_not_take_it(verb, key, applies):
    assert escape_applies(FLOW.nodes[verb], key) is applies


def test_a_menu_takes_one_key_and_a_collect_what_its_digits_say():
    menu, collect = digit_rules(FLOW.nodes["menu"]), digit_rules(FLOW.nodes["collect"])
    assert (menu.min_digits, menu.max_digits, menu.finish_on_key) == (1, 1, "")
    assert (collect.min_digits, collect.max_digits, collect.finish_on_key) == (1, None, "#")


def test_the_variables_that_texts_and_conditions_use_are_found():
    assert used_variables(FLOW) == {"y", "t", "n", "to"}
    broken = FLOW.model_copy(update={"apology": "{{ x"})
    assert used_variables(broken) == {"y", "t", "n", "to"}


@pytest.mark.parametrize("given", ["name", "Name", "NAME", " name ", "N_ame", "na me"])
def test_a_variable_is_found_without_regard_to_case_and_blanks(given):
    assert matched_variables({given: "Ann", "other": 1}, ["name", "day"]) == {given: "Ann", "other": 1, "name": "Ann"}


def test_a_variable_that_is_given_as_it_is_is_left_alone():
    given = {"Name": "Ann", "name": "Ben", "_": "x"}
    assert matched_variables(given, ["name", "__"]) == given
    assert matched_variables({"first_name": 1}, ["name"]) == {"first_name": 1}
