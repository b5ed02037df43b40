"""A memory cache of clips, so that a prompt that every caller hears is read from disk once.

One rule: the memory is bounded in bytes; the least recently used clip is evicted first.
"""

from collections import OrderedDict

from telebridge.speech.cache.clip import Clip

TOUCH_SECONDS = 60.0
"""The file of a clip that is used from memory is marked as used this often at most."""


class MemoryCache:
    """An LRU cache of clips by their keys. Times are `now` in monotonic seconds.

    Args:
        max_bytes: A clip larger than this is not cached.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._bytes = 0
        self._clips: OrderedDict[str, Clip] = OrderedDict()  # the most recently used at the end
        self._touched: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._clips)

    def find(self, key: str) -> Clip | None:
        """The clip, which becomes the most recently used."""
        clip = self._clips.get(key)
        if clip is not None:
            self._clips.move_to_end(key)
        return clip

    def put(self, key: str, clip: Clip, *, now: float) -> None:
        """Add a clip whose file was just read or written."""
        self.drop(key)
        if clip.cost_bytes > self._max:
            return
        self._clips[key] = clip
        self._touched[key] = now
        self._bytes += clip.cost_bytes
        while self._bytes > self._max:
            self.drop(next(iter(self._clips)))

    def drop(self, key: str) -> None:
        """Remove a clip, if it is cached."""
        clip = self._clips.pop(key, None)
        if clip is not None:
            self._bytes -= clip.cost_bytes
            del self._touched[key]

    def touch_due(self, key: str, *, now: float) -> bool:
        """Whether to mark the file of a cached clip as used; True at most once in `TOUCH_SECONDS`."""
        if key not in self._touched or now - self._touched[key] < TOUCH_SECONDS:
            return False
        self._touched[key] = now
        return True

    def clear(self) -> None:
        """Remove all clips."""
        self._clips.clear()
        self._touched.clear()
        self._bytes = 0
