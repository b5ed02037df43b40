"""Which functions of the package run, and how often: the length of a path through it."""

import sys
from collections import Counter
from pathlib import Path

import telebridge

PACKAGE = str(Path(telebridge.__file__).parent)
CLOCK = f"{PACKAGE}/simulator/setup/clock.py"
"""The event loop of a test with a virtual clock: a real one is not the package's."""


class CountedCalls:
    """Counts the calls of the package's own functions in a `with` block, by file and qualified name.

    Functions that Python writes itself, such as the `__init__` of a dataclass, count for the module that they stand in.
    A coroutine or generator that goes on counts as a call. What runs in other threads is not counted.
    """

    def __init__(self):
        self.calls = Counter()

    def __enter__(self):
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _profile(self, frame, event, _):
        if event != "call":
            return
        code = frame.f_code
        if code.co_filename == CLOCK:
            return
        if code.co_filename.startswith(PACKAGE):
            self.calls[f"{code.co_filename[len(PACKAGE) + 1 :]}:{code.co_qualname}"] += 1
        elif code.co_filename == "<string>" and frame.f_globals.get("__name__", "").startswith("telebridge."):
            self.calls[f"{frame.f_globals['__name__']}:{code.co_qualname}"] += 1

    @property
    def functions(self):
        """The functions that ran, in the order in which they were first called."""
        return list(self.calls)

    @property
    def classes(self):
        """The classes whose code has the methods that ran."""
        owners = {name.partition(":")[2].rpartition(".")[0] for name in self.calls}
        return {owner for owner in owners if owner and not owner.endswith("<locals>")}

    @property
    def files(self):
        """The files that they stand in."""
        return {name.partition(":")[0] for name in self.calls}
