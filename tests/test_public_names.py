"""Everything that a flow in Python needs is imported from `telebridge`."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import telebridge
from telebridge import Call

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("name", telebridge.__all__)
def test_a_public_name_is_there_and_shown(name):
    assert getattr(telebridge, name).__name__ == name
    assert name in dir(telebridge)


def test_every_public_name_has_one_source():
    sources = [name for names in telebridge._SOURCES.values() for name in names]
    assert sorted(sources) == sorted(telebridge.__all__) == telebridge.__all__


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'telebridge' has no attribute 'Brigde'"):
        telebridge.Brigde  # noqa: B018


def test_to_import_the_package_imports_nothing_heavy():
    code = "import sys, telebridge; dir(telebridge); print([name for name in sys.modules if 'telebridge.' in name])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_a_call_shows_is_what_an_application_may_use():
    assert {name for name in vars(Call) if not name.startswith("_")} == {
        *(
            "say",
            "ask",
            "collect",
            "listen",
            "play",
            "play_file",
            "record",
            "transfer",
            "enqueue",
            "send_sms",
            "send_digits",
            "caller_audio",
            "turns",
        ),
        *("checkpoint", "opt_out", "call_back", "hang_up"),
    }


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "python").glob("*.py")), ids=lambda path: path.name)
def test_the_examples_import_from_the_package_alone(path):
    imports = [node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    assert [module for module in imports if module.startswith("telebridge.")] == []


def test_the_page_names_every_public_name():
    page = (ROOT / "docs" / "python-flows.md").read_text()
    assert set(telebridge.__all__) - set(re.findall(r"`(\w+)`", page)) == set()
