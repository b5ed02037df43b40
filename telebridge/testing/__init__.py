"""Tests of telephone applications, without a telephone, an account or a network.

With pytest there is a fixture `phone`:

    def test_billing(phone):
        with phone.call(flow="front-desk.yaml") as call:
            call.hears("press 1 for billing", within=3)
            call.press("1")
            call.hears("billing")

Elsewhere: `with Phone() as phone:`.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telebridge.testing.async_phone import AsyncPhone
    from telebridge.testing.bench.real_time import TwimlApplication
    from telebridge.testing.call.failure import CallFailure
    from telebridge.testing.call.placed_call import PlacedCall
    from telebridge.testing.phone import Phone

with warnings.catch_warnings():  # a project whose tests take warnings for errors cannot help this one
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop  # noqa: F401

__all__ = ["AsyncPhone", "CallFailure", "Phone", "PlacedCall", "TwimlApplication"]

_MODULES = {
    "AsyncPhone": "telebridge.testing.async_phone",
    "CallFailure": "telebridge.testing.call.failure",
    "Phone": "telebridge.testing.phone",
    "PlacedCall": "telebridge.testing.call.placed_call",
    "TwimlApplication": "telebridge.testing.bench.real_time",
}


def __getattr__(name: str) -> object:
    """Load what a test uses when it is used: pytest imports this package in every project that has it."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'telebridge.testing' has no attribute '{name}'")
