"""The processes that read rows of a list.

One rule: Ctrl-C ends the import and not its readers. A terminal sends it to every process, and one that is cut off
while it holds a lock of the pool would leave the import waiting for ever.
"""

import signal
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from typing import Any

from typing_extensions import override


class _UninterruptedProcess(SpawnProcess):
    """A process that does not get Ctrl-C, from its first moment on."""

    @staticmethod
    @override
    def _Popen(process_obj: BaseProcess) -> Any:
        if not hasattr(signal, "pthread_sigmask"):  # on Windows
            return SpawnProcess._Popen(process_obj)  # noqa: SLF001 - the hook that multiprocessing has for this
        ensure_running()  # it would take the mask away: the first process makes it otherwise
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a new process inherits it
        try:
            return SpawnProcess._Popen(process_obj)  # noqa: SLF001 - the hook that multiprocessing has for this
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Spawning(SpawnContext):
    """How a pool of readers starts its processes."""

    Process = _UninterruptedProcess
