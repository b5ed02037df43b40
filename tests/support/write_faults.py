"""Writes docs/faults.md; run by `scripts/faults`. With --check: exit code 1 when the page is not up to date."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.faults import Collected, page  # noqa: E402 - pytest adds tests/ to the path by itself, this program does not


def main(arguments):
    collected = Collected()
    if collected.without:
        sys.stderr.write("".join(f"{test}: carries no @fault(...)\n" for test in collected.without))
        return 1
    if collected.twice:
        sys.stderr.write("".join(f"two rows say the same: {happens}\n" for happens in collected.twice))
        return 1
    file, text = ROOT / "docs" / "faults.md", page(collected)
    if "--check" in arguments:
        if file.exists() and file.read_text() == text:
            return 0
        sys.stderr.write("docs/faults.md is not what the tests say: run scripts/faults\n")
        return 1
    file.write_text(text)
    sys.stdout.write(f"docs/faults.md: {len(collected.faults)} faults\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
