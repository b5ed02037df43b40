"""Any file becomes a flow or mistakes with their places: unknown, missing, doubled and misplaced keys."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.flow_mistakes import GOOD, problems, with_mistake

from telebridge.errors import FlowError
from telebridge.flows.error_messages import SCALARS
from telebridge.flows.inspection import digit_rules
from telebridge.flows.loading import check_flow, load_flow
from telebridge.flows.model import NODES
from telebridge.flows.nodes.questions import CollectNode, MenuNode
from telebridge.turns.barge_in import BargeInPolicy

SHORT = """\
flow: front-desk
variables: {company: Acme}
start: welcome
nodes:
  welcome:
    say: "Thank you for calling {{ company }}."
    barge_in: none
    then: main
  main:
    menu: "Press 1 or star."
    choices: {1: account, "*": bye}
    no_input: {after: 300ms, reprompt: 1, then: bye}
  account:
    collect: "Enter six digits."
    digits: {min: 6, max: 6, finish_on_key: "#", between: 3s}
    into: account
    then: bye
  bye:
    hang_up: "Goodbye."
"""


MISTAKES = [
    ("    say:", "    sya:", ["5:3: has no verb in node 'welcome'; did you mean 'say'?"]),
    ("    say:", "    Say:", ["5:3: has no verb in node 'welcome'; did you mean 'say'?"]),
    ("hang_up:", "hang-up:", ["23:3: has no verb in node 'bye'; did you mean 'hang_up'?"]),
    ("hang_up:", "hangup:", ["23:3: has no verb in node 'bye'; did you mean 'hang_up'?"]),
    (
        '    hang_up: "Goodbye."\n',
        "",
        [f"23:7: is empty in node 'bye'; verbs are {', '.join(NODES)}"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: hang_up",
        ["22:10: is no table of fields in node 'pause'; write {hang_up: …}"],
    ),
    ("  pause: {wait: 2s, then: bye}", "  pause: [wait]", ["22:10: is no table of fields in node 'pause'"]),
    ("barge_in: none", "barge-in: none", ["7:5: 'barge-in' is unknown in node 'welcome'; did you mean 'barge_in'?"]),
    ("variables:", "variable:", ["2:1: 'variable' is unknown; did you mean 'variables'?"]),
    ("nodes:", "node:", ["4:1: 'node' is unknown; did you mean 'nodes'?"]),
    ("start: welcome\n", "", ["1:1: 'start' is missing"]),
    (GOOD, "", ["1:1: is no flow; it begins with 'flow: name'"]),
    (GOOD, "# later\n", ["1:1: is no flow; it begins with 'flow: name'"]),
    (
        "{1: account,",
        "{one: account,",
        [
            "11:5: 'choices': 'one' is no key of a telephone: 0 to 9, '*' and '#' are (the "
            "last two quoted) in node 'main'"
        ],
    ),
    ("    barge_in: none\n    then: main\n", "    barge_in: none\n", ["5:3: 'then' is missing in node 'welcome'"]),
    (
        "    barge_in: none\n",
        "    barge_in: none\n    barge_in: any\n",
        ["8:5: 'barge_in' stands here for the second time; first in line 7"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {wait: 2s, then: bye}\n  pause: {wait: 3s, then: bye}",
        ["23:3: 'pause' stands here for the second time; first in line 22"],
    ),
    ("{1: account,", "{1: account, '1': bye,", ["11:27: '1' stands here for the second time; first in line 11"]),
    (
        "    say:",
        "    wait: 2s\n    say:",
        ["6:11: has the verbs say and wait in node 'welcome'; one verb in each node"],
    ),
    ("  bye:\n    hang_up", "bye:\n  hang_up", ["23:1: 'bye' is unknown; a node belongs under 'nodes'"]),
    (
        "  pause: {wait: 2s, then: bye}",
        "    pause: {wait: 2s, then: bye}",
        ["22:5: 'pause' is unknown in node 'route'; a node is indented like the other nodes"],
    ),
    (
        "      - {then: pause}",
        "      - {else: pause}",
        ["21:9: 'then' is missing in node 'route'", "21:10: 'else' is unknown in node 'route'; known are if, then"],
    ),
    (GOOD, "- flow: x\n", ["1:1: is no flow; it begins with 'flow: name'"]),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {wait: 2s, then: bye}\n  1: {wait: 2s, then: bye}",
        ["23:3: YAML does not read the node's name '1' as text; put it in quotes, or choose another"],
    ),
    ("pause", "yes", ["22:3: YAML does not read the node's name 'yes' as text; put it in quotes, or choose another"]),
]


@pytest.mark.parametrize(("right", "wrong", "told"), MISTAKES)
def test_a_mistake_is_told_at_its_place_and_alone(flow_file, right, wrong, told):
    assert problems(flow_file(with_mistake(right, wrong))) == told


def test_a_good_flow_is_loaded(flow_file):
    flow = load_flow(flow_file(SHORT))
    assert flow.flow == "front-desk"
    assert flow.nodes["welcome"].barge_in is BargeInPolicy.NONE
    main, account = flow.nodes["main"], flow.nodes["account"]
    assert isinstance(main, MenuNode)
    assert {key: choice.then for key, choice in main.choices.items()} == {"1": "account", "*": "bye"}
    assert digit_rules(main).no_input_seconds == 0.3
    assert isinstance(account, CollectNode)
    assert (digit_rules(account).min_digits, digit_rules(account).between_seconds) == (6, 3.0)


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("barge_in: none", "barg_in: none", "7:5: 'barg_in' is unknown in node 'welcome'; did you mean 'barge_in'?"),
        ("then: main", "then: mian", "8:11: there is no node 'mian' in node 'welcome'; did you mean 'main'?"),
        ("start: welcome", "start: welcom", "3:8: there is no node 'welcom'; did you mean 'welcome'?"),
        ("{1: account", "{1: acount", "11:18: there is no node 'acount' in node 'main'; did you mean 'account'?"),
        ("menu:", "menue:", "9:3: has no verb in node 'main'; did you mean 'menu'?"),
        (
            "{{ company }}",
            "{{ compny }}",
            "6:10: nothing sets the variable 'compny' in node 'welcome'; did you mean 'company'?",
        ),
        ("{{ company }}", "{{ company", "6:10: is no template (expected name or number"),
        ("reprompt: 1", "reprmpt: 1", "12:30: 'reprmpt' is unknown in node 'main'; did you mean 'reprompt'?"),
        ("after: 300ms", "after: soon", "12:23: 'after': should be a duration such as 5s, 300ms or 2m in node 'main'"),
        (
            "barge_in: none",
            "barge_in: never",
            "7:15: 'barge_in': should be 'any', 'speech', 'keys' or 'none' in node",
        ),
        ("    into: account\n", "", "13:3: 'into' is missing in node 'account'"),
        ("{1: account", "{12: account", "11:5: 'choices': '12' is no key of a telephone"),
        (
            "min: 6, max: 6",
            "min: 6, max: 5",
            "15:27: 'max' (5) is less than 'min' (6) in node 'account'",
        ),
        ("flow: front-desk", "flw: front-desk", "1:1: 'flw' is unknown; did you mean 'flow'?"),
        (
            "  bye:\n",
            "  bye:\n    say: x\n",
            "20:14: has the verbs say and hang_up in node 'bye'; one verb in each node",
        ),
        ("  bye:\n", "  bye:\n    hang_up: x\n", "20:5: 'hang_up' stands here for the second time"),
        ('    hang_up: "Goodbye."', '    hang_up: ""', "19:14: 'hang_up': should not be empty in node 'bye'"),
        ("  bye:\n", "  lost: {hang_up: x}\n  bye:\n", "18:3: nothing leads here in node 'lost'"),
        ("nodes:", "nodes: [", "is not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_nearest_right_word(flow_file, wrong, right, told):
    assert wrong in SHORT
    path = flow_file(SHORT.replace(wrong, right, 1))
    found = problems(path)
    assert any(told in problem for problem in found), found
    with pytest.raises(FlowError):
        load_flow(path)


def test_a_road_on_which_a_silent_caller_goes_round_for_ever_is_told(flow_file):
    looping = SHORT.replace("reprompt: 1, then: bye}", "reprompt: 1, then: welcome}")
    [problem] = problems(flow_file(looping))
    assert "a silent caller goes round for ever: welcome → main → welcome" in problem


def test_every_mistake_of_the_whole_is_told_at_once(flow_file):
    wrong = (
        SHORT.replace("then: main", "then: mian")
        .replace("{{ company }}", "{{ compny }}")
        .replace('"*": bye', '"*": by')
    )
    assert len(problems(flow_file(wrong))) >= 3


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"", b"[]", b"flow: [", b"x: *y", b"\x00", b"a: &a [*a]", b"? {a: b}\n: c", b"!!python/x y"]
)
def test_what_is_no_flow_is_told_in_one_line(flow_file, text):
    [problem] = problems(flow_file(text))
    assert "\n" not in problem


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FlowError, match="cannot be read"):
        load_flow(tmp_path / "none.yaml")


YAML = st.text() | st.recursive(
    st.sampled_from(["flow", "nodes", "start", "say", "menu", "5", "null", "{}", "[]", "*a", "&a x"]),
    lambda inner: st.lists(st.tuples(inner, inner), max_size=3).map(
        lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
    ),
)


@given(YAML)
def test_anything_is_loaded_or_refused_as_a_flow(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("flow") / "any.yaml"
    path.write_bytes(text.encode(errors="replace"))
    for error in check_flow(path):
        assert isinstance(error, FlowError)


@given(
    st.lists(
        st.tuples(st.integers(0, len(SHORT) - 1), st.sampled_from([" ", ":", "{", "]", '"', "\n", "x", ""])), max_size=4
    )
)
def test_a_flow_with_any_characters_changed_is_loaded_or_refused(tmp_path_factory, changes):
    text = list(SHORT)
    for place, character in changes:
        text[place] = character
    path = tmp_path_factory.mktemp("flow") / "changed.yaml"
    path.write_text("".join(text))
    for error in check_flow(path):
        assert error.line >= 1
        assert error.column >= 1


@pytest.mark.parametrize("path", sorted(Path("config/flows").glob("*.yaml")), ids=str)
def test_the_flows_that_come_along_have_no_mistakes(path):
    assert check_flow(path) == []


SILENT = """\
flow: silent
start: greet
nodes:
  greet:
    set: {language: en, count: 1}
    then: route
  route:
    choose:
      - {if: "language == 'en'", then: dial}
      - {then: bye}
  dial: {send_digits: "1w2#", then: rest}
  rest: {wait: 2s, then: bye}
  bye: {hang_up: null}
"""


def test_a_flow_with_silent_nodes_is_loaded(flow_file):
    assert problems(flow_file(SILENT)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "language == 'en'",
            "langage == 'en'",
            "9:14: nothing sets the variable 'langage' in node 'route'; did you mean 'language'?",
        ),
        ("language == 'en'", "language ==", "9:14: is no condition"),
        ("then: dial}", "then: dail}", "9:40: there is no node 'dail' in node 'route'; did you mean 'dial'?"),
        ("      - {then: bye}\n", "", "9:7: has no case without 'if' in node 'route'; end with {then: …} for all else"),
        ("1w2#", "1x2#", "11:23: 'x' is no telephone key in node 'dial'; 0 to 9, A to D, *, # and w for a pause are"),
        ("wait: 2s", "wait: soon", "'wait': should be a duration"),
        ("{if: ", "{when: ", "9:10: 'when' is unknown in node 'route'; did you mean 'then'?"),
        ("language: en", "2language: en", "'2language': should be a name: letters"),
    ],
)
def test_mistakes_in_silent_nodes_have_their_place(flow_file, old, new, told):
    [first, *_] = problems(flow_file(SILENT.replace(old, new, 1)))
    assert told in first


KINDS = sorted(SCALARS)
"""The names by which pydantic tells which kinds of a value it tried; any of them may be the name of a key."""
KEYED = """\
flow: keyed
start: ask
nodes:
  ask:
    menu: Well?
    choices: {1: bye}
  bye: {hang_up: null}
"""


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("flow: keyed", "flow: keyed\nNAME: 1", "2:1: 'NAME' is unknown"),
        ("flow: keyed", "flow: keyed\nNAME:", "2:1: 'NAME' is unknown"),
        ("    menu: Well?", "    menu: Well?\n    NAME: 1", "6:5: 'NAME' is unknown in node 'ask'"),
        ("flow: keyed", "flow: keyed\nescape: {key: 0, then: bye, NAME: 1}", "2:29: 'NAME' is unknown"),
        ("choices: {1: bye}", "choices: {NAME: bye}", "'NAME'"),
        ("choices: {1: bye}", "choices: {1: {then: bye, NAME: 1}}", "6:30: 'NAME' is unknown in node 'ask'"),
    ],
)
def test_a_key_may_be_named_like_a_kind_of_value(flow_file, name, old, new, told):
    found = problems(flow_file(KEYED.replace(old, new.replace("NAME", name), 1)))
    assert any(told.replace("NAME", name) in problem for problem in found), found


def test_an_empty_flow_with_such_a_key_is_no_flow(flow_file):
    assert "2:1: 'str' is unknown" in " ".join(problems(flow_file("w:\nstr:\n")))


@pytest.mark.parametrize(
    ("node", "told"),
    [
        ('"\\ud83d": {say: Hi., then: bye, odd: 1}', "5:"),
        ("again: {<<: *node, odd: 1}", "'odd' is unknown in node 'again'"),
    ],
)
def test_a_node_whose_name_or_verb_is_not_in_the_file_as_it_is_read_has_its_mistakes(flow_file, node, told):
    text = f"flow: odd\nstart: bye\nnodes:\n  bye: &node {{hang_up: Bye.}}\n  {node}\n"
    assert any(told in problem and "'odd' is unknown" in problem for problem in problems(flow_file(text)))
