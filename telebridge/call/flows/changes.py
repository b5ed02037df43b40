"""Which files of a folder have changed; each is reported once it has stopped changing.

One rule: a change counts once two consecutive scans see the same. A file that is being written, or is missing for a
moment because an editor replaces it, is not reported yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Stamp = tuple[int, int, int]
"""Time of the last change in nanoseconds, size in bytes, inode: which differ when the file does."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since it was last reported."""

    changed: tuple[Path, ...] = ()
    gone: tuple[Path, ...] = ()


class SettledChanges:
    """Compares a scan of a folder with the scans before.

    Args:
        known: The files as they were when they were loaded.
    """

    def __init__(self, known: Mapping[Path, Stamp]) -> None:
        self._known = dict(known)
        self._last: Mapping[Path, Stamp] = self._known

    def look(self, seen: Mapping[Path, Stamp]) -> Changes:
        """Return what has changed and settled, given the files as they are now; each change is returned once."""
        last, self._last = self._last, dict(seen)
        changed = [path for path, stamp in seen.items() if stamp != self._known.get(path) and stamp == last.get(path)]
        gone = [path for path in self._known if path not in seen and path not in last]
        for path in changed:
            self._known[path] = seen[path]
        for path in gone:
            del self._known[path]
        return Changes(tuple(changed), tuple(gone))
