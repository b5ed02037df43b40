"""What commands print on standard output."""

import sys


def print_line(line: str) -> None:
    """Print a line and flush it, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
