"""An empty SQLite file with the newest tables. To make one takes as long as many calls; it is made once a process."""

import asyncio
import threading
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from telebridge.database.engine import open_database
from telebridge.database.migration import migrate

MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - only folders of our own are made in it


def memory_disk() -> Path | None:
    """Where folders are in memory; None where the system has no such place."""
    return MEMORY_DISK if MEMORY_DISK.is_dir() else None


@cache
def empty_database() -> bytes:
    """Return the bytes of the file."""
    with TemporaryDirectory(dir=memory_disk()) as folder:
        path = Path(folder) / "new.db"
        # In a thread: an event loop may be running in this one, on virtual time.
        thread = threading.Thread(target=lambda: asyncio.run(_make(path)))
        thread.start()
        thread.join()
        return path.read_bytes()


async def _make(path: Path) -> None:
    engine = open_database(f"sqlite:///{path}")
    await migrate(engine)
    await engine.dispose()
