"""Faults, and the page that is made of them.

Every test in `tests/faults` carries `@fault(...)`, or each of its parameters does: what goes wrong, what the caller
hears, what the operator sees, and what is never lost. A test elsewhere carries it where it shows such a fault handled.
`scripts/faults` writes these lines to `docs/faults.md`.
"""

import ast
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

HEAD = """# Faults

What happens when something goes wrong: what the caller hears, what the operator sees (log line, metric, record or
answer), and what is never lost. Each row is a test that carries `@fault`, in `tests/faults` or beside what it is about;
`scripts/faults` writes this page from them. What nobody has imagined yet is looked for by `scripts/fuzz` (see
[testing](testing.md)).
"""

TESTS = Path(__file__).parents[1]
AREAS = {
    "faults": "",
    "end_to_end": "Whole calls: Twilio, Rime and processes on a bad day",
    "rime": "Rime's connections: what comes over them, and what does not",
    "speech": "Providers of speech, one after the other",
    "server": "What comes to the server: webhooks, callbacks, requests",
    "call": "Live calls: their processes, flows, files and database",
    "campaigns": "Campaigns: Twilio's answers, lists, receivers of events",
    "app": "Starting: settings, folders, the database",
    "database": "Starting: settings, folders, the database",
    "settings": "Starting: settings, folders, the database",
    "": "Starting: settings, folders, the database",
}
"""Titles for tests by their folder; a file of `tests/faults` has its own, the first line of its docstring."""


@dataclass(frozen=True)
class Fault:
    """One row of the page, under a title; `file` is the test file's path below `tests`, `test` the test's name."""

    title: str
    file: str
    test: str
    happens: str
    caller: str
    operator: str
    kept: str


def fault(happens, *, caller, operator, kept):
    """Mark a test, or a `pytest.param(..., marks=...)` of one, as what shows that a fault is handled.

    Args:
        happens: The fault, as a sentence.
        caller: What the caller hears.
        operator: What the operator sees.
        kept: What is never lost.
    """
    return pytest.mark.fault(happens, caller=caller, operator=operator, kept=kept)


def title_of(tree, file):
    """The title that a file's rows stand under."""
    folder = file.parts[0] if len(file.parts) > 1 else ""
    return AREAS[folder] or (ast.get_docstring(tree) or file.name).splitlines()[0].rstrip(".")


class Collected:
    """The faults of all tests, read from their source: to import them all would take half a minute.

    Attributes:
        faults: The rows, each once.
        without: The tests of `tests/faults` that have none.
        twice: The faults that stand in two rows.

    An argument of a `fault` is a literal, or an f-string of literals that the file itself names.
    """

    def __init__(self, folder=TESTS):
        self.faults, self.without, self.twice = [], [], []
        for path in sorted(folder.rglob("test_*.py")):
            text, file = path.read_text(encoding="utf-8"), path.relative_to(folder)
            if file.parts[0] == "faults" or "import fault" in text:
                self._read(ast.parse(text), file)
        happenings = [row.happens for row in self.faults]
        self.twice = [happens for happens, times in Counter(happenings).items() if times > 1]

    def _read(self, tree, file):
        known = {
            target.id: each.value.value
            for each in tree.body
            if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
            for target in each.targets
            if isinstance(target, ast.Name)
        }
        for test in ast.walk(tree):
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) and test.name.startswith("test_"):
                rows = [call for each in test.decorator_list for call in ast.walk(each) if _is_fault(call)]
                if not rows and file.parts[0] == "faults" and file.name != "test_page.py":
                    self.without.append(f"{file}::{test.name}")
                for call in rows:
                    given = {word.arg: _value(word.value, known) for word in call.keywords}
                    happens = _value(call.args[0], known)
                    self.faults.append(Fault(title_of(tree, file), str(file), test.name, happens, **given))


def _value(node, known):
    return eval(compile(ast.Expression(node), "fault", "eval"), {}, known)  # a test's own source


def _is_fault(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fault"


def page(collected):
    """The text of docs/faults.md."""
    parts = [HEAD]
    for title in sorted({each.title for each in collected.faults}):
        parts.append(f"\n## {title}\n\n| fault | the caller hears | the operator sees | never lost |")
        parts.append("\n|---|---|---|---|\n")
        parts += [
            "| " + " | ".join(cell.replace("|", "\\|") for cell in (f.happens, f.caller, f.operator, f.kept)) + " |\n"
            for f in collected.faults
            if f.title == title
        ]
    parts.append(f"\n{len(collected.faults)} faults.\n")
    return "".join(parts)
