"""What the README promises exists."""

import re
import tomllib
from pathlib import Path

from telebridge.cli.main import COMMANDS
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def known_keys():
    """Every setting, dotted; tables of free keys by their name and a dot."""
    for name, field in Settings.model_fields.items():
        fields = getattr(field.annotation, "model_fields", None)
        yield from [name] if fields is None else (f"{name}.{key}" for key in fields)


def test_every_setting_of_the_table_exists_and_every_section_is_in_it():
    table = README[README.index("| key | default") :].partition("\n\n")[0]
    shown = {
        key.partition('."')[0]
        for row in table.splitlines()[2:]
        for key in re.findall(r"`([a-z_.\"+15…]+)`", row.split("|")[1])
    }
    assert shown - set(known_keys()) == set()
    missing = {key for key in known_keys() if not key.startswith("rime.")} - shown
    assert missing == set()


def test_the_flow_in_python_runs_as_it_is_printed():
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    assert list(names["bridge"].flows) == ["reminder"]


def test_every_command_it_names_exists():
    named = set(re.findall(r"[`/]telebridge ([a-z-]+)", README))
    assert named <= {command.name for command in COMMANDS}


def test_every_file_it_links_to_exists():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists()


def test_the_settings_file_that_comes_along_holds_the_defaults():
    written = load_settings(ROOT / "config" / "telebridge.toml")
    assert written == Settings()
    assert tomllib.loads((ROOT / "config" / "telebridge.toml").read_text())
