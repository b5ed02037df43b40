"""A flow's graph shows every node and every way, and its Mermaid text cannot be broken by a prompt."""

import re

import pytest

from telebridge.flows.checking import targets
from telebridge.flows.drawing.graph import (
    LONGEST_TEXT,
    Arrow,
    graph_of,
    mermaid,
)
from telebridge.flows.model import Flow

FLOW = Flow.model_validate(
    {
        "flow": "test",
        "start": "main",
        "nodes": {
            "main": {
                "menu": 'Say "1" & <2>; # or *',
                "choices": {1: "route", 2: "end", "*": "main"},
                "no_input": {"then": "end"},
                "no_match": {"then": "end"},
            },
            "route": {"choose": [{"if": "a > 1", "then": "pause"}, {"then": "end"}]},
            "pause": {"wait": "2s", "then": "keep"},
            "keep": {"set": {"a": 1, "b": "x"}, "then": "end"},
            "end": {"hang_up": None},
        },
    }
)


def test_each_node_is_a_box_that_says_what_it_does():
    boxes = {box.name: box for box in graph_of(FLOW).boxes}
    assert [(box.verb, box.start, box.end) for box in boxes.values()] == [
        ("menu", True, False),
        ("choose", False, False),
        ("wait", False, False),
        ("set", False, False),
        ("hang_up", False, True),
    ]
    assert [boxes[name].text for name in ("route", "pause", "keep", "end")] == ["", "2 s", "a = 1, b = x", ""]


def test_each_way_is_an_arrow_that_says_when_it_is_taken():
    assert graph_of(FLOW).arrows == (
        Arrow("main", "route", "1"),
        Arrow("main", "end", "2, no input, no match"),
        Arrow("main", "main", "*"),
        Arrow("route", "pause", "a > 1"),
        Arrow("route", "end", "otherwise"),
        Arrow("pause", "keep", ""),
        Arrow("keep", "end", ""),
    )


def test_no_way_is_left_out():
    drawn = {(arrow.source, arrow.target) for arrow in graph_of(FLOW).arrows}
    assert drawn == {(name, target) for name, node in FLOW.nodes.items() for target in targets(node).values()}


def test_a_long_prompt_is_cut():
    flow = Flow.model_validate({"flow": "x", "start": "a", "nodes": {"a": {"hang_up": "word " * 100}}})
    [box] = graph_of(flow).boxes
    assert len(box.text) <= LONGEST_TEXT
    assert box.text.endswith("word…")


def test_mermaid_text_is_whole():
    assert mermaid(graph_of(FLOW)) == (
        "---\n"
        "title: test\n"
        "---\n"
        "flowchart TD\n"
        '  n0["<b>main</b> menu<br/>Say #34;1#34; #38; #60;2#62;; #35; or #42;"]\n'
        "  start((start)) --> n0\n"
        '  n1["<b>route</b> choose"]\n'
        '  n2["<b>pause</b> wait<br/>2 s"]\n'
        '  n3["<b>keep</b> set<br/>a = 1, b = x"]\n'
        '  n4(["<b>end</b> hang_up"])\n'
        '  n0 -->|"1"| n1\n'
        '  n0 -->|"2, no input, no match"| n4\n'
        '  n0 -->|"#42;"| n0\n'
        '  n1 -->|"a #62; 1"| n2\n'
        '  n1 -->|"otherwise"| n4\n'
        "  n2 --> n3\n"
        "  n3 --> n4\n"
        "  classDef ends fill:#fde8e8,stroke:#b42318\n"
        "  class n4 ends\n"
    )


@pytest.mark.parametrize("prompt", ['"] --> x["', "`code`", "<script>", "a\nb", "end", "1. first", "x --> y"])
def test_no_prompt_ends_its_own_quotes(prompt):
    flow = Flow.model_validate({"flow": "x", "start": "a", "nodes": {"a": {"hang_up": prompt}}})
    [line] = [line for line in mermaid(graph_of(flow)).splitlines() if line.startswith("  n0(")]
    assert re.fullmatch(r'  n0\(\["<b>a</b> hang_up<br/>[^"<`]*"\]\)', line)


def test_the_escape_key_is_drawn_where_it_leads_out():
    flow = Flow.model_validate(
        {
            "flow": "test",
            "start": "menu",
            "escape": {"key": "0", "then": "bye"},
            "nodes": {
                "menu": {"menu": "Number?", "choices": {1: "number", 2: "own"}},
                "own": {"menu": "Zero?", "choices": {0: "menu"}},
                "number": {"collect": "Number?", "into": "number", "digits": {"min": 4}, "then": "one"},
                "one": {"collect": "One key?", "into": "key", "then": "bye"},
                "bye": {"hang_up": None},
            },
        }
    )
    escaping = {arrow.source for arrow in graph_of(flow).arrows if "0" in arrow.label and arrow.target == "bye"}
    assert escaping == {"menu", "number"}
