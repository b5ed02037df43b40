"""Faults, and the page that is made of them.

Every test in `tests/faults` carries `@fault(...)`, or each of its parameters does: what goes wrong, what the caller
hears, what the operator sees, and what is never lost. `scripts/faults` writes these lines to `docs/faults.md`.
"""

from dataclasses import dataclass

import pytest

HEAD = """# Faults

What happens when something goes wrong: what the caller hears, what the operator sees (log line, metric, record or
answer), and what is never lost. Each row is a test in `tests/faults`; `scripts/faults` writes this page from them.
"""


@dataclass(frozen=True)
class Fault:
    """One row of the page; `file` is the test file's name, `test` the test's."""

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


class Collected:
    """A pytest plugin that keeps the faults of the tests that were collected, and the tests that have none."""

    def __init__(self):
        self.faults = []
        self.titles = {}
        self.without = []

    def pytest_collection_modifyitems(self, items):
        seen = set()
        for item in items:
            marks = list(item.iter_markers("fault"))
            file = item.path.name
            self.titles.setdefault(file, (item.module.__doc__ or file).strip().splitlines()[0].rstrip("."))
            if not marks and file != "test_page.py":
                self.without.append(item.nodeid)
            for mark in marks[:1]:
                row = Fault(file, item.originalname, *mark.args, **mark.kwargs)
                if row not in seen:
                    seen.add(row)
                    self.faults.append(row)


def page(collected):
    """The text of docs/faults.md."""
    parts = [HEAD]
    for file in sorted({each.file for each in collected.faults}):
        parts.append(f"\n## {collected.titles[file]}\n\n| fault | the caller hears | the operator sees | never lost |")
        parts.append("\n|---|---|---|---|\n")
        parts += [
            "| " + " | ".join(cell.replace("|", "\\|") for cell in (f.happens, f.caller, f.operator, f.kept)) + " |\n"
            for f in collected.faults
            if f.file == file
        ]
    parts.append(f"\n{len(collected.faults)} faults.\n")
    return "".join(parts)
