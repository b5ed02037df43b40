"""Mistakes that pydantic and PyYAML find are told in the words of authors, each at its place."""

import pytest
from support.flow_mistakes import GOOD, problems, with_mistake

from telebridge.flows.error_messages import syntax_hint

MISTAKES = [
    (
        '"*": bye',
        "#: bye",
        [
            "11:14: is not YAML: expected ',' or '}', but got '<scalar>'; a bracket is not "
            "closed, or a '#' or a text with a comma is not in quotes"
        ],
    ),
    (
        '{1: account, "*": bye}',
        "{1: account, *: bye}",
        ["11:28: is not YAML: expected alphabetic or numeric character, but found ':'; put '*' and '&' in quotes"],
    ),
    (
        '{1: account, "*": bye}',
        "[account, bye]",
        ["11:14: 'choices': should be a table of names and values in node 'main'"],
    ),
    ('{1: account, "*": bye}', "account", ["11:14: 'choices': should be a table of names and values in node 'main'"]),
    (
        '{1: account, "*": bye}',
        '{1: {then: account, to: bye}, "*": bye}',
        ["11:34: 'to' is unknown in node 'main'; known are then, say"],
    ),
    (
        '{1: account, "*": bye}',
        '{1: , "*": bye}',
        ["11:17: '1': should be the name of a node, or {then: node, say: [phrase]} in node 'main'"],
    ),
    ("    then: main\n", "    then: [main]\n", ["8:11: 'then': should be text in node 'welcome'"]),
    ("    then: main\n", "    then: 1\n", ["8:11: 'then': should be text in node 'welcome'; put it in quotes"]),
    ("    then: main\n", "    then:\n", ["8:10: 'then': should be text in node 'welcome'; it is empty"]),
    (
        "after: 300ms",
        "after: 5 seconds",
        ["12:23: 'after': should be a duration such as 5s, 300ms or 2m in node 'main'"],
    ),
    ("wait: 2s", "wait: -2s", ["22:17: 'wait': should be a duration such as 5s, 300ms or 2m in node 'pause'"]),
    ("wait: 2s", "wait: 0", ["22:17: 'wait': should be greater than 0 in node 'pause'"]),
    ("wait: 2s", "wait: 2h", ["22:17: 'wait': should be a duration such as 5s, 300ms or 2m in node 'pause'"]),
    ("wait: 2s", "wait: 90m", ["22:17: 'wait': should be less than or equal to 3600 in node 'pause'"]),
    ("wait: 2s", "wait: yes", ["22:17: 'wait': should be a duration such as 5s, 300ms or 2m in node 'pause'"]),
    (
        "    barge_in: none",
        "\tbarge_in: none",
        ["7:1: is not YAML: found character '\\t' that cannot start any token; indent with blanks, not with tabs"],
    ),
    (
        "    barge_in: none",
        "   barge_in: none",
        [
            "7:4: is not YAML: expected <block end>, but found '<block mapping start>'; "
            "indent what belongs together alike"
        ],
    ),
    (
        "    barge_in: none",
        "      barge_in: none",
        [
            "7:7: is not YAML: expected <block end>, but found '<block mapping start>'; "
            "indent what belongs together alike"
        ],
    ),
    (
        "    into: account",
        "    into:account",
        ["17:5: is not YAML: could not find expected ':'; each field is 'name: value', with a blank behind the colon"],
    ),
    (
        '"Press 1 or star."',
        "Press: 1 or star.",
        ["10:16: is not YAML: mapping values are not allowed here; put a text with a colon in quotes"],
    ),
    ('"Goodbye."', '"Goodbye.', ["24:14: is not YAML: found unexpected end of stream; a quote is not closed"]),
    (
        '"Press 1 or star."',
        "'It's Acme'",
        [
            "10:15: is not YAML: expected <block end>, but found '<scalar>'; put a text "
            "that has quotes in it in double quotes, or double its single quotes"
        ],
    ),
    (
        '"Thank you for calling {{ company }}."',
        "{{ company }}",
        ["6:11: is not YAML: found unhashable key; put a text that begins with { in quotes"],
    ),
    ('"Press 1 or star."', "12", ["10:11: 'menu': should be text in node 'main'; put it in quotes"]),
    (
        'digits: {min: 6, max: 6, finish_on_key: "#", between: 3s}',
        "digits: 6",
        ["15:13: 'digits': should be a table of fields in node 'account'"],
    ),
    (
        'finish_on_key: "#"',
        "finish_on_key: #",
        [
            "15:13: is not YAML: expected ',' or '}', but got ':'; a bracket is not closed, "
            "or a '#' or a text with a comma is not in quotes"
        ],
    ),
    (
        'finish_on_key: "#"',
        "finish_on_key: pound",
        ["15:45: 'finish_on_key': should be one key: 0 to 9, '*' or '#', or '' for none in node 'account'"],
    ),
    ("reprompt: 1", "reprompt: -1", ["12:40: 'reprompt': should be greater than or equal to 0 in node 'main'"]),
    ("reprompt: 1", "reprompt: once", ["12:40: 'reprompt': should be a whole number in node 'main'"]),
    (
        "no_input: {after: 300ms, reprompt: 1, then: bye}",
        "no_input: bye",
        ["12:15: 'no_input': should be a table of fields in node 'main'"],
    ),
    (
        "into: account",
        "into: account number",
        ["16:11: 'into': should be a name: letters, digits and _, and no digit first in node 'account'"],
    ),
    (
        "into: account",
        'into: "{{ account }}"',
        ["16:11: 'into': should be a name: letters, digits and _, and no digit first in node 'account'"],
    ),
    (
        "      - {if: \"account == '123456'\", then: bye}\n      - {then: pause}",
        "      if: account\n      then: bye",
        ["19:5: 'choose': should be a list in node 'route'"],
    ),
    (
        "barge_in: none",
        "barge_in: no",
        ["7:15: 'barge_in': should be 'any', 'speech', 'keys' or 'none' in node 'welcome'; YAML reads this as false"],
    ),
    ("barge_in: none", "speech: spa", ["7:13: 'speech': should be a table of names and values in node 'welcome'"]),
    (
        "barge_in: none",
        "speech: {lang: [spa]}",
        ["7:20: 'lang': should be text, a number, or true or false in node 'welcome'"],
    ),
    (
        "variables: {company: Acme}",
        "variables: [company]",
        ["2:12: 'variables': should be a table of names and values"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  - pause",
        ["22:3: is not YAML: expected <block end>, but found '-'; indent what belongs together alike"],
    ),
    ("flow: front-desk", "flow: front desk", ["1:7: 'flow': should be one word: letters, digits, '_', '.' and '-'"]),
    (
        GOOD,
        GOOD + "---\n" + GOOD,
        ["25:1: is not YAML: but found another document; one flow in each file, without '---' between"],
    ),
    (GOOD, "flow: x\nstart: a\nnodes:\n", ["3:7: 'nodes': should be a table of names and values; it is empty"]),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {call_back: null, in: 90, then: bye}",
        ["22:32: 'in': should be a duration such as 30m, 2h or 1d in node 'pause'"],
    ),
]


@pytest.mark.parametrize(("right", "wrong", "told"), MISTAKES)
def test_a_mistake_is_told_at_its_place_and_alone(flow_file, right, wrong, told):
    assert problems(flow_file(with_mistake(right, wrong))) == told


def test_a_file_in_another_encoding_is_told(flow_file):
    latin = GOOD.replace("Goodbye", "Gr\u00fc\u00dfe").encode("latin-1")
    [problem] = problems(flow_file(latin))
    assert problem.startswith("24:17: is not YAML: ")
    assert problem.endswith("; save the file as UTF-8")


def test_an_unknown_problem_of_yaml_has_no_hint():
    assert syntax_hint("something that PyYAML never says") == ""
