"""Files and folders that only their owner can read: recordings, opt-outs, the database, the secret.

One rule: a file is private from its creation on, never made readable by others first and closed afterwards.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, with the mode 0700. The mode of one that exists is kept.

    Raises:
        OSError: It cannot be made.
    """
    if not folder.is_dir():
        if not folder.parent.exists():
            make_private_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def open_private(file: Path, mode: str, **options: Any) -> IO[Any]:
    """Open a file as `open` does; one that is made by this has the mode 0600.

    Raises:
        OSError: It cannot be opened.
    """
    return open(file, mode, opener=_private, **options)


def make_private(path: Path) -> None:
    """Take the rights of others away from a file or folder that exists; nothing happens where that is not allowed."""
    with suppress(OSError):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            path.chmod(mode & 0o700)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, FILE_MODE)
