"""docs/architecture.md leads to what exists: its diagrams are those of the tables, its names are those of the code."""

import ast
import importlib.util
import re
import tomllib
from enum import Enum
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "telebridge"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

NAMED = re.compile(r"(?<![\w/.])((?:[a-z_]+/)*[a-z_]+\.py)(?::([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))?")
CLASS = re.compile(r"`([A-Z][a-z]\w*[A-Z]\w*|[A-Z][a-z]+)(?:\.([a-z_]\w*))?(?:\(\))?`")
FOLDER = re.compile(r"`((?:[a-z_]+/)+)`")
PATH = re.compile(r"`((?:docs|tests|scripts|config)/[\w./-]*)`")
QUESTIONS = 20
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def names_in(body):
    """The names that the statements of a module or a class define, with the body of each class."""
    found = {}
    for node in body:
        match node:
            case ast.ClassDef(name=name, body=inner):
                found[name] = inner
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found[name] = []
            case ast.Assign(targets=targets):
                found |= {target.id: [] for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = []
    return found


def is_defined(path, dotted):
    body = tree(path).body
    for part in dotted.split("."):
        names = names_in(body)
        if part not in names:
            return False
        body = names[part]
    return True


def classes():
    """Every class of the package, with the bodies of all that have its name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(node.body)
    return found


def packages():
    return {
        f"{path.parent.relative_to(PACKAGE)}/"
        for path in PACKAGE.rglob("__init__.py")
        if path.parent != PACKAGE and any(other.name != "__init__.py" for other in path.parent.glob("*.py"))
    }


def section(title):
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("state_diagrams", ROOT / "scripts" / "state_diagrams.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_state_diagrams_are_those_of_the_tables(script):
    assert len(script.BLOCK.findall(PAGE)) >= 4
    assert script.drawn(PAGE) == PAGE, "draw them anew: scripts/diagrams"


class Light(Enum):
    RED = "red"
    GREEN = "green"
    DARK = "out of order"


class Change(Enum):
    SWITCH = "switch"
    FAIL = "fail"


def test_a_table_of_states_is_a_diagram_and_loops_are_named_beside_it(script):
    table = {
        (Light.RED, Change.SWITCH): Light.GREEN,
        (Light.GREEN, Change.SWITCH): Light.RED,
        (Light.RED, Change.FAIL): Light.DARK,
        (Light.GREEN, Change.FAIL): Light.DARK,
        (Light.DARK, Change.FAIL): Light.DARK,
    }
    assert script.picture(table).splitlines() == [
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> red",
        "    dark: out of order",
        "    red --> green: switch",
        "    green --> red: switch",
        "    red --> dark: fail",
        "    green --> dark: fail",
        "    dark --> [*]",
        "```",
        "",
        "Without effect: out of order: fail.",
    ]


def test_a_table_of_actions_is_a_matrix(script):
    table = {(Light.RED, Change.SWITCH): Change.SWITCH, (Light.DARK, Change.FAIL): Change.FAIL}
    assert script.picture(table).splitlines() == [
        "| | switch | fail |",
        "|---|---|---|",
        "| red | switch |  |",
        "| out of order |  | fail |",
    ]


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED.findall(PAGE))))
def test_every_file_and_every_function_on_the_page_exists(file, name):
    path = (ROOT if file.startswith(("tests/", "scripts/")) else PACKAGE) / file
    assert path.is_file()
    assert not name or is_defined(path, name)


@pytest.mark.slow
def test_every_class_on_the_page_exists():
    known = classes()
    named = set(CLASS.findall(PAGE))
    assert named
    assert sorted(name for name, _ in named if name not in known) == []
    methods = [(name, method) for name, method in named if method]
    assert [one for one in methods if not any(one[1] in names_in(body) for body in known[one[0]])] == []


def test_every_folder_and_path_on_the_page_exists():
    assert [
        folder for folder in FOLDER.findall(PAGE) if not (PACKAGE / folder).is_dir() and not (ROOT / folder).is_dir()
    ] == []
    assert [path for path in PATH.findall(PAGE) if not (ROOT / path).exists()] == []


def test_every_package_has_its_line_in_the_table_of_folders():
    listed = re.findall(r"^\| `([a-z_/]+/)` \|", section("Folders"), re.MULTILINE)
    assert sorted(listed) == sorted(packages())


def test_the_pure_packages_are_those_of_the_import_contract():
    [contract] = [one for one in CONTRACTS if "pure" in one["name"]]
    rows = re.findall(r"^\| `([a-z_/]+)/` \| (\w*) ?\|", section("Folders"), re.MULTILINE)
    modules = {folder: "telebridge." + folder.replace("/", ".") for folder, _ in rows}
    pure = {
        folder
        for folder, name in modules.items()
        if f"{name}.".startswith(tuple(f"{one}." for one in contract["source_modules"]))
    }
    assert {folder for folder, kind in rows if kind == "pure"} == pure


def test_the_layers_are_those_of_the_import_contract():
    [contract] = [one for one in CONTRACTS if one["type"] == "layers"]
    assert re.findall(r'\["([a-z_| ]+)"\]', section("Layers")) == contract["layers"]


def test_the_table_of_places_answers_many_questions_and_each_with_a_function():
    rows = [line for line in section("Where is X decided?").splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= QUESTIONS
    assert [row for row in rows if not any(name for _, name in NAMED.findall(row))] == []


@pytest.mark.parametrize(
    ("file", "name", "exists"),
    [
        ("errors.py", "FlowError", True),
        ("flows/interpreter.py", "FlowInterpreter.resume", True),
        ("flows/interpreter.py", "FlowInterpreter.nothing", False),
        ("flows/interpreter.py", "Nothing", False),
        ("flows/model.py", "NODES", True),
        ("flows/position.py", "FlowPosition.node", True),
    ],
)
def test_a_name_that_is_not_there_is_found(file, name, exists):
    assert is_defined(PACKAGE / file, name) is exists
