from hypothesis import given
from hypothesis import strategies as st

from telebridge.timing.backoff import backoff_seconds


def test_the_delay_doubles_with_each_failure_up_to_its_bound():
    assert [backoff_seconds(n, first=0.5, longest=3) for n in (1, 2, 3, 4, 5)] == [0.5, 1, 2, 3, 3]


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_jitter_stretches_the_delay_by_up_to_its_half(failures, jitter):
    without = backoff_seconds(failures, first=1, longest=60)
    assert without <= backoff_seconds(failures, first=1, longest=60, jitter=jitter) <= 1.5 * without <= 90
