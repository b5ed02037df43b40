"""The page about flows holds examples that load, and names every verb and field."""

import re
from pathlib import Path

import pytest

from telebridge.flows.loading import check_flow
from telebridge.flows.model import NODES, Case, Digits, Flow, NoInput, NoMatch, fields_of

PAGE = (Path(__file__).parent.parent.parent / "docs" / "flows.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_every_example_is_a_flow_without_mistakes(tmp_path, example):
    path = tmp_path / "example.yaml"
    path.write_text(example)
    assert [str(error) for error in check_flow(path)] == []


@pytest.mark.parametrize(
    "kind", [Flow, *NODES.values(), NoInput, NoMatch, Digits, Case], ids=lambda kind: kind.__name__
)
def test_every_field_is_in_an_example(kind):
    shown = "\n".join(EXAMPLES)
    assert [field for field in fields_of(kind) if not re.search(rf"\b{field}:", shown)] == []


@pytest.mark.parametrize("verb", NODES)
def test_every_verb_has_a_part_of_the_page(verb):
    assert f"\n## {verb}\n" in PAGE
