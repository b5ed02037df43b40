"""Keeps processes of `telebridge serve` alive behind one listening socket.

The socket outlives them: while one is being started again, the kernel holds what Twilio asks. Each is forked from a
process that has loaded everything and started nothing, so that a new one serves within a moment of the old one's death,
and goes on with its live calls where they stood.

One rule: what dies is started again; what refuses its configuration is not, for it would refuse it again. Once one has
served with that configuration it is not refused any more: then the world has changed, and it may change back.
"""

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from telebridge.errors import ConfigurationError

FAILED, CONFIGURED_WRONGLY = 1, 2
BACKLOG = 1024
SHORT_LIFE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
LOOK_SECONDS = 0.05
STOPPING = signal.SIGTERM, signal.SIGINT


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
        serve: Run in each; it is given a descriptor that can be read once the supervisor is gone, and what to call when
            it listens.
        tell: Says what happens.
    """

    def __init__(self, serve: Callable[[int, Callable[[], None]], None], tell: Callable[[str], None]) -> None:
        self._serve = serve
        self._tell = tell
        self._workers: dict[int, int] = {}  # their numbers by process id
        self._began: dict[int, float] = {}  # by number
        self._pauses: dict[int, float] = {}
        self._due: dict[int, float] = {}  # when those that are to be started again are
        self._stopping = False
        self._has_listened = False
        self._lifeline, self._held_end = os.pipe()
        self._heard_end, self._word_end = os.pipe()
        for end in (self._heard_end, self._word_end):
            os.set_blocking(end, False)

    def run(self, workers: int) -> int:
        """Keep so many alive until a signal says to stop; then let them finish.

        Returns:
            The exit code.
        """
        for signum in STOPPING:
            signal.signal(signum, self._stop)
        for number in range(workers):
            self._start(number)
        code = 0
        while self._workers or (self._due and not self._stopping):
            ended = self._ended_worker()
            if ended is None:
                self._start_due()
                time.sleep(LOOK_SECONDS)
                continue
            number, worker_code = ended
            if self._stopping:
                continue
            if worker_code == CONFIGURED_WRONGLY and not self._has_served():
                code = CONFIGURED_WRONGLY
                self._stop(signal.SIGTERM, None)
            else:
                self._start_later(number, worker_code)
        return code

    def _ended_worker(self) -> tuple[int, int] | None:
        """The number and the exit code of a worker that has ended, if one has; nothing is waited for."""
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid not in self._workers:  # 0 for nobody, or a child that is none of ours
            return None
        return self._workers.pop(pid), os.waitstatus_to_exitcode(status)

    def _has_served(self) -> bool:
        """Whether a worker ever listened: then it was not the configuration that the next one died of."""
        if not self._has_listened:
            with suppress(BlockingIOError):
                self._has_listened = bool(os.read(self._heard_end, 1))
        return self._has_listened

    def _start_later(self, number: int, ended: int) -> None:
        now = time.monotonic()
        pause = self._pauses[number] = pause_after(now - self._began[number], self._pauses.get(number, 0.0))
        self._due[number] = now + pause
        self._tell(f"telebridge worker {number} ended with {ended}; it is started again")

    def _start_due(self) -> None:
        for number, due in list(self._due.items()):
            if not self._stopping and time.monotonic() >= due:
                del self._due[number]
                self._start(number)

    def _start(self, number: int) -> None:
        """Fork a worker. Signals wait until it is registered here, and has its own answer to them there."""
        self._began[number] = time.monotonic()
        sys.stdout.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            if self._stopping:
                return
            pid = os.fork()
            if pid == 0:
                os._exit(self._live())
            self._workers[pid] = number
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def _live(self) -> int:
        """The life of a worker."""
        for signum in STOPPING:
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        os.close(self._held_end)
        os.close(self._heard_end)
        try:
            self._serve(self._lifeline, self._say_listening)
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

    def _say_listening(self) -> None:
        with suppress(BlockingIOError):  # so many have said so that one more is no news
            os.write(self._word_end, b"1")

    def _stop(self, signum: int, _: FrameType | None) -> None:
        self._stopping = True
        for pid in list(self._workers):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)
