"""docs/faults.md says what the tests of faults say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date():
    program = ROOT / "tests" / "support" / "write_faults.py"
    done = subprocess.run([sys.executable, program, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
