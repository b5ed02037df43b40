"""What newcomers get wrong: each mistake is told at its place, in an author's words, and nothing beside it."""

import pytest

from telebridge.flows.loading import check_flow
from telebridge.flows.model import NODES

GOOD = """\
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
    then: route
  route:
    choose:
      - {if: "account == '123456'", then: bye}
      - {then: pause}
  pause: {wait: 2s, then: bye}
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
        "{1: account,",
        "{one: account,",
        [
            "11:5: 'choices': 'one' is no key of a telephone: 0 to 9, '*' and '#' are (the "
            "last two quoted) in node 'main'"
        ],
    ),
    (
        '{1: account, "*": bye}',
        "[account, bye]",
        ["11:14: 'choices': should be a table of names and values in node 'main'"],
    ),
    ('{1: account, "*": bye}', "account", ["11:14: 'choices': should be a table of names and values in node 'main'"]),
    ('{1: account, "*": bye}', '{1: {then: account}, "*": bye}', ["11:15: '1': should be text in node 'main'"]),
    ('{1: account, "*": bye}', '{1: , "*": bye}', ["11:17: '1': should be text in node 'main'; it is empty"]),
    ("    barge_in: none\n    then: main\n", "    barge_in: none\n", ["5:3: 'then' is missing in node 'welcome'"]),
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
        "{{ company }}",
        "{{ company }",
        ["6:10: is no template (unexpected '}') in node 'welcome'; each {{ needs its }}"],
    ),
    (
        "{{ company }}",
        "{{ company",
        ["6:10: is no template (expected name or number) in node 'welcome'; each {{ needs its }}"],
    ),
    ("{{ company }}", "{% if company %}x", ["6:10: is no template (Unexpected end of template) in node 'welcome'"]),
    (
        "{{ company }}",
        "{{ compny }}",
        ["6:10: nothing sets the variable 'compny' in node 'welcome'; did you mean 'company'?"],
    ),
    (
        "{{ company }}",
        "{{ company | uper }}",
        ["6:10: there is no filter 'uper' in node 'welcome'; did you mean 'upper'?"],
    ),
    (
        "{{ company }}",
        "{{ 'x' if company is definde }}",
        ["6:10: there is no test 'definde' in node 'welcome'; did you mean 'defined'?"],
    ),
    (
        "account == '123456'",
        "account | lenght == 6",
        ["20:14: there is no filter 'lenght' in node 'route'; did you mean 'length'?"],
    ),
    (
        "account == '123456'",
        "account = '123456'",
        ["20:14: is no condition (expected token ')', got '=') in node 'route'; compare with =="],
    ),
    (
        "account == '123456'",
        "{{ account == '123456' }}",
        ["20:14: is no condition (expected token ':', got '}') in node 'route'; a condition is written without braces"],
    ),
    (
        "account == '123456'",
        "account && company",
        ["20:14: is no condition (unexpected char '&' at 12) in node 'route'; write 'and', 'or' and 'not'"],
    ),
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
    ("{1: account,", "{1: acount,", ["11:18: there is no node 'acount' in node 'main'; did you mean 'account'?"]),
    ("start: welcome", "start: wellcome", ["3:8: there is no node 'wellcome'; did you mean 'welcome'?"]),
    (
        "then: bye}\n  account",
        "then: welcome}\n  account",
        [
            "5:3: a silent caller goes round for ever: welcome → main → welcome in node "
            "'welcome'; let one of them hang up"
        ],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {wait: 2s, then: pause}",
        ["22:3: a silent caller goes round for ever: pause → pause in node 'pause'; let one of them hang up"],
    ),
    (
        "      - {then: pause}",
        "      - {then: route}",
        [
            "22:3: nothing leads here in node 'pause'",
            "18:3: leads back to itself with nothing in between that could change the choice in node 'route'",
        ],
    ),
    ("  bye:\n", "  lost: {hang_up: x}\n  bye:\n", ["23:3: nothing leads here in node 'lost'"]),
    (
        "    say:",
        "    wait: 2s\n    say:",
        ["6:11: has the verbs say and wait in node 'welcome'; one verb in each node"],
    ),
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
    ("  bye:\n    hang_up", "bye:\n  hang_up", ["23:1: 'bye' is unknown; a node belongs under 'nodes'"]),
    (
        "  pause: {wait: 2s, then: bye}",
        "    pause: {wait: 2s, then: bye}",
        ["22:5: 'pause' is unknown in node 'route'; a node is indented like the other nodes"],
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
    ("min: 6", "min: 8", ["15:27: 'max' (6) is less than 'min' (8) in node 'account'"]),
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
        "      - {then: pause}",
        "      - {else: pause}",
        ["21:9: 'then' is missing in node 'route'", "21:10: 'else' is unknown in node 'route'; known are if, then"],
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
        "variables: {company: Acme}",
        "variables: {company-name: x, company: Acme}",
        ["2:27: 'company-name' is no name; letters, digits and _ are, and no digit first"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  - pause",
        ["22:3: is not YAML: expected <block end>, but found '-'; indent what belongs together alike"],
    ),
    ("flow: front-desk", "flow: front desk", ["1:7: 'flow': should be one word: letters, digits, '_', '.' and '-'"]),
    (GOOD, "- flow: x\n", ["1:1: is no flow; it begins with 'flow: name'"]),
    (
        GOOD,
        GOOD + "---\n" + GOOD,
        ["25:1: is not YAML: but found another document; one flow in each file, without '---' between"],
    ),
    (GOOD, "flow: x\nstart: a\nnodes:\n", ["3:7: 'nodes': should be a table of names and values; it is empty"]),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {wait: 2s, then: bye}\n  1: {wait: 2s, then: bye}",
        ["23:3: YAML does not read the node's name '1' as text; put it in quotes, or choose another"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {call_back: null, in: 90, then: bye}",
        ["22:32: 'in': should be a duration such as 30m, 2h or 1d in node 'pause'"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {call_back: null, then: bye}",
        ["22:3: has no time in node 'pause'; give it 'in', such as 2h, or 'at', a date and time"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {call_back: null, in: 2h, at: '2026-03-02', then: bye}",
        ["22:40: 'at' does not go with 'in' in node 'pause'; leave one of them out"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {call_back: null, in: 2h, invalid: bye, then: bye}",
        ["22:45: 'invalid' does not go with 'in' in node 'pause'; leave one of them out"],
    ),
    (
        "  pause: {wait: 2s, then: bye}",
        "  pause: {call_back: null, at: tomorrow, then: bye}",
        [
            "22:32: 'tomorrow' is no date and time in node 'pause'; "
            "write it as 2026-03-02T09:30, or with an offset as 2026-03-02T09:30+01:00"
        ],
    ),
    ("pause", "yes", ["22:3: YAML does not read the node's name 'yes' as text; put it in quotes, or choose another"]),
]


def problems(path):
    return [str(error).removeprefix(f"{path}:") for error in check_flow(path)]


@pytest.fixture
def flow_file(tmp_path):
    def write(text):
        path = tmp_path / "flow.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_the_flow_that_is_broken_below_is_right(flow_file):
    assert problems(flow_file(GOOD)) == []


@pytest.mark.parametrize(("right", "wrong", "told"), MISTAKES)
def test_a_mistake_is_told_at_its_place_and_alone(flow_file, right, wrong, told):
    assert right in GOOD
    assert (
        problems(flow_file(GOOD.replace(right, wrong) if right == "pause" else GOOD.replace(right, wrong, 1))) == told
    )


def test_a_file_in_another_encoding_is_told(flow_file):
    latin = GOOD.replace("Goodbye", "Gr\u00fc\u00dfe").encode("latin-1")
    [problem] = problems(flow_file(latin))
    assert problem.startswith("24:17: is not YAML: ")
    assert problem.endswith("; save the file as UTF-8")


def test_of_lost_nodes_that_lead_to_each_other_the_first_is_told(flow_file):
    lost = "  one: {say: x, then: two}\n  two: {say: x, then: three}\n  three: {hang_up: x}\n"
    assert problems(flow_file(GOOD + lost)) == ["25:3: nothing leads here in node 'one'"]
    circle = "  one: {menu: x, choices: {1: two}}\n  two: {menu: x, choices: {1: one}}\n"
    assert problems(flow_file(GOOD + circle)) == ["25:3: no way leads here in node 'one'"]


def test_choices_that_lead_round_in_silence_are_told_once(flow_file):
    round_ = GOOD.replace("- {then: pause}", "- {if: company, then: pause}\n      - {then: other}").replace(
        "  bye:\n", "  other:\n    choose: [{if: company, then: bye}, {then: route}]\n  bye:\n"
    )
    told = "leads back to itself with nothing in between that could change the choice in node 'route'"
    assert problems(flow_file(round_)) == [f"18:3: {told}"]
