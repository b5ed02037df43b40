"""The program as its users start it, in processes of its own."""

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

from support.forked_command import run_command

ROOT = Path(__file__).parent.parent.parent


def environment(**variables):
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("TELEBRIDGE_", "RIME_", "TWILIO_"))
    }
    return {**kept, "COLUMNS": "120", "NO_COLOR": "1", "TELEBRIDGE_STATE_DIR": "/nonexistent/unused", **variables}


def telebridge(*arguments, cwd=ROOT, text=None, **variables):
    return run_command(arguments, cwd=cwd, env=environment(**variables), text=text)


def failed(done):
    """The one line of an error."""
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if line]
    return done.returncode, line


class Serving:
    """A server in a process of its own, stopped as an operator stops it; it may have so many file descriptors."""

    def __init__(self, *arguments, descriptors=None, **variables):
        def bound():
            if descriptors is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [sys.executable, "-m", "telebridge", *arguments],
            cwd=ROOT,
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=bound,
        )

    def __enter__(self):
        self.line = self.process.stdout.readline()
        self.url = re.search(r"listens on (\S+)", self.line).group(1)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.errors = self.process.communicate(timeout=20)[1]
        assert self.process.returncode == 0, self.errors


def children(pid):
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
