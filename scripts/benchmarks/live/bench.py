"""What every benchmark of live calls shares: two cores, a Rime, people who speak, and steps that are judged."""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from interruptions.human_speech import Recording, recordings
from machine import described

from live import servers
from live.servers import Rime, Server

SPEAKS_EVERY_SECONDS = 6.0
SPEECH_FRAMES = 70
FRAME_BYTES = 160
SETTLE_SECONDS = 4.0
ARRIVALS_A_SECOND = 25.0
READERS_A_SECOND = 200.0
"""How soon the callers of the thinnest server arrive, which has nothing to do for a new one."""
VOICE_SECONDS = 15
CHUNK_MS = 200
CHUNK_BAR_MS = 20.0
LATE_MS = 10.0
WAITED_SHARE = 0.05
"""A step that does not hold is not concluded from when the generator was later than this in one slot of a hundred, or
the server could not run for this part of the time because something else ran on its core. Both only ever harm a server:
a step that holds in spite of them counts."""
SPOKEN = re.compile(r'^telebridge_speech_providers_total\{outcome="([^"]*)",provider="([^"]*)"\} (\S+)$', re.MULTILINE)


ONE_CORE = {"concluded": False, "why": "one core for the server and one for the callers are needed"}


class OneCore(Exception):
    """The server and the callers cannot have a core each."""


@dataclass(frozen=True)
class Bench:
    """The cores, and the files that the generator and Rime read.

    Args:
        server_core: The core of a server that is measured.
        own_core: The core of everything else.
        speeches: A file of what callers say.
        voice: A file of what Rime says.
        rime: The Rime whose chunks are of `CHUNK_MS`.
        machine: What the figures depend on.
    """

    server_core: int
    own_core: int
    speeches: str
    voice: Path
    rime: Rime
    machine: dict[str, object]

    def load(self, server: Server, calls: int, *, seconds: float, silent: bool) -> dict[str, object]:
        """What the callers' process is told."""
        return {
            "pid": server.pid,
            "url": server.url,
            "calls": calls,
            "seconds": seconds,
            "settle_seconds": 1.0 if silent or server.name == "thinnest" else SETTLE_SECONDS,
            "arrivals_a_second": READERS_A_SECOND if server.name == "thinnest" else ARRIVALS_A_SECOND,
            "webhook": server.webhook,
            "auth_token": server.auth_token,
            "speeches": "" if silent else self.speeches,
            "every_seconds": SPEAKS_EVERY_SECONDS,
            "paced": server.paced,
        }

    def step(self, server: Server, calls: int, *, seconds: float, silent: bool = False) -> dict[str, object]:
        """Measure so many calls of a server, and judge whether it holds them."""
        step = generated("live.generator", self.load(server, calls, seconds=seconds, silent=silent))
        step["holds"] = _holds(step, silent=silent, first_only=server.paced)
        undisturbed = step["core_waited_for"] <= WAITED_SHARE or server.name == "thinnest"
        step["valid"] = step["holds"] or (step["generator_late_ms_p99"] <= LATE_MS and undisturbed)
        sys.stderr.write(f"{server.name} {json.dumps(step)}\n")
        return step


def generated(name: str, load: dict[str, object]) -> dict[str, object]:
    """What the callers' process saw."""
    done = subprocess.run(
        servers.module(name),
        env=servers.environment(),
        input=json.dumps(load).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def _holds(step: dict[str, object], *, silent: bool, first_only: bool) -> bool:
    wrong = ("refused", "underruns", "missed", "false", "closed")
    late = step["first_chunk_ms_p99" if first_only else "chunk_ms_p99"]
    heard = silent or step["interruptions"] > 0
    return bool(late < CHUNK_BAR_MS and step["chunks"] and heard and not any(step[name] for name in wrong))


@contextmanager
def opened() -> Iterator[Bench]:
    """Keep this process and those it starts on the second core, and let Rime listen there.

    Raises:
        OneCore: There is no second core.
    """
    cores, machine = sorted(os.sched_getaffinity(0)), described()
    if len(cores) < 2:
        raise OneCore
    os.sched_setaffinity(0, {cores[1]})
    try:
        with tempfile.TemporaryDirectory() as folder:
            voice, speeches = Path(folder) / "voice.ulaw", Path(folder) / "speeches.json"
            people = recordings(80)
            voice.write_bytes(_voice(people[1::2]))
            speeches.write_text(json.dumps([_speech(each) for each in people[::2]]))
            with servers.rime(voice, chunk_ms=CHUNK_MS) as rime:
                yield Bench(cores[0], cores[1], str(speeches), voice, rime, machine)
    finally:
        os.sched_setaffinity(0, set(cores))


def spoken_locally(server: Server) -> int:
    """How many utterances the local voice began in Rime's place."""
    found = SPOKEN.findall(metrics(server.url))
    return int(sum(float(count) for _, provider, count in found if provider == "local"))


def metrics(url: str) -> str:
    """The metrics of a bridge in Prometheus's text format."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        return answer.read().decode()


def _voice(people: Sequence[Recording]) -> bytes:
    """What prompts sound like: people who say one thing after another."""
    audio = b"".join(each.mulaw(0) for each in people)
    return audio[: VOICE_SECONDS * 8000]


def _speech(recording: Recording) -> dict[str, object]:
    audio = recording.mulaw(0)[: SPEECH_FRAMES * FRAME_BYTES]
    frames = [audio[start : start + FRAME_BYTES] for start in range(0, len(audio) - FRAME_BYTES + 1, FRAME_BYTES)]
    return {
        "payloads": [b64encode(frame).decode() for frame in frames],
        "onset": recording.onset // FRAME_BYTES,
        "before_end": (FRAME_BYTES - recording.onset % FRAME_BYTES) / 8000,
    }
