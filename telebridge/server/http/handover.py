"""Hands connections over between the worker processes of one server: a media stream belongs with the call it carries.

The workers share one listening socket, and the kernel gives a connection to any of them. The address of a media stream
names the worker that began its call. Another worker that accepts the connection passes its descriptor on, with what it
has read, over a Unix socket of that worker (unix(7), SCM_RIGHTS); nothing is copied or proxied afterwards.

One rule: a connection that cannot be handed over is served where it arrived. A worker that has died left its calls in
the database, and whoever gets their streams goes on with them.
"""

import array
import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from telebridge.logs import logger
from telebridge.twilio.signed_urls import WORKER_END

log = logger(__name__)

NAMED = re.compile(rb"GET [^ ?]*/twilio/media/(\d{1,3})" + WORKER_END.encode())
"""The address of a media stream whose token names a worker; see `StreamTokens`."""
MOST_BYTES = 16_384
"""What was read of a connection before it is handed over: one request without a body."""
HANDED_A_TURN = 32


def named_worker(head: bytes) -> int | None:
    """The worker that the first bytes of a request name; None when they name none."""
    found = NAMED.match(head)
    return None if found is None else int(found[1])


class Handover:
    """Gives connections to other workers and takes those that are meant for this one. Call `start` and `stop`.

    Args:
        folder: Where each worker has its Unix socket; only the user of the workers may enter it.
        worker: The number of this one.
    """

    def __init__(self, folder: Path, worker: int) -> None:
        self._folder = folder
        self._worker = worker
        self._out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._out.settimeout(0)
        self._in = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._in.settimeout(0)
        self._take: Callable[[socket.socket, bytes], None] | None = None

    def start(self, take: Callable[[socket.socket, bytes], None]) -> None:
        """Take connections from now on, on the running event loop.

        Args:
            take: Called with each connection and what was read of it.
        """
        self._take = take
        path = self._path(self._worker)
        path.unlink(missing_ok=True)  # of the worker that had this number before
        self._in.bind(str(path))
        asyncio.get_running_loop().add_reader(self._in.fileno(), self._readable)

    def stop(self) -> None:
        """Take none any more; those that nobody took are closed."""
        if self._take is not None:
            asyncio.get_running_loop().remove_reader(self._in.fileno())
            self._path(self._worker).unlink(missing_ok=True)
        self._in.close()
        self._out.close()

    def give(self, transport: asyncio.Transport, head: bytes) -> bool:
        """Hand a connection over if what was read of it names another worker.

        Args:
            transport: The connection; to be aborted when it was handed over, which leaves it open there.
            head: What was read of it.

        Returns:
            Whether it was handed over.

        Raises:
            BlockingIOError: The worker is there, and has as many waiting as the kernel keeps; it can be tried again.
        """
        worker = named_worker(head)
        connection = transport.get_extra_info("socket")
        if worker is None or worker == self._worker or connection is None or len(head) > MOST_BYTES:
            return False
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [connection.fileno()]))]
        try:
            self._out.sendmsg([head], rights, 0, str(self._path(worker)))
        except BlockingIOError:
            raise
        except OSError as error:  # it is dead
            log.warning("a media stream is served by another worker than its call's", worker=worker, error=str(error))
            return False
        return True

    def _path(self, worker: int) -> Path:
        return self._folder / str(worker)

    def _readable(self) -> None:
        for _ in range(HANDED_A_TURN):
            try:
                head, descriptors, _, _ = socket.recv_fds(self._in, MOST_BYTES, 1)
            except BlockingIOError:
                return
            for descriptor in descriptors:
                connection = socket.socket(fileno=descriptor)
                with suppress(OSError):
                    connection.settimeout(0)
                if self._take is None:
                    connection.close()
                else:
                    self._take(connection, head)
