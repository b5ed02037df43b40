"""Bounds on the connections of strangers: how many one address may hold, and how long headers may take.

A stranger is a connection on which nobody has shown who they are: by Twilio's signature, by the token of the API, or by
a signed address. Whoever has does not count: one address of Twilio's may carry any number of calls, and so may a proxy.

One rule: when there are too many strangers, the one who came first is closed. Whoever means well is known within
milliseconds; what stays is what waits on purpose.
"""

import asyncio
import sys
from collections.abc import Callable
from ipaddress import ip_network
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from typing_extensions import override

from telebridge import metrics
from telebridge.server.http.forwarding import client_address
from telebridge.server.http.network_addresses import address_of, is_in
from telebridge.server.http.refusal_log import RefusalLog
from telebridge.server.workers.handover import Handover

if sys.platform != "win32":
    import resource

HEADER_SECONDS = 10.0
"""How long the headers of a request may take, from its first byte; of the first one, from the connection."""
IDLE_SECONDS = 75.0
"""How long a connection is kept after a response, for the next request."""
LINGER_SECONDS = 2.0
"""How long the rest of a body that nobody wants is read before the connection is closed."""
CONNECTIONS_PER_ADDRESS = 100
GRACE_SECONDS = 1.0
"""How long an address may have too many connections: a proxy opens many at once, whose requests are still to come."""
HANDOVER_TRIES, HANDOVER_RETRY_SECONDS = 40, 0.005
"""How often, and after which pause, a connection is offered to a process that is busy: for 0.2 s."""
DESCRIPTORS_SHARE = 2
"""Strangers may hold the n-th part of the file descriptors of the process."""
FEWEST, MOST = 16, 1024
"""The total bound on strangers lies between these."""
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def most_strangers() -> int:
    """Return how many strangers this process may have: half of its descriptors, within bounds."""
    if sys.platform == "win32":
        return MOST  # sockets are no descriptors there
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(FEWEST, min(descriptors // DESCRIPTORS_SHARE, MOST))


class Strangers:
    """Which connections are of strangers, in the order in which they came.

    Args:
        per_address: How many one address may have.
        total: How many there may be.
    """

    def __init__(self, per_address: int, total: int) -> None:
        self._per_address = per_address
        self._total = total
        self._addresses: dict[BoundedConnection, str] = {}
        self._by_address: dict[str, dict[BoundedConnection, None]] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._addresses)

    def add(self, connection: "BoundedConnection", address: str) -> "BoundedConnection | None":
        """Add a connection, or change its address.

        Args:
            connection: The connection.
            address: Whose it is; empty for a proxy's, which is bounded in total only.

        Returns:
            The connection that must be closed because there are too many in total; None when there is room.
        """
        self.remove(connection)
        self._addresses[connection] = address
        if address:
            self._by_address.setdefault(address, {})[connection] = None
        return next(iter(self._addresses)) if len(self._addresses) > self._total else None

    def excess(self, address: str) -> "list[BoundedConnection]":
        """The connections that one address has too many, the oldest ones."""
        same = self._by_address.get(address, {})
        return list(same)[: max(0, len(same) - self._per_address)]

    def remove(self, connection: "BoundedConnection") -> None:
        """Remove a connection: it is closed, or no stranger's. May be called again."""
        address = self._addresses.pop(connection, "")
        if address:
            same = self._by_address[address]
            del same[connection]
            if not same:
                del self._by_address[address]


class BoundedConnection(asyncio.Protocol):
    """One connection: the bounds on it, in front of the protocol that serves it.

    Args:
        served: aiohttp's protocol of this connection.
        bounds: Those of all connections.
        head: What another process has read of it already, and handed over with it.
    """

    def __init__(self, served: asyncio.Protocol, bounds: "ConnectionBounds", head: bytes = b"") -> None:
        self._head = head
        self.served = served
        self.peer = ""
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._received = False  # whether a request has begun
        self._in_request = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peername = transport.get_extra_info("peername")
        self.peer = str(peername[0]) if isinstance(peername, tuple) else ""
        self._bounds.opened(self)
        self._expect_headers()
        self.served.connection_made(transport)
        if self._head:
            self.data_received(self._head)

    @override
    def data_received(self, data: bytes) -> None:
        if self._bounds.handover is not None and not self._received and data is not self._head:
            self._hand_over_or_serve(self._bounds.handover, data, HANDOVER_TRIES)
        else:
            self._receive(data)

    def _receive(self, data: bytes) -> None:
        self._received = True
        if self._deadline is None and not self._in_request:
            self._expect_headers()
        self.served.data_received(data)

    @override
    def eof_received(self) -> bool | None:
        return self.served.eof_received()

    @override
    def pause_writing(self) -> None:
        self.served.pause_writing()

    @override
    def resume_writing(self) -> None:
        self.served.resume_writing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        self._bounds.closed(self)
        self.served.connection_lost(exc)

    def request_began(self) -> None:
        """The headers of a request are there."""
        self._in_request = True
        self._cancel_deadline()

    def request_ended(self, _: object = None) -> None:
        """It was answered."""
        self._in_request = self._received = False

    def hand_over(self) -> None:
        """Serve the connection without bounds from now on: it is a media stream, and carries 50 messages a second."""
        self._cancel_deadline()
        self._bounds.closed(self)
        if self._transport is not None:
            self._transport.set_protocol(self.served)

    def abort(self) -> None:
        """Close the connection at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def _hand_over_or_serve(self, handover: Handover, data: bytes, tries: int) -> None:
        """Hand a request that begins over to the process whose it is; serve it here if that does not take it."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        try:
            handed = handover.give(transport, data)
        except BlockingIOError:
            if tries:
                transport.pause_reading()
                self._loop.call_later(HANDOVER_RETRY_SECONDS, self._hand_over_or_serve, handover, data, tries - 1)
                return
            handed = False
        if handed:
            transport.abort()  # closes the descriptor of this process alone
            return
        if tries < HANDOVER_TRIES:
            transport.resume_reading()
        self._receive(data)

    def _expect_headers(self) -> None:
        self._deadline = self._loop.call_later(HEADER_SECONDS, self._too_slow)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        self._bounds.refuse("headers", self.peer)
        if self._transport is not None:
            if self._received:
                self._transport.write(TOO_SLOW)
            self._transport.close()


class ConnectionBounds:
    """The bounds on all connections of a server. Used on one event loop.

    Args:
        per_address: How many connections of strangers one address may have.
        trusted_proxies: Networks that are bounded in total only, and whose word on the address of a client counts.
        total: How many connections of strangers there may be; by default what the descriptors of the process allow.

    Attributes:
        handover: Gives connections to other processes; None when there is one process.
    """

    def __init__(
        self,
        per_address: int = CONNECTIONS_PER_ADDRESS,
        trusted_proxies: tuple[str, ...] = (),
        *,
        total: int | None = None,
    ) -> None:
        self.strangers = Strangers(per_address, most_strangers() if total is None else total)
        self._proxies = tuple(ip_network(network) for network in trusted_proxies)
        self._by_served: dict[asyncio.BaseProtocol, BoundedConnection] = {}
        self._crowded: set[str] = set()  # addresses that have too many, until the excess is closed
        self._log = RefusalLog()
        self.handover: Handover | None = None

    def bounded(self, serve: Callable[[], asyncio.Protocol], head: bytes = b"") -> Callable[[], BoundedConnection]:
        """Return a factory of protocols that are bounded, each in front of one that `serve` makes.

        Args:
            serve: Makes what serves a connection.
            head: What another process has read of the connection, and handed over with it.
        """

        def make() -> BoundedConnection:
            connection = BoundedConnection(serve(), self, head)
            self._by_served[connection.served] = connection
            return connection

        return make

    def middleware(self) -> Middleware:
        """Return the middleware that follows the requests of bounded connections; put it first."""

        @web.middleware
        async def followed(request: web.Request, handler: Handler) -> web.StreamResponse:
            connection = self._by_served.get(request.protocol)
            task = asyncio.current_task()
            if connection is not None and task is not None:
                connection.request_began()
                task.add_done_callback(connection.request_ended)
                if self._is_proxy(connection.peer):
                    self._add(connection, client_address(request, self._proxies))
            return await handler(request)

        return followed

    def known(self, request: web.Request) -> None:
        """Whoever sends this request has shown who they are: their connection is no stranger's any more."""
        connection = self._by_served.get(request.protocol)
        if connection is not None:
            self.strangers.remove(connection)

    def hand_over(self, request: web.Request) -> None:
        """This request has become a media stream of Twilio's."""
        connection = self._by_served.get(request.protocol)
        if connection is not None:
            connection.hand_over()

    # What connections tell.

    def opened(self, connection: BoundedConnection) -> None:
        """A connection was opened."""
        self._add(connection, "" if self._is_proxy(connection.peer) else address_of(connection.peer))

    def closed(self, connection: BoundedConnection) -> None:
        """It is closed, or bounded no more."""
        self.strangers.remove(connection)
        self._by_served.pop(connection.served, None)

    def refuse(self, reason: str, peer: str) -> None:
        """Count and log that a connection was closed."""
        metrics.REFUSED.labels("connection", reason).inc()
        self._log.write("connection closed", reason=reason, peer=peer)

    def _add(self, connection: BoundedConnection, address: str) -> None:
        oldest = self.strangers.add(connection, address)
        if oldest is not None:
            self._close(oldest, "too many connections")
        if address not in self._crowded and self.strangers.excess(address):
            self._crowded.add(address)
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._close_excess, address)

    def _close_excess(self, address: str) -> None:
        self._crowded.discard(address)
        for oldest in self.strangers.excess(address):
            self._close(oldest, "too many connections of one address")

    def _close(self, connection: BoundedConnection, reason: str) -> None:
        self.strangers.remove(connection)
        self.refuse(reason, connection.peer)
        connection.abort()

    def _is_proxy(self, peer: str) -> bool:
        return bool(self._proxies) and is_in(peer, self._proxies)


CONNECTIONS = web.AppKey("CONNECTIONS", ConnectionBounds)


def known(request: web.Request) -> None:
    """Whoever sends this request has shown who they are; see `ConnectionBounds.known`."""
    bounds = request.app.get(CONNECTIONS)
    if bounds is not None:
        bounds.known(request)
