"""The record of a call as plain values."""

from copy import deepcopy
from dataclasses import fields

from support.api import record


def test_plain_values_stay_as_they_are_while_the_call_goes_on():
    """They are written out in another thread, where a table that grows would be an error."""
    kept = record()
    kept.result["name"], kept.path[:], kept.digits[:], kept.recordings[:] = "Ada", ["a"], ["1"], ["r.wav"]
    values = kept.as_json()
    before = deepcopy(values)
    for field in fields(kept):
        match getattr(kept, field.name):
            case list() as items:
                items.clear()
            case dict() as table:
                table["more"] = 1
            case _:
                pass
    assert values == before
