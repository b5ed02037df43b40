"""Keeps processes of `telebridge serve` alive behind one listening socket.

The socket outlives them: while one is being started again, the kernel holds what Twilio asks. Each is forked from a
process that has loaded everything and started nothing, so that a new one serves within a moment of the old one's death,
and goes on with its live calls where they stood.

One rule: what dies is started again; what refuses its configuration is not, for it would refuse it again.
"""

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType

from telebridge.errors import ConfigurationError

FAILED, CONFIGURED_WRONGLY = 1, 2
BACKLOG = 1024
SHORT_LIFE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that processes inherit.

    Raises:
        OSError: The address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def pause_after(lived_seconds: float, former_seconds: float) -> float:
    """How long to wait before a process is started again that lived so long; longer each time it dies at once."""
    if lived_seconds >= SHORT_LIFE_SECONDS:
        return 0.0
    return min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, former_seconds * 2))


class Supervisor:
    """Runs one function in several processes.

    Args:
        serve: Run in each; it is given a descriptor that can be read once the supervisor is gone.
        tell: Says what happens.
    """

    def __init__(self, serve: Callable[[int], None], tell: Callable[[str], None]) -> None:
        self._serve = serve
        self._tell = tell
        self._workers: dict[int, int] = {}  # their numbers by process id
        self._began: dict[int, float] = {}  # by number
        self._pauses: dict[int, float] = {}
        self._stopping = False
        self._lifeline, self._held_end = os.pipe()

    def run(self, workers: int) -> int:
        """Keep so many alive until a signal says to stop; then let them finish.

        Returns:
            The exit code.
        """
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        for number in range(workers):
            self._start(number)
        code = 0
        while self._workers:
            pid, status = os.waitpid(-1, 0)
            number = self._workers.pop(pid)
            ended = os.waitstatus_to_exitcode(status)
            if ended == CONFIGURED_WRONGLY and not self._stopping:
                self._stop(signal.SIGTERM, None)
                code = CONFIGURED_WRONGLY
            elif not self._stopping:
                self._start_again(number, ended)
        return code

    def _start_again(self, number: int, ended: int) -> None:
        lived = time.monotonic() - self._began[number]
        pause = self._pauses[number] = pause_after(lived, self._pauses.get(number, 0.0))
        self._tell(f"telebridge worker {number} ended with {ended}; it is started again")
        time.sleep(pause)
        if not self._stopping:
            self._start(number)

    def _start(self, number: int) -> None:
        self._began[number] = time.monotonic()
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            os._exit(self._live())
        self._workers[pid] = number

    def _live(self) -> int:
        """The life of a worker."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_DFL)
        os.close(self._held_end)
        try:
            self._serve(self._lifeline)
        except ConfigurationError as error:
            sys.stderr.write(f"telebridge: {error}\n")
            return CONFIGURED_WRONGLY
        except BaseException:  # noqa: BLE001 - the top of a process
            traceback.print_exc()
            return FAILED
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        return 0

    def _stop(self, signum: int, _: FrameType | None) -> None:
        self._stopping = True
        for pid in self._workers:
            os.kill(pid, signum)
