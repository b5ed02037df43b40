"""Tests on a clock that jumps: ten minutes of a call take as long as its messages take."""

import functools

from telebridge.simulator.setup.clock import run_virtual


def virtually(test):
    """Run an asynchronous test on virtual time."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        return run_virtual(test(*args, **kwargs))

    return run
