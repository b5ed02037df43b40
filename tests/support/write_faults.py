"""Writes docs/faults.md; run by `scripts/faults`. With --check: exit code 1 when the page is not up to date."""

import contextlib
import io
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.faults import Collected, page  # noqa: E402 - pytest adds tests/ to the path by itself, this program does not


def main(arguments):
    collected = Collected()
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet):
        code = pytest.main(
            ["--collect-only", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "faults")], [collected]
        )
    if code:
        sys.stderr.write(quiet.getvalue())
        return 1
    if collected.without:
        sys.stderr.write("".join(f"{test}: carries no @fault(...)\n" for test in collected.without))
        return 1
    file, text = ROOT / "docs" / "faults.md", page(collected)
    if "--check" in arguments:
        if file.exists() and file.read_text() == text:
            return 0
        sys.stderr.write("docs/faults.md is not what tests/faults say: run scripts/faults\n")
        return 1
    file.write_text(text)
    sys.stdout.write(f"docs/faults.md: {len(collected.faults)} faults\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
