"""Values as JSON that any reader takes, whatever an author put into them.

One rule: a value that JSON cannot have costs its own field, and no line, event or record.
"""

import json
from collections.abc import Mapping
from typing import Any


def json_text(values: Mapping[str, Any]) -> str:
    """The values as one line of RFC 8259 JSON.

    What JSON has no type for is written as `str` does. A field that cannot be written at all, such as a value that
    contains itself, a key that is no text, NaN or an infinity, is left out.
    """
    try:
        return _dumped(values)
    except (ValueError, TypeError, RecursionError):
        return _dumped({name: value for name, value in values.items() if _can_be_told(value)})


def _can_be_told(value: Any) -> bool:
    try:
        _dumped(value)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _dumped(value: Any) -> str:
    return json.dumps(value, default=str, allow_nan=False)
