"""Connections to Rime: opened, kept warm, handed out and retired.

This is a shell over `SparePool` and the `websockets` client. One rule: nobody waits for a connection to close.
"""

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from telebridge.errors import SpeechError, SpeechRejected, SpeechUnavailable
from telebridge.logs import logger
from telebridge.rime.parameters import RimeOptions
from telebridge.rime.pool import SparePool

log = logger(__name__)

LARGEST_MESSAGE_BYTES = 4 << 20
ADDRESSES = 8
KEEP_SECONDS = 120.0
CHECK_SECONDS = 1.0
CLOSE_SECONDS = 1.0
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
REFUSED = frozenset({400, 401, 402, 403, 404})


class Connections:
    """The connections of one Rime account, by address."""

    def __init__(self, options: RimeOptions) -> None:
        self._options = options
        self._pools: dict[str, SparePool[ClientConnection]] = {}
        self._openings: set[asyncio.Task[None]] = set()
        self._closings: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._always_warm = ""
        self._closed = False

    async def take(self, address: str, *, fresh: bool = False) -> ClientConnection:
        """A connection of one's own: a warm one, or one opened now.

        Args:
            address: With the parameters in its query.
            fresh: Not a spare: the last one turned out to be dead.

        Raises:
            SpeechError: None can be had.
        """
        pool = self._pool(address)
        while not fresh and (spare := pool.take(now=_now())) is not None:
            if spare.state is State.OPEN:
                self._refill()
                return spare
        self._refill()
        return await self._open(address)

    def give_back(self, address: str, connection: ClientConnection) -> None:
        """A connection that has nothing under way, for others to use."""
        if self._closed or connection.state is not State.OPEN or not self._pool(address).give(connection, now=_now()):
            self.retire(connection)

    def retire(self, connection: ClientConnection, farewell: str | None = None) -> None:
        """Close a connection in the background, after a last message that leaves at once."""
        if farewell is not None:
            _send_at_once(connection, farewell)
        _spawn(_close(connection), self._closings)

    def keep_warm(self, address: str) -> None:
        """Have spares of this address from now on, whether it is used or not."""
        if self._options.warm_sockets and not self._closed:
            former = self._pools.get(address)
            self._always_warm = address
            pool = self._pools[address] = self._new_pool(keep_seconds=None)
            for spare in former.all() if former is not None else []:
                pool.give(spare, now=_now())
            self._refill()

    async def aclose(self) -> None:
        """Close all that is idle, and wait for what is being closed."""
        self._closed = True
        ending = [*self._openings, *([] if self._keeper is None else [self._keeper])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        for pool in self._pools.values():
            for spare in pool.all():
                self.retire(spare)
        while self._closings:
            await asyncio.gather(*self._closings, return_exceptions=True)

    def _pool(self, address: str) -> SparePool[ClientConnection]:
        pool = self._pools.get(address)
        if pool is None:
            self._forget_unused()
            pool = self._pools[address] = self._new_pool(keep_seconds=KEEP_SECONDS)
        return pool

    def _new_pool(self, *, keep_seconds: float | None) -> SparePool[ClientConnection]:
        return SparePool(
            wanted=self._options.warm_sockets,
            max_idle_seconds=self._options.max_idle_seconds,
            keep_seconds=keep_seconds,
            jitter=random.random,
        )

    def _forget_unused(self) -> None:
        """Keep the number of addresses bounded: a voice used once is not kept warm for ever."""
        unused = [address for address, pool in self._pools.items() if not pool.is_kept(now=_now())]
        if not unused and len(self._pools) >= ADDRESSES:
            unused = [address for address in self._pools if address != self._always_warm][:1]
        for address in unused:
            for spare in self._pools.pop(address).all():
                self.retire(spare)

    def _refill(self) -> None:
        if self._closed:
            return
        for address, pool in self._pools.items():
            for _ in range(pool.missing(now=_now())):
                pool.opening()
                _spawn(self._open_spare(address, pool), self._openings)
        if self._keeper is None:
            self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        """Look after the spares while nobody asks: replace those that died or grew old."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for pool in self._pools.values():
                for spare in pool.worn_out(lambda spare: spare.state is State.OPEN, now=_now()):
                    self.retire(spare)
            self._refill()

    async def _open_spare(self, address: str, pool: SparePool[ClientConnection]) -> None:
        try:
            connection = await self._open(address)
        except SpeechError as error:
            seconds = pool.failed(now=_now(), slowed=error.status == 429)
            log.warning("no spare connection to Rime", error=str(error), next_attempt_seconds=round(seconds, 1))
            return
        pool.opened(connection, now=_now())
        if self._pools.get(address) is not pool or self._closed:
            for spare in pool.all():
                self.retire(spare)

    async def _open(self, address: str) -> ClientConnection:
        headers = {"Authorization": f"Bearer {self._options.api_key}"} if self._options.api_key else {}
        try:
            return await connect(
                address,
                additional_headers=headers,
                compression=None,
                max_size=LARGEST_MESSAGE_BYTES,
                open_timeout=self._options.connect_seconds,
                close_timeout=CLOSE_SECONDS,
                ping_interval=self._options.ping_seconds,
                proxy=None if urlsplit(address).hostname in LOCAL_HOSTS else True,
            )
        except InvalidStatus as error:
            raise _refusal(error.response.status_code, error.response.body) from error
        except TimeoutError as error:
            raise SpeechUnavailable(f"no connection to Rime within {self._options.connect_seconds:g} s") from error
        except (OSError, UnicodeError, WebSocketException) as error:  # UnicodeError: what is no name for a host
            raise SpeechUnavailable(f"no connection to Rime at {urlsplit(address).netloc}: {error}") from error


def _refusal(status: int, body: bytes | bytearray | None) -> SpeechError:
    """What a refused handshake means. Rime answers with a status and plain text before the connection opens."""
    words = bytes(body or b"").decode("utf-8", "replace").strip()[:200]
    told = f": {words}" if words else ""
    if status in (401, 403):
        return SpeechRejected(f"Rime refuses the API key{told}; check rime.api_key or RIME_API_KEY", status=status)
    if status in REFUSED:
        return SpeechRejected(f"Rime refuses the connection{told}", status=status)
    return SpeechUnavailable(f"Rime cannot take the connection{told}", status=status)


def _send_at_once(connection: ClientConnection, message: str) -> None:
    """Hand a message to the transport before this returns; awaiting `send` would put it off to the next turn."""
    if connection.state is State.OPEN:
        connection.protocol.send_text(message.encode())
        connection.send_data()


async def _close(connection: ClientConnection) -> None:
    with suppress(ConnectionClosed):  # it was quicker
        await connection.close()


def _spawn(work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run in the background; the set keeps the task alive and knows what is under way."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()
