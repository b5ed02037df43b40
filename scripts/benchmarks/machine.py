"""The machine that is measured on, and processes on it: where they run, what they use."""

import asyncio
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telebridge.simulator.setup.options import AUTH_TOKEN

HERE = Path(__file__).parent
ADDRESS = re.compile(r"(https?|wss?)://[^\s·]+")


def described() -> dict[str, object]:
    """What the figures depend on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {"cores": len(os.sched_getaffinity(0)), "cpu": model, "python": platform.python_version()}


@contextmanager
def running(
    *arguments: str, python: str = sys.executable, **settings: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """One of telebridge's servers in a process of its own, such as `serve --port 0`; gives the process and its address.

    The settings are added to this process's environment. The block is entered when the server listens.
    """
    process = subprocess.Popen(
        command(*arguments, python=python),
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process, ADDRESS.search(process.stdout.readline()).group()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()


def command(*arguments: str, python: str = sys.executable) -> list[str]:
    """What runs the telebridge of a Python with these arguments."""
    return [python, "-P", "-m", "telebridge", *arguments]  # -P: that of the Python, not that of this folder


def bridge_settings(folder: str | Path) -> dict[str, str]:
    """A bridge for the simulator's account, whose flow is `bench` in a folder where its state is kept, too."""
    return {
        "TELEBRIDGE_FLOWS_DIR": str(folder),
        "TELEBRIDGE_DEFAULT_FLOW": "bench",
        "TELEBRIDGE_STATE_DIR": str(folder),
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    }


@contextmanager
def whole_bridge(flow: str, **settings: str) -> Iterator[str]:
    """`telebridge serve` with its local voice and one flow, in a process of its own; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.yaml").write_text(flow)
        with running("serve", "--port", "0", **{**bridge_settings(folder), **settings}) as (_, url):
            yield url


async def watch_loop(late_ms: list[float]) -> None:
    """Note again and again how late the running event loop is; a generator that lags measures itself."""
    while True:
        due = asyncio.get_running_loop().time() + 0.01
        await asyncio.sleep(0.01)
        late_ms.append(max(0.0, asyncio.get_running_loop().time() - due) * 1000)
