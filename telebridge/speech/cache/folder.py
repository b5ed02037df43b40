"""The files of the clip cache: named by their keys, bounded in bytes, the least recently used evicted first.

A file is written under another name and renamed, so nobody ever reads half of one. File times say when a clip was last
used, updated at most once a minute each. The bound is kept by whoever writes: a writer reads the whole folder when by
its own count the folder is full, and now and then besides, for what other processes wrote.

A lock file beside a clip says which process is making it, so that other processes wait for the clip. It is advisory:
its owner may be dead, its host another one, the disk full; a process that cannot tell goes on without the lock.

One rule: no fault of the disk is raised. What cannot be read is missing; what cannot be written is not cached.
"""

import contextlib
import errno
import itertools
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from telebridge.logs import logger
from telebridge.private_files import make_private_folder, open_private
from telebridge.speech.cache.clip import (
    Clip,
    ClipDamaged,
    decode,
    encode,
)

log = logger(__name__)

FAN_OUT = 2
"""How many first letters of its key name the subfolder of a clip."""
SUFFIX = ".clip"
LOCK_SUFFIX = ".making"
DRAFT = ".draft"
FILLED_TO = 0.9
"""Eviction goes on until this share of the bound is used, so that not every clip that follows evicts another."""
COUNT_AGAIN_AFTER = 256
"""How many clips are written before the folder is read again, for what other processes wrote."""
OLD_DRAFT_SECONDS = 3600.0
ABANDONED_SECONDS = 30.0
"""A lock older than this is stale: no text takes longer to speak."""


class LockFile:
    """An advisory lock that processes share. Its methods block on the disk.

    Args:
        path: The file; its folder is made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def acquire(self) -> bool:
        """Acquire the lock, or act as if where the disk allows none. Returns False while a live process holds it."""
        try:
            make_private_folder(self._path.parent)
        except OSError:
            return True
        if self._make():
            return True
        if not self._is_abandoned():
            return False
        self.release()
        return self._make()

    def release(self) -> None:
        """Remove the file, whoever made it."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _make(self) -> bool:
        """Make the file. Returns True also where the disk allows none."""
        try:
            with self._path.open("x") as file:
                file.write(_ourselves())
        except FileExistsError:
            return False
        except OSError:
            return True
        return True

    def _is_abandoned(self) -> bool:
        """Whether its owner is gone: a process of this host that is dead, or one that took far too long."""
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


@dataclass(frozen=True, slots=True)
class ClipFile:
    """A file of the folder; `used_ns` is when it was last used, in nanoseconds since the epoch."""

    key: str
    path: str
    bytes: int
    used_ns: int


class ClipFolder:
    """The files of one folder. Its methods block on the disk; any thread may call them, as other processes do anyway.

    Args:
        path: The folder.
        max_bytes: The bound of all files together.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self._max = max_bytes
        self._counted: int | None = None  # bytes of all files, by our own count
        self._written = 0
        self._drafts = itertools.count(1)
        self._fault_logged = False

    def lock(self, key: str) -> LockFile:
        """The lock of a clip, for whoever makes it."""
        return LockFile(self._path_of(key).with_suffix(LOCK_SUFFIX))

    def read(self, key: str) -> Clip | None:
        """Read a clip; None when there is none. A damaged one is removed, and counts as none."""
        path = self._path_of(key)
        try:
            clip = decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except ClipDamaged as error:
            log.warning("a cached prompt is damaged and is made again", file=str(path), problem=error.problem)
            _remove(path)
            return None
        except OSError as error:
            self._log_fault("cannot be read", error)
            return None
        self.touch(key)
        return clip

    def read_or_lock(self, key: str) -> tuple[Clip | None, bool]:
        """Read a clip; or, where there is none, try to acquire its lock. Returns the clip and whether it is locked."""
        clip = self.read(key)
        return clip, clip is None and self.lock(key).acquire()

    def write(self, key: str, clip: Clip) -> bool:
        """Write a clip, evicting the least recently used ones if need be. Returns whether it is on disk."""
        path = self._path_of(key)
        data = encode(clip)
        if len(data) > self._max * FILLED_TO:
            return False
        draft = path.with_name(f"{key}.{os.getpid()}.{next(self._drafts)}{DRAFT}")
        try:
            make_private_folder(path.parent)
            with open_private(draft, "wb") as file:
                file.write(data)
            draft.replace(path)
        except OSError as error:
            _remove(draft)
            self._log_fault("cannot be written", error)
            return False
        self._fault_logged = False
        self._count(len(data))
        return True

    def touch(self, key: str) -> None:
        """Mark a clip as used just now."""
        with contextlib.suppress(OSError):
            os.utime(self._path_of(key))

    def all(self) -> list[ClipFile]:
        """Every clip, the most recently used at the end."""
        return sorted(self._files(), key=lambda file: (file.used_ns, file.key))

    def clear(self) -> int:
        """Remove every clip. Returns how many there were. Raises `OSError` where one cannot be removed."""
        clips = self.all()
        for file in clips:
            Path(file.path).unlink(missing_ok=True)
        self._counted = None
        return len(clips)

    def _path_of(self, key: str) -> Path:
        return self.path / key[:FAN_OUT] / f"{key}{SUFFIX}"

    def _files(self, suffix: str = SUFFIX) -> Iterator[ClipFile]:
        """Every file of a kind. There may be tens of thousands, so each is looked at only once."""
        for part in self._entries(self.path):
            for entry in self._entries(part.path) if len(part.name) == FAN_OUT else ():
                if entry.name.endswith(suffix):
                    with contextlib.suppress(OSError):  # another process was quicker to remove it
                        found = entry.stat()
                        yield ClipFile(entry.name.removesuffix(suffix), entry.path, found.st_size, found.st_mtime_ns)

    @staticmethod
    def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except OSError:
            return []

    def _count(self, added: int) -> None:
        self._written += 1
        if self._counted is not None and self._written % COUNT_AGAIN_AFTER:
            self._counted += added
            if self._counted <= self._max:
                return
        self._evict()

    def _evict(self) -> None:
        """Read the whole folder, and remove what exceeds the bound."""
        clips = self.all()
        total = sum(file.bytes for file in clips)
        if total > self._max:
            for file in clips:
                if total <= self._max * FILLED_TO:
                    break
                _remove(file.path)
                total -= file.bytes
        self._counted = total
        self._remove_old_drafts()

    def _remove_old_drafts(self) -> None:
        """Remove what processes that were killed left behind."""
        oldest = (datetime.now(UTC).timestamp() - OLD_DRAFT_SECONDS) * 1e9
        for draft in self._files(DRAFT):
            if draft.used_ns < oldest:
                _remove(draft.path)

    def _log_fault(self, problem: str, error: OSError) -> None:
        """Log a fault of the disk once: a full disk is full for every prompt of every call."""
        if not self._fault_logged:
            self._fault_logged = True
            full = error.errno == errno.ENOSPC
            problem = "the disk of prompts.cache_dir is full" if full else f"prompts.cache_dir {problem}"
            log.error("calls go on without cached prompts", folder=str(self.path), problem=problem, error=str(error))


def _remove(file: str | Path) -> None:
    with contextlib.suppress(OSError):
        Path(file).unlink(missing_ok=True)
