"""What only the garbage collector would free: circles of references."""

import gc
from collections import Counter
from contextlib import contextmanager


@contextmanager
def garbage():
    """Give a counter that is filled at the end: the classes of this package whose objects nothing else had freed."""
    found, debug = Counter(), gc.get_debug()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        kinds = [type(each) for each in gc.garbage]
        found.update(kind.__qualname__ for kind in kinds if kind.__module__.startswith("telebridge."))
    finally:
        gc.garbage.clear()
        gc.set_debug(debug)
        gc.enable()
