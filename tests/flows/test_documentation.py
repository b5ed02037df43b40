"""The page about flows holds examples that load, and names every verb and field."""

import re
from pathlib import Path

import pytest

from telebridge.flows.loading import check_flow
from telebridge.flows.model import NODES, fields_of, parts
from telebridge.flows.schema import markdown_table

PAGE = (Path(__file__).parent.parent.parent / "docs" / "flows.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_every_example_is_a_flow_without_mistakes(tmp_path, example):
    path = tmp_path / "example.yaml"
    path.write_text(example)
    assert [str(error) for error in check_flow(path)] == []


@pytest.mark.parametrize("part", parts())
def test_every_field_is_in_an_example(part):
    shown = "\n".join(EXAMPLES)
    assert [field for field in fields_of(parts()[part]) if not re.search(rf"\b{field}:", shown)] == []


@pytest.mark.parametrize("part", parts())
def test_every_part_has_its_table(part):
    assert markdown_table(part) in PAGE, f"paste it anew: telebridge flow fields {part} --markdown"


@pytest.mark.parametrize("verb", NODES)
def test_every_verb_has_a_part_of_the_page(verb):
    assert f"\n## {verb}\n" in PAGE


@pytest.mark.parametrize("verb", NODES)
def test_every_verb_has_an_example_of_its_own(verb):
    section = PAGE.split(f"\n## {verb}\n")[1].split("\n## ")[0]
    assert re.search(rf"```yaml\n.*\b{verb}:.*```", section, re.DOTALL)
