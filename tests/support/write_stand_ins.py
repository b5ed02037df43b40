"""Writes the tables of docs/stand-ins.md; run by `scripts/stand-ins`.

With --check: exit code 1 when they are not current.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.stand_ins import PAGE, page  # noqa: E402 - pytest adds tests/ to the path by itself, this program does not


def main(arguments):
    text = PAGE.read_text()
    current = page(text)
    if current == text:
        return 0
    if "--check" in arguments:
        sys.stderr.write("docs/stand-ins.md is not what the local Twilio does: run scripts/stand-ins\n")
        return 1
    PAGE.write_text(current)
    sys.stdout.write("docs/stand-ins.md: written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
