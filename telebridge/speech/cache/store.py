"""The clips that processes share through a folder, the most used ones in memory too.

One rule: the event loop never waits for the disk. What is in memory is there at once; files are read and written by
threads, and a disk that is slow counts as empty.
"""

import asyncio
from pathlib import Path

from telebridge.logs import logger
from telebridge.speech.cache.clip import Clip
from telebridge.speech.cache.folder import ClipFile, ClipFolder
from telebridge.speech.cache.memory import MemoryCache

log = logger(__name__)

MEMORY_BYTES = 32 << 20
READ_SECONDS = 0.25
"""A disk that takes longer to look a clip up is slower than speaking the text again."""


class ClipStore:
    """The clips of a folder. Its coroutines may be used on one event loop at a time.

    Args:
        folder: Made when the first clip is written.
        max_bytes: The bound of all files together.
        memory_bytes: The bound of all clips in memory together.
    """

    def __init__(self, folder: Path, *, max_bytes: int, memory_bytes: int = MEMORY_BYTES) -> None:
        self._folder = ClipFolder(folder, max_bytes)
        self._memory = MemoryCache(memory_bytes)

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder.path

    def in_memory(self, key: str) -> Clip | None:
        """The clip, if it is in memory. Its file is marked as used in the background."""
        clip = self._memory.find(key)
        if clip is not None:
            loop = asyncio.get_running_loop()
            if self._memory.touch_due(key, now=loop.time()):
                _ = loop.run_in_executor(None, self._folder.touch, key)
        return clip

    async def find(self, key: str) -> Clip | None:
        """The clip, from memory or disk; None when there is none, or the disk is slow."""
        return self.in_memory(key) or self._found(key, await self._read_soon(key))

    async def find_or_lock(self, key: str) -> tuple[Clip | None, bool]:
        """The clip; or, where there is none, whether this process holds the lock to make it.

        It does not while another process holds the lock. Whoever gets it calls `unlock` when the clip is written, or
        will not be.
        """
        if (clip := self.in_memory(key)) is not None:
            return clip, False
        reading = asyncio.get_running_loop().run_in_executor(None, self._folder.read_or_lock, key)
        in_time = False
        try:
            await asyncio.wait([reading], timeout=READ_SECONDS)
            in_time = reading.done()
        finally:
            if not in_time:  # or cancelled: nobody will unlock what the thread may still lock
                reading.add_done_callback(lambda late: self._unlock_late(key, late))
        if not in_time:
            self._warn_of_slow_disk()
            return None, True
        clip, locked = reading.result()
        return self._found(key, clip), locked

    def _unlock_late(self, key: str, late: "asyncio.Future[tuple[Clip | None, bool]]") -> None:
        """Release a lock that was acquired after the wait for it was over."""
        if not late.cancelled() and late.exception() is None and late.result()[1]:
            _ = asyncio.get_running_loop().run_in_executor(None, self._folder.lock(key).release)

    def put_in_memory(self, key: str, clip: Clip) -> None:
        """Hold a clip in memory that is on disk, or about to be written."""
        self._memory.put(key, clip, now=_now())

    async def write(self, key: str, clip: Clip) -> bool:
        """Store a clip in memory and on disk. Returns whether it is on disk."""
        self.put_in_memory(key, clip)
        return await asyncio.to_thread(self._folder.write, key, clip)

    async def unlock(self, key: str) -> None:
        """Release the lock that `find_or_lock` acquired."""
        await asyncio.to_thread(self._folder.lock(key).release)

    async def files(self) -> list[ClipFile]:
        """Every clip on disk, the most recently used at the end."""
        return await asyncio.to_thread(self._folder.all)

    async def clear(self) -> int:
        """Remove every clip. Returns how many there were.

        Raises:
            OSError: One cannot be removed.
        """
        self._memory.clear()
        return await asyncio.to_thread(self._folder.clear)

    def _found(self, key: str, clip: Clip | None) -> Clip | None:
        if clip is not None:
            self.put_in_memory(key, clip)
        return clip

    async def _read_soon(self, key: str) -> Clip | None:
        """Read a clip from disk, unless that takes longer than speaking the text again."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._folder.read, key), READ_SECONDS)
        except TimeoutError:
            self._warn_of_slow_disk()
            return None

    def _warn_of_slow_disk(self) -> None:
        log.warning("the folder of prompts is slow: spoken again", folder=str(self.folder))


def _now() -> float:
    return asyncio.get_running_loop().time()
