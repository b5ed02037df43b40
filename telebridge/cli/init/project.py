"""The files of a new project, each made from the one bundled file that holds its text.

One rule: a text is changed only where the project's folders differ from those of the source, and a change that finds
nothing to change is a mistake of ours.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from telebridge.bundled import BUNDLED
from telebridge.flows.schema import flow_schema


class Kind(StrEnum):
    """What a project begins with."""

    FRONT_DESK = "front-desk"
    PHARMACY = "pharmacy"
    CAMPAIGN = "campaign"
    PYTHON = "python"


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file of a project.

    Args:
        path: Its place in the project.
        text: Its text.
        meaning: What it is, for people.
    """

    path: str
    text: str
    meaning: str


SETTINGS = "telebridge.toml"
SCHEMA = "flow.schema.json"
APP = "front_desk:bridge"

FLOWS = {
    Kind.FRONT_DESK: ("front-desk",),
    Kind.PHARMACY: ("pharmacy-refill",),
    Kind.CAMPAIGN: ("front-desk", "reminder"),
    Kind.PYTHON: (),
}
"""The flow files of each kind; the first one answers calls."""

SCENARIOS = {
    Kind.FRONT_DESK: ("opening-hours", "flows/front-desk.yaml"),
    Kind.PHARMACY: ("pharmacist", "flows/pharmacy-refill.yaml"),
    Kind.CAMPAIGN: ("opening-hours", "flows/front-desk.yaml"),
    Kind.PYTHON: ("opening-hours", "front_desk.py:bridge"),
}
"""The scenario file of each kind, and what answers in it."""

TESTS = {
    Kind.FRONT_DESK: "test_front_desk.py",
    Kind.PHARMACY: "test_pharmacy_refill.py",
    Kind.CAMPAIGN: "test_reminder.py",
    Kind.PYTHON: "test_python_front_desk.py",
}


def project_files(kind: Kind) -> list[ProjectFile]:
    """Return the files of a project of this kind, in the order in which a person looks at them."""
    flows = FLOWS[kind]
    return [
        ProjectFile(SETTINGS, _settings(kind), "settings"),
        *_flow_files(flows),
        *_own_files(kind),
        ProjectFile(f"tests/{TESTS[kind]}", _bundled(f"project/{TESTS[kind]}"), "tests of it, without a call"),
        _scenario_file(kind),
        ProjectFile("tests/conftest.py", _bundled("project/conftest.py"), "what the tests share"),
        ProjectFile(".gitignore", _bundled("project/gitignore"), "what does not belong in a repository"),
        *_server_files(kind),
    ]


def first_steps(kind: Kind) -> list[tuple[str, str]]:
    """Return the commands to begin with, each with what it does."""
    trying = "front-desk" if kind is Kind.PYTHON else f"flows/{FLOWS[kind][-1]}.yaml"
    needs = " --set name=Jane --set appointment='Monday at ten'" if kind is Kind.CAMPAIGN else ""
    campaign = "telebridge campaign preflight campaigns/reminders.toml --contacts campaigns/reminders.csv"
    return [
        ("telebridge demo", "a whole call on this machine"),
        (f"telebridge flow try {trying}{needs}", "read what is said, type keys"),
        *([(campaign, "whom it would call, and when")] if kind is Kind.CAMPAIGN else []),
        ("telebridge test", "the call of tests/*.call.yaml"),
        ("pip install pytest && pytest", "the tests"),
        ("telebridge doctor", "what a real number needs"),
        ("telebridge serve", "answer calls"),
    ]


def _settings(kind: Kind) -> str:
    changes = [('flows_dir = "config/flows"', 'flows_dir = "flows"')]
    if kind is Kind.PYTHON:
        changes.append(('app = ""', f'app = "{APP}"'))
    else:
        changes.append(('default_flow = "front-desk"', f'default_flow = "{FLOWS[kind][0]}"'))
    return _changed(_bundled("telebridge.toml"), changes)


def _flow_files(names: tuple[str, ...]) -> Iterator[ProjectFile]:
    for name in names:
        changes = [("$schema=../../docs/flow.schema.json", f"$schema={SCHEMA}")]
        if name == "reminder":
            changes.append(("config/campaigns/", "campaigns/"))
        yield ProjectFile(f"flows/{name}.yaml", _changed(_bundled(f"flows/{name}.yaml"), changes), "a flow")
    if names:
        schema = json.dumps(flow_schema(), indent=2, ensure_ascii=False) + "\n"
        yield ProjectFile(f"flows/{SCHEMA}", schema, "what an editor completes and checks flows by")


def _own_files(kind: Kind) -> Iterator[ProjectFile]:
    if kind is Kind.CAMPAIGN:
        yield ProjectFile("campaigns/reminders.toml", _bundled("campaigns/reminders.toml"), "a campaign")
        yield ProjectFile("campaigns/reminders.csv", _bundled("campaigns/reminders.csv"), "people who do not exist")
    if kind is Kind.PYTHON:
        changes = [("config.python.front_desk:bridge", APP), ("of config/flows/front-desk.yaml, written", "written")]
        yield ProjectFile("front_desk.py", _changed(_bundled("python/front_desk.py"), changes), "a flow in Python")


def _scenario_file(kind: Kind) -> ProjectFile:
    name, answers = SCENARIOS[kind]
    text = _changed(_bundled(f"project/{name}.call.yaml"), [("call: flow.yaml", f"call: ../{answers}")])
    return ProjectFile(f"tests/{name}.call.yaml", text, "a call to it that is checked")


def _server_files(kind: Kind) -> Iterator[ProjectFile]:
    """What runs the project on a server: systemd, or containers."""
    unit = "deploy/systemd/telebridge.service"
    # Python flows are imported from the working directory.
    changes = [("WorkingDirectory=/var/lib/", "WorkingDirectory=/etc/")] if kind is Kind.PYTHON else []
    yield ProjectFile(unit, _changed(_bundled(unit), changes), "a unit of systemd")
    yield _copied("deploy/systemd/environment", "its variables")
    compose = "deploy/compose/compose.yaml"
    changes = [("build: ../../..", "build: ../..")]
    yield ProjectFile(compose, _changed(_bundled(compose), changes), "containers, with PostgreSQL and Caddy")
    yield _copied("deploy/compose/Caddyfile", "its settings for Caddy")
    yield _copied("deploy/compose/.env.example", "their variables")
    yield ProjectFile("Dockerfile", _bundled("project/Dockerfile"), "the project in a container")
    yield ProjectFile(".dockerignore", _bundled("project/gitignore"), "what does not belong in it")


def _copied(path: str, meaning: str) -> ProjectFile:
    return ProjectFile(path, _bundled(path), meaning)


def _bundled(path: str) -> str:
    return (BUNDLED / path).read_text(encoding="utf-8")


def _changed(text: str, changes: list[tuple[str, str]]) -> str:
    for old, new in changes:
        if old not in text:
            raise LookupError(f"a bundled file has no '{old}' any more")
        text = text.replace(old, new)
    return text


def write(files: list[ProjectFile], folder: Path) -> Iterator[tuple[ProjectFile, bool]]:
    """Write the files into a folder, which is made if it does not exist; one that exists already is kept.

    Yields:
        Each file, and whether it was written.

    Raises:
        OSError: A file or folder cannot be written.
    """
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8", newline="\n") as written:
                written.write(file.text)
        except FileExistsError:
            yield file, False
        else:
            yield file, True
