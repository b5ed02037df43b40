"""When a server's garbage is collected: seldom, because all of its calls wait meanwhile.

Nearly everything is freed as soon as nobody refers to it; the garbage collector only finds circles of references. To
find them it looks at all objects, which takes a tenth of a second while some hundred calls are live. By itself Python
does so every few seconds then, since each prompt makes new objects.

While calls begin, the new objects are looked at by themselves, before they are many: 20,000 of them take some 10 ms.

One rule: collections of all objects take a thousandth of the time at most.
"""

import asyncio
import gc
import time

LOOKS_EVERY_SECONDS = 1.0
SELDOM_SECONDS = 60.0
"""Between two collections, where they take so little time that they might come more often."""
SHARE = 0.001
"""The part of the time that collections take at most."""
MOST_NEW_OBJECTS = 20_000
"""With so many objects more than after the last collection the new ones are looked at."""


class GarbageCollection:
    """Collects the garbage of a process in place of Python's own rule. Call `start` on its event loop, and then `stop`.

    What is there at the start is taken to stay, and is never looked at.
    """

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Collect by this rule from now on."""
        loop = asyncio.get_running_loop()
        gc.disable()
        gc.freeze()
        self._due = loop.time() + SELDOM_SECONDS
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
            gc.collect()
            self._due = loop.time() + pause_after(time.perf_counter() - began)
        elif gc.get_count()[0] > MOST_NEW_OBJECTS:
            gc.collect(0)
        self._timer = loop.call_later(LOOKS_EVERY_SECONDS, self._look, loop)


def pause_after(seconds: float) -> float:
    """How many seconds to wait after a collection that took `seconds`."""
    return max(SELDOM_SECONDS, seconds / SHARE)
