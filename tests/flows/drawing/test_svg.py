"""The picture of a flow is well-formed whatever the flow says, and shows all of it."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.flows.drawing.graph import graph_of
from telebridge.flows.drawing.svg import svg
from telebridge.flows.loading import load_flow
from telebridge.flows.model import Flow

SVG = "{http://www.w3.org/2000/svg}"
FRONT_DESK = Path(__file__).parents[3] / "config" / "flows" / "front-desk.yaml"


def read(picture):
    root = ElementTree.fromstring(picture)
    return root, ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_every_node_and_every_label_is_shown():
    flow = load_flow(FRONT_DESK)
    root, texts = read(svg(graph_of(flow)))
    assert {text.split()[0] for text in texts} >= set(flow.nodes)
    assert "no input, no match" in texts
    assert "*" in texts, "also the way from a node to itself"
    assert "Thank you for calling {{ company }}." in " ".join(texts)
    paths = [path for path in root.iter(f"{SVG}path") if "arrow" in path.get("class", "")]
    assert len(paths) == 1 + len(graph_of(flow).arrows), "with the one to the first node"
    assert sum("back" in path.get("class") for path in paths) == 2


def test_start_and_ends_are_marked():
    root, _ = read(svg(graph_of(load_flow(FRONT_DESK))))
    marks = [rect.get("class", "").split() for rect in root.iter(f"{SVG}rect")]
    assert sum("start" in mark for mark in marks) == sum("end" in mark for mark in marks) == 1
    assert len(list(root.iter(f"{SVG}circle"))) == 1


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip))
def test_any_prompt_gives_a_picture_that_can_be_read(prompt):
    flow = Flow.model_validate({"flow": "x", "start": "a", "nodes": {"a": {"hang_up": prompt}}})
    root, _ = read(svg(graph_of(flow)))
    assert root.tag == f"{SVG}svg"


@pytest.mark.parametrize("prompt", ["</text><script>alert(1)</script>", "&amp; & <b>"])
def test_a_prompt_that_looks_like_markup_is_shown_as_it_is(prompt):
    flow = Flow.model_validate({"flow": "x", "start": "a", "nodes": {"a": {"hang_up": prompt}}})
    root, texts = read(svg(graph_of(flow)))
    assert " ".join(prompt.split()) in " ".join(texts)
    assert not list(root.iter(f"{SVG}script"))


def test_a_prompt_without_blanks_is_broken_into_lines():
    flow = Flow.model_validate({"flow": "x", "start": "a", "nodes": {"a": {"hang_up": "W" * 60}}})
    _, texts = read(svg(graph_of(flow)))
    assert texts[2:] == ["W" * 32, "W" * 28]
