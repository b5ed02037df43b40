"""How long to wait after failures in a row: exponential back-off, bounded, spread by jitter.

One rule: nothing here sleeps or draws random numbers; who waits brings its own clock and jitter.
"""

MOST_DOUBLINGS = 30
"""A bound for the exponent, so that no number of failures overflows a float."""


def backoff_seconds(failures: int, *, first: float, longest: float, jitter: float = 0.0) -> float:
    """Compute the delay before the next attempt.

    Args:
        failures: Failures in a row, at least 1. The delay doubles with each.
        first: Seconds after the first failure.
        longest: The bound of the delay in seconds, before jitter.
        jitter: From 0 to 1; stretches the delay by up to its half, so that many clients do not retry together.

    Returns:
        Seconds to wait.
    """
    doubled = first * 2.0 ** min(failures - 1, MOST_DOUBLINGS)
    return min(doubled, longest) * (1 + jitter / 2)
