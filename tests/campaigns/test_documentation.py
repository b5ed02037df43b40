"""The page about campaign files holds examples that load, and shows every key."""

import re
from pathlib import Path

import pytest

from telebridge.campaigns.definition.loading import load_campaign, parse_file
from telebridge.campaigns.definition.model import (
    PARTS,
    CampaignDefinition,
    ColumnTable,
    keys_of,
)
from telebridge.campaigns.importing.row import LONGEST_CELL

PAGE = (Path(__file__).parent.parent.parent / "docs" / "campaign-files.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_every_example_is_a_campaign_without_mistakes(tmp_path, example):
    path = tmp_path / "example.toml"
    path.write_text(example)
    assert [str(error) for error in parse_file(path)[1]] == []


@pytest.mark.parametrize("kind", [CampaignDefinition, *PARTS.values()], ids=lambda kind: kind.__name__)
def test_every_key_is_in_an_example(kind):
    shown = "\n".join(EXAMPLES)
    named = [key for key in keys_of(kind) if not re.search(rf"(^|[\[{{ ,]){key}( =|\])", shown, re.MULTILINE)]
    assert named == []


def test_every_column_is_in_the_table():
    assert [name for name in keys_of(ColumnTable) if f"`{name}`" not in PAGE] == []


def test_what_holds_without_a_key_is_what_the_page_says(tmp_path):
    path = tmp_path / "least.toml"
    path.write_text(EXAMPLES[0])
    least = load_campaign(path)
    shown = dict(re.findall(r"^(\w+) = .*\(([\w.]+)\)$", "\n".join(EXAMPLES), re.MULTILINE))
    assert len(shown) >= 10
    assert {key: str(getattr(least, key)) for key in shown} == {
        key: str(float(value)) if isinstance(getattr(least, key), float) else value for key, value in shown.items()
    }


def test_the_retries_that_are_shown_are_those_that_hold_without_the_key(tmp_path):
    example = next(text for text in EXAMPLES if "[retry]" in text)
    path = tmp_path / "again.toml"
    path.write_text(example)
    assert load_campaign(path).retry == CampaignDefinition.model_fields["retry"].default


def test_the_longest_cell_is_the_one_that_is_told():
    assert f"{LONGEST_CELL:,} characters" in PAGE
