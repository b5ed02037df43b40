"""SQLite files with the newest tables, for tests that are not about migrations.

To migrate an empty database takes a fifth of a second of the processor. It is done once a process, and then copied.
"""

import asyncio
import threading
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from telebridge.database.engine import open_database
from telebridge.database.migration import migrate


def make_migrated(path):
    """Write an empty SQLite file with the newest tables, unless there is a file."""
    path = Path(path)
    if not path.exists():
        path.write_bytes(_migrated())


@cache
def _migrated():
    async def make(path):
        engine = open_database(f"sqlite:///{path}")
        await migrate(engine)
        await engine.dispose()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        # The caller's own event loop may be running, on virtual time.
        thread = threading.Thread(target=lambda: asyncio.run(make(path)))
        thread.start()
        thread.join()
        return path.read_bytes()
