"""The event loop of a test: virtual time, connections in memory, and blocking work of telebridge done at once.

One rule: whatever a test does, nothing leaves this machine: names are not looked up, and connections go to servers in
memory or to loopback addresses.
"""

import asyncio
import functools
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from errno import ECONNREFUSED
from ipaddress import ip_address
from typing import Any, TypeVar, TypeVarTuple

from typing_extensions import override

from telebridge.simulator.setup.clock import VirtualTimeLoop
from telebridge.testing.network.network import MemoryNetwork

T = TypeVar("T")
Given = TypeVarTuple("Given")

OWN_PACKAGE = "telebridge."


class PhoneLoop(VirtualTimeLoop):
    """An event loop on virtual time whose connections are in memory.

    Args:
        network: Who answers where.
    """

    def __init__(self, network: MemoryNetwork) -> None:
        super().__init__()
        self.network = network
        self._dialed: dict[int, tuple[str, int]] = {}  # where a socket was connected to, by its descriptor

    @override
    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        address = self.network.address_of(str(host or "127.0.0.1"))
        kind = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        return [(kind, type or socket.SOCK_STREAM, proto, "", (address, int(port or 0)))]

    @override
    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        host, port = str(address[0]), int(address[1])
        await self.network.ready(host, port)
        if self._is_elsewhere(host, port):
            await super().sock_connect(sock, address)
        else:
            if not self.network.serves(host, port):
                name = f"{self.network.name_of(host)}:{port}"
                self.network.refused(name)
                raise ConnectionRefusedError(ECONNREFUSED, f"nobody answers at {name} in this test")
            self._dialed[sock.fileno()] = (host, port)

    @override
    async def create_connection(
        self, protocol_factory: Callable[[], Any], host: Any = None, port: Any = None, **options: Any
    ) -> tuple[asyncio.Transport, Any]:
        sock: socket.socket | None = options.get("sock")
        if sock is None:
            await self.network.ready(str(host), int(port))
        if sock is not None:
            dialed = self._dialed.pop(sock.fileno(), None)
            if dialed is None:
                return await super().create_connection(protocol_factory, host, port, **options)
            sock.close()
            host, port = dialed
        elif self._is_elsewhere(str(host), int(port)):
            return await super().create_connection(protocol_factory, host, port, **options)
        protocol = protocol_factory()
        transport = self.network.connect(self, str(host), int(port), protocol)
        await asyncio.sleep(0)  # until both protocols know of the connection
        return transport, protocol

    @override
    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Given], T], *args: *Given
    ) -> "asyncio.Future[T]":
        """Do what telebridge does in threads at once, so that its order is always the same; all else in threads."""
        if executor is not None or not _module_of(func).startswith(OWN_PACKAGE):
            return super().run_in_executor(executor, func, *args)
        answer: asyncio.Future[T] = self.create_future()
        try:
            answer.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            answer.set_exception(error)
        return answer

    def _is_elsewhere(self, host: str, port: int) -> bool:
        """Whether a connection goes to a real server of this machine."""
        try:
            return ip_address(host).is_loopback and not self.network.serves(host, port)
        except ValueError:
            return False


def _module_of(function: Any) -> str:
    """The module of what `asyncio.to_thread` was given."""
    while isinstance(function, functools.partial):
        inner = function.func
        is_context_run = getattr(inner, "__name__", "") == "run" and function.args
        function = function.args[0] if is_context_run else inner
    return str(getattr(function, "__module__", ""))
