"""The hosts of a test, and who answers at each.

One rule: where nobody was put, nobody answers; a test never reaches a real host by mistake.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from errno import ECONNREFUSED
from ipaddress import ip_address
from urllib.parse import urlsplit

from telebridge.testing.network.transport import Address, MemoryTransport

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
FIRST_ADDRESS = 0x2C000001  # 44.0.0.1: an address of the open Internet, since some clients take no other
CLIENT = "127.0.0.1"
FIRST_CLIENT_PORT = 40_000

ProtocolFactory = Callable[[], asyncio.BaseProtocol]


@dataclass(slots=True)
class MemoryNetwork:
    """The servers in memory, by host and port.

    Attributes:
        refused: Called with "host:port" when somebody connects to where nobody is.
    """

    refused: Callable[[str], None] = lambda _: None
    _servers: dict[Address, ProtocolFactory] = field(default_factory=dict)
    _held: dict[Address, asyncio.Event] = field(default_factory=dict)
    _numbers: dict[str, str] = field(default_factory=dict)  # address by name
    _clients: int = 0
    _open: dict[Address, list[MemoryTransport]] = field(default_factory=dict)  # connections by server

    def serve(self, origin: str, factory: ProtocolFactory) -> None:
        """Answer connections to an origin such as "https://bridge.test"; TLS is taken as done."""
        address = _address(origin)
        self._servers[address] = factory
        if (held := self._held.pop(address, None)) is not None:
            held.set()

    def hold(self, origin: str) -> None:
        """Let connections to an origin wait until somebody is put there again, as at a socket that nobody serves."""
        address = _address(origin)
        self._servers.pop(address, None)
        self._held[address] = asyncio.Event()

    async def ready(self, host: str, port: int) -> None:
        """Wait while connections to there are held."""
        if (held := self._held.get((self.name_of(host), port))) is not None:
            await held.wait()

    def address_of(self, host: str) -> str:
        """The address of a host; a name gets one when it is asked for first."""
        try:
            return str(ip_address(host))
        except ValueError:
            return self._numbers.setdefault(host, str(ip_address(FIRST_ADDRESS + len(self._numbers))))

    def name_of(self, address: str) -> str:
        """The host of an address; the address itself where no name has it."""
        return next((name for name, number in self._numbers.items() if number == address), address)

    def connect(
        self, loop: asyncio.AbstractEventLoop, host: str, port: int, client: asyncio.BaseProtocol
    ) -> MemoryTransport:
        """Connect a client's protocol to who answers at `host`, a name or an address.

        Raises:
            ConnectionRefusedError: Nobody does.
        """
        name = self.name_of(host)
        factory = self._servers.get((name, port))
        if factory is None:
            self.refused(f"{name}:{port}")
            raise ConnectionRefusedError(ECONNREFUSED, f"nobody answers at {name}:{port} in this test")
        self._clients += 1
        here, there = (CLIENT, FIRST_CLIENT_PORT + self._clients), (self.address_of(name), port)
        mine = MemoryTransport(loop, client, own=here, peer=there)
        theirs = MemoryTransport(loop, factory(), own=there, peer=here)
        theirs.join(mine)
        still = [each for each in self._open.get((name, port), ()) if not each.is_closing()]
        self._open[name, port] = [*still, mine]
        return mine

    def cut(self, origin: str) -> None:
        """Cut all connections to an origin, as when its process is killed."""
        for transport in self._open.pop(_address(origin), ()):
            transport.abort()

    def serves(self, host: str, port: int) -> bool:
        """Whether somebody answers there."""
        return (self.name_of(host), port) in self._servers


def _address(origin: str) -> Address:
    parts = urlsplit(origin)
    return parts.hostname or "", parts.port or PORTS[parts.scheme]
