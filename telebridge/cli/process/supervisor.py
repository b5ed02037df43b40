"""A supervisor that keeps worker processes of `telebridge serve` alive behind one listening socket.

The socket outlives the workers: while one is restarted, the kernel queues Twilio's requests. Each worker is forked from
a process that has loaded everything and started nothing, so that a new worker serves within a moment of the old one's
death, and resumes its live calls at their checkpoints.

A signal to the supervisor stops the workers, which end in time by themselves (see `telebridge.cli.process.stopping`);
one that cannot, because its event loop is blocked, is killed.

One rule: a worker that dies is restarted. If the first workers refuse the configuration, none is restarted; once a
worker has served with it, a refusal has a cause outside, which may pass.
"""

import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from telebridge.cli.process.printing import print_text
from telebridge.cli.process.stopping import StopTimes
from telebridge.errors import ConfigurationError
from telebridge.timing.backoff import backoff_seconds

FAILED, CONFIGURED_WRONGLY = 1, 2
SHORT_LIFE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
LOOK_SECONDS = 0.05
STOPPING = signal.SIGTERM, signal.SIGINT
KILL_SECONDS = 0.1
"""So long after its time a worker is killed."""


def failures_in_a_row(lived_seconds: float, before: int) -> int:
    """Return how often in a row a worker has died early, counting the death after `lived_seconds`."""
    return 0 if lived_seconds >= SHORT_LIFE_SECONDS else before + 1


def restart_delay(failures: int) -> float:
    """Return the seconds to wait before a worker that died early so often in a row is restarted."""
    if not failures:
        return 0.0
    return backoff_seconds(failures, first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)


class Supervisor:
    """Runs one function in several processes.

    Args:
        serve: Called in each process with its number, a descriptor that becomes readable once the supervisor is gone,
            and a callback to call when the worker listens.
        print_line: Called with a line for the operator when a worker is restarted.
        drain_seconds: How long workers may drain after a signal.
    """

    def __init__(
        self,
        serve: Callable[[int, int, Callable[[], None]], None],
        print_line: Callable[[str], None],
        *,
        drain_seconds: float = math.inf,
    ) -> None:
        self._times = StopTimes(drain_seconds)
        self._serve = serve
        self._print_line = print_line
        self._workers: dict[int, int] = {}  # worker numbers by process id
        self._began: dict[int, float] = {}  # by number
        self._failures: dict[int, int] = {}  # early deaths in a row, by number
        self._due: dict[int, float] = {}  # when workers are restarted, by number
        self._stopping = False
        self._has_listened = False
        self._lifeline, self._held_end = os.pipe()
        self._read_end, self._report_end = os.pipe()
        for end in (self._read_end, self._report_end):
            os.set_blocking(end, False)

    def run(self, workers: int) -> int:
        """Keep that many workers alive until a signal stops them; then wait until they have finished.

        Returns:
            The exit code of the program.
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
                if self._times.ends_at is not None and time.monotonic() >= self._times.ends_at + KILL_SECONDS:
                    self._signal_workers(signal.SIGKILL)
                    code = FAILED
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
        """Return the number and the exit code of a worker that has ended, or None, without waiting."""
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid not in self._workers:  # 0 when none has ended, or a child that is no worker
            return None
        return self._workers.pop(pid), os.waitstatus_to_exitcode(status)

    def _has_served(self) -> bool:
        """Return whether a worker ever listened: then the configuration is not what the next one died of."""
        if not self._has_listened:
            with suppress(BlockingIOError):
                self._has_listened = bool(os.read(self._read_end, 1))
        return self._has_listened

    def _start_later(self, number: int, ended: int) -> None:
        now = time.monotonic()
        failures = failures_in_a_row(now - self._began[number], self._failures.get(number, 0))
        self._failures[number] = failures
        self._due[number] = now + restart_delay(failures)
        self._print_line(f"telebridge worker {number} ended with {ended}; it is started again")

    def _start_due(self) -> None:
        for number, due in list(self._due.items()):
            if not self._stopping and time.monotonic() >= due:
                del self._due[number]
                self._start(number)

    def _start(self, number: int) -> None:
        """Fork a worker. Signals are blocked until it is registered here and has its own handlers there."""
        self._began[number] = time.monotonic()
        sys.stdout.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            if self._stopping:
                return
            pid = os.fork()
            if pid == 0:
                os._exit(self._run_worker(number))
            self._workers[pid] = number
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def _run_worker(self, number: int) -> int:
        """Run in the worker process, and return its exit code."""
        for signum in STOPPING:
            signal.signal(signum, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        os.close(self._held_end)
        os.close(self._read_end)
        try:
            self._serve(number, self._lifeline, self._report_listening)
        except ConfigurationError as error:
            print_text(f"telebridge: {error}", err=True)
            return CONFIGURED_WRONGLY
        except BaseException:  # noqa: BLE001 - the top of a process
            traceback.print_exc()
            return FAILED
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        return 0

    def _report_listening(self) -> None:
        with suppress(BlockingIOError):  # the pipe is full of such reports
            os.write(self._report_end, b"1")

    def _stop(self, _signum: int, _: FrameType | None) -> None:
        """Stop the workers; at the second signal, at once.

        A worker may have got the signal too, from the terminal or the service manager. So it takes SIGTERM any number
        of times for one, and SIGQUIT, which only this sends, for the second signal.
        """
        now = time.monotonic()
        if self._stopping:
            self._times.hurry(now)
            self._signal_workers(signal.SIGQUIT)
        else:
            self._times.begin(now)
            self._stopping = True
            self._signal_workers(signal.SIGTERM)

    def _signal_workers(self, signum: int) -> None:
        for pid in list(self._workers):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)
