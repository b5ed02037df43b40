"""When a server's garbage is collected: seldom, because all of its calls wait meanwhile.

Nearly everything is freed as soon as nobody refers to it; the garbage collector only finds circles of references. To
find them it looks at all objects, which takes a tenth of a second while some hundred calls are live. By itself Python
does so every few seconds then, since each prompt makes new objects.

While calls begin, the new objects are looked at by themselves, before they are many: 5,000 of them take some 3 ms. All
objects are looked at once a minute, and more and more rarely where next to nothing is found.

One rule: collections of all objects take a thousandth of the time at most.
"""

import asyncio
import gc
import time

LOOKS_EVERY_SECONDS = 0.25
SELDOM_SECONDS = 60.0
"""Between two collections of all objects, while they find much."""
SELDOMEST_SECONDS = 3600.0
"""The same where they have found little again and again."""
MUCH = 10_000
"""So many objects that only a collection frees are much: some megabytes."""
SHARE = 0.001
"""The part of the time that collections take at most."""
MOST_NEW_OBJECTS = 5_000
"""With so many objects more than after the last collection the new ones are looked at."""


class GarbageCollection:
    """Collects the garbage of a process in place of Python's own rule. Call `start` on its event loop, and then `stop`.

    What is there at the start is taken to stay, and is never looked at.
    """

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._pause = SELDOM_SECONDS

    def start(self) -> None:
        """Collect by this rule from now on."""
        loop = asyncio.get_running_loop()
        gc.disable()
        gc.freeze()
        self._due = loop.time() + self._pause
        self._timer = loop.call_later(LOOKS_EVERY_SECONDS, self._look, loop)

    def stop(self) -> None:
        """Collect by Python's rule again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            gc.enable()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop.time() >= self._due:
            began = time.perf_counter()
            freed = gc.collect()
            self._pause = pause_after(self._pause, freed=freed, took_seconds=time.perf_counter() - began)
            self._due = loop.time() + self._pause
        elif gc.get_count()[0] > MOST_NEW_OBJECTS:
            gc.collect(0)
        self._timer = loop.call_later(LOOKS_EVERY_SECONDS, self._look, loop)


def pause_after(before: float, *, freed: int, took_seconds: float) -> float:
    """How many seconds to wait after a collection of all objects.

    Args:
        before: How long the pause before it was.
        freed: How many objects it has freed.
        took_seconds: How long it took.
    """
    wanted = SELDOM_SECONDS if freed > MUCH else min(SELDOMEST_SECONDS, 2 * before)
    return max(wanted, took_seconds / SHARE)
