"""Hours of a day as people write them: `"09:00-12:30"`.

One rule: a window lies within one day; who means the night writes two.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from typing_extensions import override

SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-\u2013]\s*(\d{1,2}):(\d\d)")
MINUTES_OF_DAY = 24 * 60


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `opens` up to, but without, `closes`: minutes after midnight on the wall clock."""

    opens: int
    closes: int

    @override
    def __str__(self) -> str:
        return f"{self.opens // 60:02}:{self.opens % 60:02}-{self.closes // 60:02}:{self.closes % 60:02}"


ALL_DAY = Window(0, MINUTES_OF_DAY)


def read_window(written: str) -> Window:
    """The window that was written.

    Raises:
        ValueError: It is none.
    """
    found = SPAN.fullmatch(written.strip())
    if found is None:
        raise ValueError(f"'{written}' is no window: write it as '09:00-20:00'")
    first_hour, first_minute, last_hour, last_minute = map(int, found.groups())
    window = Window(first_hour * 60 + first_minute, last_hour * 60 + last_minute)
    if first_minute > 59 or last_minute > 59 or window.opens > MINUTES_OF_DAY or window.closes > MINUTES_OF_DAY:
        raise ValueError(f"'{written}' is no window: a day has 24 hours and an hour 60 minutes")
    if window.opens == window.closes:
        raise ValueError(f"the window '{written}' never opens")
    if window.opens > window.closes:
        raise ValueError(f"the window '{written}' crosses midnight: end it at 24:00 and begin the next day at 00:00")
    return window


def within(windows: Iterable[Window], limits: Iterable[Window]) -> tuple[Window, ...]:
    """What of the windows lies within any of the limits, in order if both are in order."""
    limits = tuple(limits)
    pairs = ((window, limit) for window in windows for limit in limits)
    cut = (Window(max(window.opens, limit.opens), min(window.closes, limit.closes)) for window, limit in pairs)
    return tuple(window for window in cut if window.opens < window.closes)


def joined(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same hours in order, those that touch or overlap as one."""
    result: list[Window] = []
    for window in sorted(windows):
        if result and window.opens <= result[-1].closes:
            result[-1] = Window(result[-1].opens, max(result[-1].closes, window.closes))
        else:
            result.append(window)
    return tuple(result)


def hours_of(windows: Mapping[int, tuple[Window, ...]]) -> dict[str, object]:
    """A campaign's windows as a plan keeps them: by weekday, in minutes after midnight."""
    return {str(day): [[window.opens, window.closes] for window in of_day] for day, of_day in windows.items()}


def windows_of(hours: Mapping[str, object]) -> dict[int, tuple[Window, ...]]:
    """Read what `hours_of` wrote."""
    return {
        int(day): tuple(Window(int(opens), int(closes)) for opens, closes in of_day)
        for day, of_day in hours.items()
        if isinstance(of_day, list)
    }
