"""WebSocket connections, as this process opens them.

They are not compressed: what is sent is small, or is audio. An address of this machine is reached without a proxy.
"""

from typing import TypeVar, cast
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

from telebridge.timing.running_time import RunningTimeout

CLOSE_SECONDS = 1.0
"""How long a closing handshake may take."""
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

C = TypeVar("C", bound=ClientConnection)


async def open_websocket(
    address: str,
    headers: dict[str, str],
    *,
    seconds: float,
    largest_message_bytes: int,
    ping_seconds: float = 20.0,
    make: type[C],
) -> C:
    """Open a connection. Close it after use.

    Args:
        address: Where, with its query.
        headers: The headers of the handshake, beside those of the protocol.
        seconds: How long opening may take, in running time.
        largest_message_bytes: A larger message ends the connection.
        ping_seconds: Interval of pings.
        make: The class of the connection.

    Raises:
        TimeoutError: It took too long.
        websockets.exceptions.InvalidStatus: The handshake is refused with a status.
        websockets.exceptions.WebSocketException, OSError, UnicodeError: Nobody answers there, or not by the protocol.
    """
    async with RunningTimeout(seconds):
        connection = await connect(
            address,
            additional_headers=headers,
            compression=None,
            max_size=largest_message_bytes,
            open_timeout=None,
            close_timeout=CLOSE_SECONDS,
            ping_interval=ping_seconds,
            proxy=None if urlsplit(address).hostname in LOCAL_HOSTS else True,
            create_connection=make,
        )
    return cast("C", connection)
