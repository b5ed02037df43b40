"""The pages about deployments name what exists."""

import re

import pytest
from support.deployment import ROOT
from typer.testing import CliRunner

from telebridge.cli.main import app

PAGES = [*sorted((ROOT / "docs" / "deploy").glob("*.md")), ROOT / "docs" / "proxies.md"]
NAMED = re.compile(r"(?<![\w/.-])(?:config|docs|tests|scripts)/[\w./-]*\w")
COMMAND = re.compile(r"(?<![\w/.])telebridge ((?:database|campaign|doctor|serve)(?: do-not-call)?(?: [a-z]+)?)\b")
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


def anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_link_leads_somewhere(page):
    text = page.read_text()
    assert [path for path in NAMED.findall(text) if not (ROOT / path).exists()] == []
    for target, anchor in LINK.findall(text):
        led = (page.parent / target).resolve() if target else page
        assert led.exists(), target
        assert not anchor or anchor in anchors(led.read_text()), anchor


@pytest.mark.parametrize("words", sorted({words for page in PAGES for words in COMMAND.findall(page.read_text())}))
def test_every_command_exists(words):
    done = CliRunner().invoke(app, [*words.split(), "--help"])
    assert done.exit_code == 0, done.output
