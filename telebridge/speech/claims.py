"""A file that says which process is making something, for other processes to wait for it instead of making it too.

One rule: a claim is a courtesy, never a lock. Its owner may be dead, its host another one, the disk full; who cannot
tell goes on by himself.
"""

import contextlib
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

ABANDONED_SECONDS = 30.0
"""Nothing that is spoken takes longer to make."""


class ClaimFile:
    """One claim, with calls that block.

    Args:
        path: The file; its folder is made if need be.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self) -> bool:
        """Claim it; False when somebody alive did before."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return True
        if self._make():
            return True
        if not self._is_abandoned():
            return False
        self.release()
        return self._make()

    def release(self) -> None:
        """Give the claim up."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _make(self) -> bool:
        """Make the file; True also where none can be made."""
        try:
            with self._path.open("x") as file:
                file.write(_ourselves())
        except FileExistsError:
            return False
        except OSError:
            return True
        return True

    def _is_abandoned(self) -> bool:
        """Whether its owner is gone: a process of this host that does not live, or one that took far too long."""
        try:
            since = self._path.stat().st_mtime
            host, _, process = self._path.read_text().partition(" ")
        except (OSError, UnicodeDecodeError):
            return True
        if datetime.now(UTC).timestamp() - since > ABANDONED_SECONDS:
            return True
        return host == socket.gethostname() and process.isdecimal() and not _lives(int(process))


def _ourselves() -> str:
    return f"{socket.gethostname()} {os.getpid()}"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    return True
