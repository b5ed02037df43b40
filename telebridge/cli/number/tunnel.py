"""A public address for this machine: cloudflared or ngrok, as a program beside the bridge.

Follows cloudflared, "Quick tunnels" (the address is in a line of its log), and ngrok, "Agent logs" (`--log-format
json`).

One rule: the tunnel ends with the bridge, and the bridge says what the program said when it fails.
"""

import asyncio
import re
import shutil
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from telebridge.errors import ConfigurationError, TelebridgeError

START_SECONDS = 30.0
END_SECONDS = 3.0
SHOWN_LINES = 3


@dataclass(frozen=True, slots=True)
class TunnelProgram:
    """A program that makes tunnels.

    Args:
        name: On the PATH.
        arguments: What it is called with; `{port}` is the port of the bridge.
        address: Finds the public address in a line of its output.
    """

    name: str
    arguments: tuple[str, ...]
    address: re.Pattern[str]


PROGRAMS = (
    TunnelProgram(
        "cloudflared",
        ("tunnel", "--no-autoupdate", "--url", "http://127.0.0.1:{port}"),
        re.compile(r"(https://(?!api\.)[a-z0-9-]+\.trycloudflare\.com)"),
    ),
    TunnelProgram(
        "ngrok",
        ("http", "{port}", "--log", "stdout", "--log-format", "json"),
        re.compile(r'"url":\s*"(https://[^"]+)"'),
    ),
)
INSTALL = "install cloudflared (https://github.com/cloudflare/cloudflared) or ngrok (https://ngrok.com/download)"


@asynccontextmanager
async def open_tunnel(port: int, *, start_seconds: float = START_SECONDS) -> AsyncIterator[str]:
    """Run the first tunnel program that is installed, for as long as the block runs; the value is its address.

    Raises:
        ConfigurationError: None is installed, or the port is not fixed.
        TelebridgeError: It ended, or had no address in time.
    """
    if not port:
        raise ConfigurationError("--tunnel", "leads to a port that must be known before", "set server.port")
    program = next((each for each in PROGRAMS if shutil.which(each.name)), None)
    if program is None:
        names = " and ".join(each.name for each in PROGRAMS)
        raise ConfigurationError("--tunnel", f"neither {names} is on the PATH".replace(" and ", " nor "), INSTALL)
    arguments = (each.format(port=port) for each in program.arguments)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        program.name, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    reading: asyncio.Task[None] | None = None
    try:
        address = await _address(program, process, start_seconds)
        reading = asyncio.create_task(_read_on(process))
        yield address
    finally:
        if reading is not None:
            reading.cancel()
        await _end(process)


async def _address(program: TunnelProgram, process: asyncio.subprocess.Process, seconds: float) -> str:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    said: deque[str] = deque(maxlen=SHOWN_LINES)
    try:
        async with asyncio.timeout(seconds):
            async for line in process.stdout:
                text = line.decode(errors="replace").strip()
                said.append(text)
                if found := program.address.search(text):
                    return found[1]
            await process.wait()
    except TimeoutError:
        raise TelebridgeError(f"{program.name} had no address after {seconds:g} s: {' / '.join(said)}") from None
    raise TelebridgeError(f"{program.name} ended with {process.returncode}: {' / '.join(said)}")


async def _read_on(process: asyncio.subprocess.Process) -> None:
    """Read what the program goes on to say, so that it does not wait for a reader."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    async for _ in process.stdout:
        pass


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
