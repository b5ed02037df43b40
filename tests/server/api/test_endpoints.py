"""Which calls can be controlled."""

import pytest
from support.api import SID, PlayedCalls, record

from telebridge.errors import NotLive
from telebridge.server.api.endpoints import live_control


def test_a_live_call_that_can_be_controlled_is_found_and_no_other():
    calls = PlayedCalls()
    control = calls.add(record())
    find = live_control(calls)
    assert find(SID) is control
    assert find("CA0") is None


def test_a_live_call_that_cannot_be_controlled_says_so():
    calls = PlayedCalls()
    calls.live[SID] = object()
    with pytest.raises(NotLive, match=f"call {SID} cannot be controlled by this bridge yet"):
        live_control(calls)(SID)
