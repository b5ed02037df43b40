"""The servers that are measured, each a process of its own on one core; and the Rime that speaks for them."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from machine import bridge_settings, running

from live.processes import family, pin
from telebridge.errors import TelebridgeError
from telebridge.simulator.setup.options import AUTH_TOKEN

PROMPT = (
    "Thank you for calling the town library, where every reader is welcome on every day of the week from nine in the "
    "morning until eight in the evening and where all that you have borrowed can be kept for as long as nobody else "
    "has asked"
)
"""225 characters without a full stop, which is one synthesis of 15 seconds."""
FIRST_PROMPT = PROMPT.replace("town", "city")
"""The same for the first prompt of a call, by which the beginnings of calls are counted."""
PROMPTS = 600
"""More than any call hears: a flow whose silent caller goes round for ever is refused."""


@dataclass(frozen=True)
class Rime:
    """A Rime that listens on a port of this machine."""

    port: int

    @property
    def url(self) -> str:
        """Where telebridge connects."""
        return f"ws://127.0.0.1:{self.port}"

    def first_prompts(self) -> int:
        """How many first prompts of calls it was asked to speak so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as answer:
            return sum(times for text, times in json.load(answer).items() if FIRST_PROMPT in text)


@dataclass(frozen=True)
class Server:
    """A server that listens.

    Args:
        name: What it is called in the figures.
        pid: Its process.
        url: Where it listens.
        webhook: Whether it answers Twilio's webhooks.
        auth_token: The token that webhooks are signed with.
        paced: Whether it sends audio as fast as it is played.
    """

    name: str
    pid: int
    url: str
    webhook: bool = False
    auth_token: str = ""
    paced: bool = False


@contextmanager
def thinnest(core: int) -> Iterator[Server]:
    """The thinnest aiohttp server."""
    with _module("live.thinnest") as (pid, port):
        pin(pid, core)
        yield Server("thinnest", pid, f"http://127.0.0.1:{port}")


@contextmanager
def pipecat(core: int, rime: Rime, python: str) -> Iterator[Server]:
    """Pipecat's usual pipeline for Twilio, by a Python that has pipecat."""
    with _module("live.pipecat_server", rime.url, PROMPT, python=python) as (pid, port):
        pin(pid, core)
        yield Server("pipecat", pid, f"http://127.0.0.1:{port}", paced=True)


@contextmanager
def bridge(
    core: int, rime: Rime, *, python: str = sys.executable, workers: Sequence[int] = (), **settings: str
) -> Iterator[Server]:
    """`telebridge serve` as it is by default, but that no prompt is kept; the telebridge of this Python.

    With `workers` there are as many, each on the core that is named.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench.yaml").write_text(flow())
        settings = {
            **bridge_settings(folder),
            "RIME_API_KEY": "bench",
            "TELEBRIDGE_RIME__URL": rime.url,
            "TELEBRIDGE_PROMPTS__ENABLED": "false",
            "TELEBRIDGE_SERVER__DRAIN_SECONDS": "1",
            **settings,
        }
        several = ("--workers", str(len(workers))) if workers else ()
        with running("serve", "--port", "0", *several, python=python, **settings) as (process, url):
            pin(process.pid, core)
            for pid, each in zip(family(process.pid)[1:], workers, strict=bool(workers)):
                pin(pid, each)
            yield Server("telebridge", process.pid, url, webhook=True, auth_token=AUTH_TOKEN)


@contextmanager
def rime(voice: Path, *, chunk_ms: int) -> Iterator[Rime]:
    """A Rime on this process's cores that sends four times as fast as audio plays."""
    with _module("live.fake_rime", str(voice), "--chunk-ms", str(chunk_ms)) as (_, port):
        yield Rime(port)


def flow() -> str:
    """One prompt after another."""
    texts = [FIRST_PROMPT, *[PROMPT] * (PROMPTS - 1)]
    nodes = "".join(f'  p{each}: {{say: "{text}.", then: p{each + 1}}}\n' for each, text in enumerate(texts))
    return f"flow: bench\nstart: p0\nnodes:\n{nodes}  p{PROMPTS}: {{hang_up: null}}\n"


def module(name: str, *arguments: str, python: str = sys.executable) -> list[str]:
    """What runs one of these modules, in the environment `environment()`."""
    return [python, "-m", name, *arguments]


def environment() -> dict[str, str]:
    """An environment in which these modules are found."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}


@contextmanager
def _module(name: str, *arguments: str, python: str = sys.executable) -> Iterator[tuple[int, int]]:
    """A module that prints its port; gives its process id and the port."""
    command = module(name, *arguments, python=python)
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline()
        if not port:
            raise TelebridgeError(f"{python} could not run {name}; it says above why")
        yield process.pid, int(port)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
