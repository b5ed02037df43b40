"""What stands in `config/deploy`: units of systemd, a compose file, manifests of Kubernetes."""

import re
from pathlib import Path

import yaml

from telebridge.cli.process.stopping import CLOSE_SECONDS
from telebridge.cli.process.supervisor import KILL_SECONDS
from telebridge.settings.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "config" / "deploy"
AFTER_DRAINING = CLOSE_SECONDS + KILL_SECONDS


def unit_entries(text):
    """The keys and values of a unit in their order; a key may stand more than once."""
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "["))]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def environment_file(text):
    """The variables that a file of NAME=value sets, also those behind a `# ` that shows how."""
    return dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$", text, re.MULTILINE))


def settings_of(monkeypatch, variables):
    """The settings of a process that has these variables and no others."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings()


def documents(path):
    """The documents of a YAML file."""
    return [one for one in yaml.safe_load_all(path.read_text()) if one]
