"""Clips that processes share through a folder, those asked for most also in memory.

One rule: the event loop never waits for the disk. What is in memory is had at once; files are read and written by
threads, and a disk that is slow is as good as empty.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from telebridge.logs import logger
from telebridge.speech.cache.clip import Clip
from telebridge.speech.cache.folder import ClipFolder, KeptClip
from telebridge.speech.cache.memory import HotClips

log = logger(__name__)

T = TypeVar("T")

HOT_BYTES = 32 << 20
READ_SECONDS = 0.25
"""A disk that takes longer to say whether it has a clip is slower than making it again."""


class ClipStore:
    """The clips of a folder. Its coroutines may be used on one event loop at a time.

    Args:
        folder: Made when the first clip is kept.
        max_bytes: The most that all files take.
        hot_bytes: The most that clips held in memory take.
    """

    def __init__(self, folder: Path, *, max_bytes: int, hot_bytes: int = HOT_BYTES) -> None:
        self._folder = ClipFolder(folder, max_bytes)
        self._hot = HotClips(hot_bytes)

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder.path

    def hot(self, key: str) -> Clip | None:
        """The clip, if it is in memory; nothing is awaited, and its file is marked as used in the background."""
        clip = self._hot.find(key)
        if clip is not None:
            loop = asyncio.get_running_loop()
            if self._hot.touch_due(key, now=loop.time()):
                _ = loop.run_in_executor(None, self._folder.touch, key)
        return clip

    async def find(self, key: str) -> Clip | None:
        """The clip, from memory or from disk; None when it is not there, or cannot be read soon."""
        return self.hot(key) or self._found(key, await self._soon(self._folder.read, key, otherwise=None))

    async def find_or_claim(self, key: str) -> tuple[Clip | None, bool]:
        """The clip; or, where there is none, whether it is for this process to make.

        It is not when another process said before that it is making the clip, and is at it. Whoever makes it calls
        `release` when it is made, or will not be.
        """
        if (clip := self.hot(key)) is not None:
            return clip, False
        asking = asyncio.get_running_loop().run_in_executor(None, self._folder.read_or_claim, key)
        told = False
        try:
            await asyncio.wait([asking], timeout=READ_SECONDS)
            told = asking.done()
        finally:
            if not told:  # or cancelled: what the thread may still claim is nobody's
                asking.add_done_callback(lambda late: self._give_up(key, late))
        if not told:
            self._warn_of_slow_disk()
            return None, True
        clip, ours = asking.result()
        return self._found(key, clip), ours

    def _give_up(self, key: str, late: "asyncio.Future[tuple[Clip | None, bool]]") -> None:
        """A claim was taken that nobody waits for any more."""
        if not late.cancelled() and late.exception() is None and late.result()[1]:
            _ = asyncio.get_running_loop().run_in_executor(None, self._folder.claim(key).release)

    def hold(self, key: str, clip: Clip) -> None:
        """Have a clip in memory from now on, one that is on disk or about to be kept."""
        self._hot.put(key, clip, now=_now())

    async def keep(self, key: str, clip: Clip) -> bool:
        """Keep a clip, in memory whatever the disk says; whether it is on disk too."""
        self.hold(key, clip)
        return await asyncio.to_thread(self._folder.write, key, clip)

    async def release(self, key: str) -> None:
        """It is made, or will not be."""
        await asyncio.to_thread(self._folder.claim(key).release)

    async def kept(self) -> list[KeptClip]:
        """Every clip on disk, the one used last at the end."""
        return await asyncio.to_thread(self._folder.all)

    async def clear(self) -> int:
        """Remove every clip; how many there were.

        Raises:
            OSError: One cannot be removed.
        """
        self._hot.clear()
        return await asyncio.to_thread(self._folder.clear)

    def _found(self, key: str, clip: Clip | None) -> Clip | None:
        if clip is not None:
            self.hold(key, clip)
        return clip

    async def _soon(self, ask: Callable[[str], T], key: str, *, otherwise: T) -> T:
        """What a thread finds out, unless that takes longer than speaking anew."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(ask, key), READ_SECONDS)
        except TimeoutError:
            self._warn_of_slow_disk()
            return otherwise

    def _warn_of_slow_disk(self) -> None:
        log.warning("the folder of prompts is slow: spoken anew", folder=str(self.folder))


def _now() -> float:
    return asyncio.get_running_loop().time()
