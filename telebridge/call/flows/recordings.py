"""Loads the recordings of `play`: files of the disk, and addresses of the web; both are kept in memory for a while.

One rule: what is kept is the audio as it is played. A file that has changed is read again, an address after
`KEPT_SECONDS`.
"""

import asyncio
from collections import OrderedDict
from pathlib import Path

from yarl import URL

from telebridge.call.flows.http_client import FlowHttpClient, WebRequestRefused
from telebridge.flows.checks.recordings import LARGEST_BYTES, read_recording, read_recording_file
from telebridge.flows.node_steps import WEB
from telebridge.outgoing.http_body import read_body

KEPT_BYTES = 64 << 20
KEPT_SECONDS = 300.0

State = tuple[float, ...]


class Recordings:
    """Loads recordings.

    Args:
        web: Fetches those of the web.
    """

    def __init__(self, web: FlowHttpClient) -> None:
        self._web = web
        self._kept: OrderedDict[str, tuple[State, bytes]] = OrderedDict()
        self._bytes = 0

    async def load(self, source: str) -> bytes:
        """The audio of a file or an address as mu-law at 8000 Hz.

        Raises:
            ValueError: It cannot be read, or cannot be played.
            aiohttp.ClientError, OSError: The address cannot be reached.
        """
        if source.startswith(WEB):
            return await self._from_web(source)
        return await asyncio.to_thread(self._from_file, Path(source))

    def _from_file(self, file: Path) -> bytes:
        """In a thread: two threads may read the same file at once, and both keep the same."""
        try:
            status = file.stat()
        except OSError as error:
            raise ValueError(f"'{file}' cannot be read ({error.strerror or error})") from error
        state: State = (status.st_mtime_ns, status.st_size)
        kept = self._kept.get(str(file))
        if kept is not None and kept[0] == state:
            return kept[1]
        try:
            audio = read_recording_file(file)
        except ValueError as error:
            raise ValueError(f"'{file}' {error}") from error
        self._keep(str(file), state, audio)
        return audio

    async def _from_web(self, address: str) -> bytes:
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(address)
        if kept is not None and now < kept[0][0]:
            return kept[1]
        try:
            answer = await self._web.send("GET", URL(address, encoded=True))
        except WebRequestRefused as error:
            raise ValueError(f"'{address}' {error}") from error
        async with answer:
            if answer.status != 200:
                raise ValueError(f"'{address}' answered {answer.status}")
            read = await read_body(answer, most_bytes=LARGEST_BYTES)
            if read is None:
                raise ValueError(f"'{address}' is larger than {LARGEST_BYTES >> 20} MiB")
        try:
            audio = await asyncio.to_thread(read_recording, read)
        except ValueError as error:
            raise ValueError(f"'{address}' {error}") from error
        self._keep(address, (now + KEPT_SECONDS,), audio)
        return audio

    def _keep(self, name: str, state: State, audio: bytes) -> None:
        before = self._kept.pop(name, None)
        self._bytes += len(audio) - (0 if before is None else len(before[1]))
        self._kept[name] = (state, audio)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._bytes -= len(oldest)
