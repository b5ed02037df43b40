"""The files of clips: plain ones, named by their keys, bounded; the one that was not used for longest goes first.

A file is written beside its place and moved there, so nobody ever reads half of one. Which files were used is told by
their times, marked at most once a minute each. The bound is kept by whoever writes: he reads the whole folder when by
his own count it is full, and now and then besides, for what other processes wrote.

One rule: no fault of the disk is raised. What cannot be read is not there; what cannot be written is not kept.

A file that says which process is making something, for other processes to wait for it instead of making it too.

One rule: a claim is a courtesy, never a lock. Its owner may be dead, its host another one, the disk full; who cannot
tell goes on by himself.
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
from telebridge.speech.cache.clip import (
    Clip,
    ClipDamaged,
    decode,
    encode,
)

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


log = logger(__name__)

FAN_OUT = 2
"""So many first letters of its key name the folder of a clip."""
SUFFIX = ".clip"
DRAFT = ".draft"
FILLED_TO = 0.9
"""Eviction goes on until so much of the bound is used, so that not every clip that follows evicts one."""
COUNT_AGAIN_AFTER = 256
"""So many clips written without a look at what other processes wrote."""
OLD_DRAFT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class KeptClip:
    """A file of the folder, and when it was used last, in nanoseconds since the epoch."""

    key: str
    path: str
    bytes: int
    used_ns: int


class ClipFolder:
    """The files, with calls that block. Any thread may use it, as other processes do anyway.

    Args:
        path: The folder.
        max_bytes: The most that all files take.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self._max = max_bytes
        self._counted: int | None = None  # what all files take, by our own count
        self._written = 0
        self._drafts = itertools.count(1)
        self._told = False

    def claim(self, key: str) -> ClaimFile:
        """The file that says who makes a clip."""
        return ClaimFile(self._place(key).with_suffix(".making"))

    def read(self, key: str) -> Clip | None:
        """A clip; one that is damaged is removed, so that it is made anew."""
        place = self._place(key)
        try:
            clip = decode(place.read_bytes())
        except FileNotFoundError:
            return None
        except ClipDamaged as error:
            log.warning("a kept prompt is damaged: it is made anew", file=str(place), problem=error.problem)
            _remove(place)
            return None
        except OSError as error:
            self._tell("cannot be read", error)
            return None
        self.touch(key)
        return clip

    def read_or_claim(self, key: str) -> tuple[Clip | None, bool]:
        """A clip; or, where there is none, whether it is for this process to make."""
        clip = self.read(key)
        return clip, clip is None and self.claim(key).take()

    def write(self, key: str, clip: Clip) -> bool:
        """Put a clip in its place, at the cost of those not used for longest; whether it is there now."""
        place = self._place(key)
        data = encode(clip)
        if len(data) > self._max * FILLED_TO:
            return False
        draft = place.with_name(f"{key}.{os.getpid()}.{next(self._drafts)}{DRAFT}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(place)
        except OSError as error:
            _remove(draft)
            self._tell("cannot be written", error)
            return False
        self._told = False
        self._count(len(data))
        return True

    def touch(self, key: str) -> None:
        """Mark a clip as used just now."""
        with contextlib.suppress(OSError):
            os.utime(self._place(key))

    def all(self) -> list[KeptClip]:
        """Every clip, the one used last at the end."""
        return sorted(self._files(), key=lambda kept: (kept.used_ns, kept.key))

    def clear(self) -> int:
        """Remove every clip; how many there were."""
        clips = self.all()
        for kept in clips:
            Path(kept.path).unlink(missing_ok=True)
        self._counted = None
        return len(clips)

    def _place(self, key: str) -> Path:
        return self.path / key[:FAN_OUT] / f"{key}{SUFFIX}"

    def _files(self, suffix: str = SUFFIX) -> Iterator[KeptClip]:
        """Every file of a kind. There may be tens of thousands: what the folder tells at once is not asked again."""
        for part in self._entries(self.path):
            for entry in self._entries(part.path) if len(part.name) == FAN_OUT else ():
                if entry.name.endswith(suffix):
                    with contextlib.suppress(OSError):  # another process was quicker to remove it
                        found = entry.stat()
                        yield KeptClip(entry.name.removesuffix(suffix), entry.path, found.st_size, found.st_mtime_ns)

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
        """Read the whole folder, and remove what is too much."""
        clips = self.all()
        total = sum(kept.bytes for kept in clips)
        if total > self._max:
            for kept in clips:
                if total <= self._max * FILLED_TO:
                    break
                _remove(kept.path)
                total -= kept.bytes
        self._counted = total
        self._remove_old_drafts()

    def _remove_old_drafts(self) -> None:
        """What a process that was killed left behind."""
        oldest = (datetime.now(UTC).timestamp() - OLD_DRAFT_SECONDS) * 1e9
        for draft in self._files(DRAFT):
            if draft.used_ns < oldest:
                _remove(draft.path)

    def _tell(self, problem: str, error: OSError) -> None:
        """Say it once: a full disk is full for every prompt of every call."""
        if not self._told:
            self._told = True
            full = error.errno == errno.ENOSPC
            problem = "the disk of prompts.cache_dir is full" if full else f"prompts.cache_dir {problem}"
            log.error("calls go on without kept prompts", folder=str(self.path), problem=problem, error=str(error))


def _remove(file: str | Path) -> None:
    with contextlib.suppress(OSError):
        Path(file).unlink(missing_ok=True)
