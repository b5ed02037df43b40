"""The clips that are asked for most, in memory: a prompt that everybody hears is read from disk once.

One rule: the memory is bounded in bytes; the clip that was not used for longest goes first.
"""

from collections import OrderedDict

from telebridge.speech.cache.clip import Clip

TOUCH_SECONDS = 60.0


class HotClips:
    """Clips by their keys, those used last at the end. Time is `now` in monotonic seconds.

    Args:
        max_bytes: A clip larger than this by itself is not held.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._bytes = 0
        self._clips: OrderedDict[str, Clip] = OrderedDict()
        self._touched: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._clips)

    def find(self, key: str) -> Clip | None:
        """The clip, which is used by this."""
        clip = self._clips.get(key)
        if clip is not None:
            self._clips.move_to_end(key)
        return clip

    def put(self, key: str, clip: Clip, *, now: float) -> None:
        """Hold a clip whose file was just read or written."""
        self.drop(key)
        if clip.cost_bytes > self._max:
            return
        self._clips[key] = clip
        self._touched[key] = now
        self._bytes += clip.cost_bytes
        while self._bytes > self._max:
            self.drop(next(iter(self._clips)))

    def drop(self, key: str) -> None:
        """Forget a clip, if it is held."""
        clip = self._clips.pop(key, None)
        if clip is not None:
            self._bytes -= clip.cost_bytes
            del self._touched[key]

    def touch_due(self, key: str, *, now: float) -> bool:
        """Whether the file of a held clip should be marked as used; then it is not, for a minute."""
        if key not in self._touched or now - self._touched[key] < TOUCH_SECONDS:
            return False
        self._touched[key] = now
        return True

    def clear(self) -> None:
        """Forget all."""
        self._clips.clear()
        self._touched.clear()
        self._bytes = 0
