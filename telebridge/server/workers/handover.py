"""Hands connections over between the worker processes of one server, so that each call has the worker that is best.

The workers share one listening socket, and the kernel gives a connection to any of them. A webhook with which a call
begins is passed on to the worker with the fewest calls. The address of the call's media stream names that worker, and
another one that accepts the stream passes it on. What is passed is the descriptor of the connection, with what was read
of it, over a Unix socket of the other worker (unix(7), SCM_RIGHTS); nothing is copied or proxied afterwards.

One rule: a connection that cannot be handed over is served where it arrived. A worker that has died left its calls in
the database, and whoever gets their streams goes on with them.
"""

import array
import asyncio
import math
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from telebridge.logs import logger
from telebridge.server.workers.load_board import LoadBoard
from telebridge.server.workers.placement import Placement
from telebridge.twilio.signed_urls import WORKER_END

log = logger(__name__)

NAMED = re.compile(rb"GET [^ ?]*/twilio/media/(\d{1,3})" + WORKER_END.encode())
"""The address of a media stream whose token names a worker; see `StreamTokens`."""
BEGINS_CALL = re.compile(rb"POST [^ ?]*/twilio/voice[/? ]")
"""The webhook with which a call begins."""
MOST_BYTES = 16_384
"""What was read of a connection before it is handed over: one request, with the fields of a webhook."""
HANDED_A_TURN = 32
SAID_EVERY_SECONDS = 0.1
"""How often a worker tells the others how many calls it has."""


def named_worker(head: bytes) -> int | None:
    """The worker that the first bytes of a request name; None when they name none."""
    found = NAMED.match(head)
    return None if found is None else int(found[1])


def begins_call(head: bytes) -> bool:
    """Whether a request that begins so is the webhook with which a call begins."""
    return BEGINS_CALL.match(head) is not None


class CallsHere(Protocol):
    """The calls of this process."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    @property
    def full(self) -> bool:
        """Whether no further one may begin."""
        ...


class Handover:
    """Gives connections to other workers and takes those that are meant for this one. Call `start` and `stop`.

    Args:
        folder: Where each worker has its Unix socket; only the user of the workers may enter it.
        worker: The number of this one.
        board: Where the workers say how many calls they have.
        calls: Those of this one.
    """

    def __init__(self, folder: Path, worker: int, board: LoadBoard, calls: CallsHere) -> None:
        self._folder = folder
        self._worker = worker
        self._board = board
        self._calls = calls
        self._placement = Placement(worker)
        self._saying: asyncio.TimerHandle | None = None
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
        loop = asyncio.get_running_loop()
        loop.add_reader(self._in.fileno(), self._readable)
        self._say(loop)

    def stop(self) -> None:
        """Take none any more; those that nobody took are closed."""
        if self._saying is not None:
            self._saying.cancel()
        if self._take is not None:
            loop = asyncio.get_running_loop()
            self._board.say(self._worker, math.inf, now=loop.time())
            loop.remove_reader(self._in.fileno())
            self._path(self._worker).unlink(missing_ok=True)
        self._in.close()
        self._out.close()

    def give(self, transport: asyncio.Transport, head: bytes) -> bool:
        """Hand a connection over if what was read of it belongs with another worker.

        Args:
            transport: The connection; to be aborted when it was handed over, which leaves it open there.
            head: What was read of it.

        Returns:
            Whether it was handed over.

        Raises:
            BlockingIOError: The other worker is there, and has as many waiting as the kernel keeps; it can be tried
                again.
        """
        worker = named_worker(head)
        if worker is not None:
            return self._sent(transport, head, worker)
        if not begins_call(head):
            return False
        now = asyncio.get_running_loop().time()
        worker = self._placement.choose(self._board.loads(), now=now)
        sent = self._sent(transport, head, worker)
        self._placement.placed(worker if sent else self._worker, now=now)
        return sent

    def _sent(self, transport: asyncio.Transport, head: bytes, worker: int) -> bool:
        connection = transport.get_extra_info("socket")
        if worker == self._worker or connection is None or len(head) > MOST_BYTES:
            return False
        if transport.get_write_buffer_size():
            return False  # the answer to the request before would be lost
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [connection.fileno()]))]
        try:
            self._out.sendmsg([head], rights, 0, str(self._path(worker)))
        except BlockingIOError:
            raise
        except OSError as error:  # it is dead
            log.warning("a connection is served by another worker than its call's", worker=worker, error=str(error))
            return False
        return True

    def _say(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell the other workers how many calls this one has, now and from time to time."""
        now = loop.time()
        self._board.say(self._worker, math.inf if self._calls.full else len(self._calls), now=now)
        self._saying = loop.call_at(now + SAID_EVERY_SECONDS, self._say, loop)

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
