"""WebSocket connections to Rime: opened ahead of need, lent to one request at a time, and closed.

The shell over `SparePool` and the `websockets` client. Parameters of the voice are in the query of the address (Rime,
"WebSockets", *Variable Parameters*), so each address has connections of its own.

One rule: nobody waits for a connection to close.
"""

import asyncio
import random
from contextlib import suppress
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from telebridge.errors import SpeechError, SpeechRejected, SpeechUnavailable
from telebridge.logs import logger
from telebridge.outgoing.websocket import open_websocket
from telebridge.rime.connection import LARGEST_MESSAGE_BYTES, RimeConnection
from telebridge.rime.parameters import RimeOptions
from telebridge.rime.pool import SparePool
from telebridge.tasks import Tasks

log = logger(__name__)

MOST_ADDRESSES = 8
"""The most addresses that have spares."""
KEEP_SECONDS = 120.0
"""How long after its last use an address has spares."""
CHECK_SECONDS = 1.0
REFUSED = frozenset({400, 401, 402, 403, 404})
"""Statuses after which the same handshake would be refused again (Rime, "Errors")."""


class Connections:
    """The connections of one Rime account, by address. Used on one event loop."""

    def __init__(self, options: RimeOptions) -> None:
        self._options = options
        self._pools: dict[str, SparePool[RimeConnection]] = {}
        self._opening = Tasks("opening a connection to Rime")
        self._closing = Tasks("closing a connection to Rime")
        self._upkeep: asyncio.Task[None] | None = None
        self._always_warm = ""
        self._closed = False

    async def acquire(self, address: str, *, fresh: bool = False) -> RimeConnection:
        """Get a connection for one request: a spare, or one opened now. Call `release` or `close` after the request.

        Args:
            address: With the parameters in its query.
            fresh: Open a new one, because the last spare turned out to be dead.

        Raises:
            SpeechError: It is refused, or nobody answers.
        """
        pool = self._pool(address)
        while not fresh and (spare := pool.acquire(now=_now())) is not None:
            if spare.state is State.OPEN:
                self._refill()
                return spare
        self._refill()
        return await self._open(address)

    def release(self, address: str, connection: RimeConnection) -> None:
        """Return a connection on which nothing is under way, for other requests."""
        connection.receiver = None
        if self._closed or connection.state is not State.OPEN or not self._pool(address).add(connection, now=_now()):
            self.close(connection)

    def close(self, connection: RimeConnection, last_message: str | None = None) -> None:
        """Close a connection in the background, after a last message that is sent before this returns."""
        connection.receiver = None
        if last_message is not None:
            _send_at_once(connection, last_message)
        _ = self._closing.start(_close(connection))

    def keep_warm(self, address: str) -> None:
        """Keep spares of this address from now on, whether it is used or not."""
        if self._options.warm_sockets and not self._closed:
            former = self._pools.get(address)
            self._always_warm = address
            pool = self._pools[address] = self._new_pool(keep_seconds=None)
            for spare in former.drain() if former is not None else []:
                pool.add(spare, now=_now())
            self._refill()

    async def aclose(self) -> None:
        """Close all spares, and wait for connections that are being closed."""
        self._closed = True
        self._opening.cancel()
        if self._upkeep is not None:
            self._upkeep.cancel()
            await asyncio.gather(self._upkeep, return_exceptions=True)
        await self._opening.wait()
        for pool in self._pools.values():
            for spare in pool.drain():
                self.close(spare)
        while not await self._closing.wait():
            pass

    def _pool(self, address: str) -> SparePool[RimeConnection]:
        pool = self._pools.get(address)
        if pool is None:
            self._forget_unused()
            pool = self._pools[address] = self._new_pool(keep_seconds=KEEP_SECONDS)
        return pool

    def _new_pool(self, *, keep_seconds: float | None) -> SparePool[RimeConnection]:
        return SparePool(
            wanted=self._options.warm_sockets,
            max_idle_seconds=self._options.max_idle_seconds,
            keep_seconds=keep_seconds,
            jitter=random.random,
        )

    def _forget_unused(self) -> None:
        """Bound the number of addresses with spares: a voice used once has none for ever."""
        unused = [address for address, pool in self._pools.items() if not pool.is_kept(now=_now())]
        if not unused and len(self._pools) >= MOST_ADDRESSES:
            unused = [address for address in self._pools if address != self._always_warm][:1]
        for address in unused:
            for spare in self._pools.pop(address).drain():
                self.close(spare)

    def _refill(self) -> None:
        if self._closed:
            return
        for address, pool in self._pools.items():
            for _ in range(pool.missing(now=_now())):
                pool.opening_started()
                _ = self._opening.start(self._open_spare(address, pool))
        if self._upkeep is None:
            self._upkeep = asyncio.get_running_loop().create_task(self._replace_expired())

    async def _replace_expired(self) -> None:
        """Once a second, replace the spares that died or are too old."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                for pool in self._pools.values():
                    for spare in pool.expired(lambda spare: spare.state is State.OPEN, now=_now()):
                        self.close(spare)
                self._refill()
            except Exception:  # the top of a task: the next second is another chance
                log.exception("the spare connections to Rime cannot be checked")

    async def _open_spare(self, address: str, pool: SparePool[RimeConnection]) -> None:
        try:
            connection = await self._open(address)
        except SpeechError as error:
            seconds = pool.opening_failed(now=_now(), rate_limited=error.status == 429)
            log.warning("no spare connection to Rime", error=str(error), next_attempt_seconds=round(seconds, 1))
            return
        except BaseException:  # cancelled, by whomever; a spare that is not opened is never counted as being opened
            _ = pool.opening_failed(now=_now())
            raise
        pool.opened(connection, now=_now())
        if self._pools.get(address) is not pool or self._closed:
            for spare in pool.drain():
                self.close(spare)

    async def _open(self, address: str) -> RimeConnection:
        try:
            return await self._connect(address)
        except InvalidStatus as error:
            raise _refusal(error.response.status_code, error.response.body) from error
        except TimeoutError as error:
            raise SpeechUnavailable(f"no connection to Rime within {self._options.connect_seconds:g} s") from error
        except (OSError, UnicodeError, WebSocketException) as error:  # UnicodeError: what is no name for a host
            raise SpeechUnavailable(f"no connection to Rime at {urlsplit(address).netloc}: {error}") from error
        except Exception as error:  # of the client's library, or of ours: the next attempt may succeed
            log.exception("a connection to Rime cannot be opened")
            raise SpeechUnavailable(f"no connection to Rime: {type(error).__name__}: {error}") from error

    async def _connect(self, address: str) -> RimeConnection:
        headers = {"Authorization": f"Bearer {self._options.api_key}"} if self._options.api_key else {}
        return await open_websocket(
            address,
            headers,
            seconds=self._options.connect_seconds,
            largest_message_bytes=LARGEST_MESSAGE_BYTES,
            ping_seconds=self._options.ping_seconds,
            make=RimeConnection,
        )


def _refusal(status: int, body: bytes | bytearray | None) -> SpeechError:
    """The error of a refused handshake. Rime answers with a status and plain text (Rime, "Errors")."""
    reason = bytes(body or b"").decode("utf-8", "replace").strip()[:200]
    suffix = f": {reason}" if reason else ""
    if status in (401, 403):
        return SpeechRejected(f"Rime refuses the API key{suffix}; check rime.api_key or RIME_API_KEY", status=status)
    if status in REFUSED:
        return SpeechRejected(f"Rime refuses the connection{suffix}", status=status)
    return SpeechUnavailable(f"Rime cannot take the connection{suffix}", status=status)


def _send_at_once(connection: RimeConnection, message: str) -> None:
    """Hand a message to the transport before this returns; awaiting `send` would put it off to the next turn."""
    if connection.state is State.OPEN:
        connection.protocol.send_text(message.encode())
        connection.send_data()


async def _close(connection: RimeConnection) -> None:
    with suppress(ConnectionClosed):  # Rime has closed it meanwhile
        await connection.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
