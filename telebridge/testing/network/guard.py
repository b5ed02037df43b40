"""Refuses connections of threads to other machines while a telephone is in use.

Code on the event loop of a test is connected in memory; code of an application that blocks in a thread is not, and a
forgotten stand-in must not dial a real number.

One rule: without a telephone in use it does nothing.
"""

import sys
from ipaddress import ip_address
from typing import Any

_in_use = 0
_installed = False


def guard() -> None:
    """Refuse from now on, until `release` was called as often."""
    global _in_use, _installed
    _in_use += 1
    if not _installed:
        _installed = True
        sys.addaudithook(_refuse)


def release() -> None:
    """Refuse no longer."""
    global _in_use
    _in_use -= 1


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect" or not _in_use:
        return
    address = arguments[1]
    host = str(address[0]) if isinstance(address, tuple) and address else ""
    try:
        elsewhere = bool(host) and not ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        elsewhere = host != "localhost"
    if elsewhere:
        raise ConnectionRefusedError(f"a test with a telephone connects to no other machine, and to '{host}' neither")
