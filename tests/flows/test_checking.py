"""Mistakes of a flow as a whole, each told at its place and alone."""

import pytest
from support.flow_mistakes import GOOD, problems, with_mistake

MISTAKES = [
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
    ("min: 6", "min: 8", ["15:27: 'max' (6) is less than 'min' (8) in node 'account'"]),
    (
        "variables: {company: Acme}",
        "variables: {company-name: x, company: Acme}",
        ["2:27: 'company-name' is no name; letters, digits and _ are, and no digit first"],
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
]

ENTERED = """flow: test
start: hello
ENTRANCES
nodes:
  hello: {say: "Hello.", then: bye}
  message: {opt_out: "Goodbye for ever.", then: bye}
  bye: {hang_up: "Goodbye."}
"""


def test_the_flow_that_is_broken_below_is_right(flow_file):
    assert problems(flow_file(GOOD)) == []


@pytest.mark.parametrize(("right", "wrong", "told"), MISTAKES)
def test_a_mistake_is_told_at_its_place_and_alone(flow_file, right, wrong, told):
    assert problems(flow_file(with_mistake(right, wrong))) == told


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


@pytest.mark.parametrize(
    ("entrances", "mistakes"),
    [
        ("entrances: [message]", []),
        ("", ["6:3: nothing leads here in node 'message'"]),
        ("entrances: [message, mesage]", ["3:22: there is no node 'mesage'; did you mean 'message'?"]),
    ],
)
def test_an_entrance_is_reached(flow_file, entrances, mistakes):
    assert problems(flow_file(ENTERED.replace("ENTRANCES\n", f"{entrances}\n" if entrances else "\n"))) == mistakes


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ("[company]", []),
        ("[from]", ["2:9: every call has 'from'; leave it out"]),
        ("[company, company]", ["2:18: 'company' is there twice; leave one out"]),
        ("[companny]", ["2:9: no text uses 'companny'; did you mean 'company'?"]),
    ],
)
def test_what_a_flow_needs_is_used_by_a_text(flow_file, needs, told):
    wrong = with_mistake("variables: {company: Acme}", f"needs: {needs}\nvariables: {{company: Acme}}")
    assert problems(flow_file(wrong)) == told


def test_a_text_may_use_what_the_flow_needs(flow_file):
    assert problems(flow_file(with_mistake("variables: {company: Acme}", "needs: [company]"))) == []
