"""The pages of the site: the tutorials' flows load, their commands exist, and every page is in the site's table."""

import re
from pathlib import Path

import pytest
import yaml

from telebridge.cli.main import COMMANDS
from telebridge.flows.loading import check_flow

ROOT = Path(__file__).parent.parent
OTHERS = ("index", "voicemail", "stand-ins", "rime-on-twilio", "how-to/tunnel", "how-to/upgrade")
PAGES = [*(ROOT / "docs" / f"{name}.md" for name in OTHERS), *sorted((ROOT / "docs" / "tutorials").glob("*.md"))]
SITE = (ROOT / "scripts" / "site" / "mkdocs.yml").read_text()


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_flows_of_a_page_have_no_mistakes(tmp_path, page):
    for number, flow in enumerate(blocks(page, "yaml")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(flow)
        assert [str(error) for error in check_flow(file)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_exist(page):
    typed = "\n".join(re.findall(r"^```\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE))
    named = set(re.findall(r"^telebridge ([a-z-]+)", typed, re.MULTILINE))
    assert named <= {command.name for command in COMMANDS}


def test_the_flow_of_the_voice_agent_registers():
    code, *_ = blocks(ROOT / "docs" / "tutorials" / "voice-agent.md", "python")
    names = {}
    exec(compile(code, "agent.py", "exec"), names)
    assert list(names["bridge"].flows) == ["agent"]


def test_every_page_is_in_the_table_of_the_site():
    listed = set(re.findall(r": (\S+\.md)$", SITE, re.MULTILINE))
    there = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    written = {name for name in listed if name.startswith("reference/")}
    assert listed - written == there


def test_the_site_loads_nothing_of_others():
    settings = yaml.safe_load(SITE)
    assert settings["theme"]["font"] is False
    assert settings["plugins"] == ["search"]
    assert "analytics" not in settings["extra"]
