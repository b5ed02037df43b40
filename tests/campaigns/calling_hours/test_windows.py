"""Hours of a day as people write them."""

import pytest

from telebridge.campaigns.calling_hours.windows import (
    Window,
    joined,
    read_window,
    within,
)


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("09:00-20:00", Window(540, 1200)),
        ("9:00 - 12:30", Window(540, 750)),
        ("00:00-24:00", Window(0, 1440)),
        ("09:00\u201310:00", Window(540, 600)),
    ],
)
def test_a_window_is_read(written, window):
    assert read_window(written) == window


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("9-20", "is no window"),
        ("", "is no window"),
        ("09:60-10:00", "an hour 60 minutes"),
        ("09:00-24:01", "a day has 24 hours"),
        ("09:00-09:00", "never opens"),
        ("22:00-02:00", "crosses midnight"),
    ],
)
def test_what_is_no_window_is_refused(written, problem):
    with pytest.raises(ValueError, match=problem):
        read_window(written)


def test_windows_that_touch_or_overlap_are_one():
    assert joined([Window(600, 700), Window(100, 200), Window(200, 300), Window(650, 800)]) == (
        Window(100, 300),
        Window(600, 800),
    )


def test_a_limit_cuts_windows_and_drops_those_outside():
    assert within([Window(100, 500), Window(600, 700)], [Window(480, 600)]) == (Window(480, 500),)


def test_a_window_is_shown_as_it_is_written():
    assert str(read_window("09:05-20:00")) == "09:05-20:00"
