"""Whether a process has room for another call: how late its event loop is, and how much of its core it uses.

Late frames are heard by every caller, so a call too many is refused where it arrives, and the calls that were accepted
keep their quality. What a call costs is measured while calls are live; a call that has just begun costs as much, though
nothing of it is seen yet.

One rule: what refuses calls is in the table `TRANSITIONS`, and lasts until it has been better for a while.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

CALLS_PER_CORE = 480
"""How many calls one process accepts unless its settings say otherwise. A caller who interrupts now and then costs 36
to 39 us of the processor for each of the 50 frames of a second, so 480 of them take nine tenths of a core; with more,
chunks of Rime are late. A slower machine refuses earlier, by its own measurements."""
FEWEST_CALLS = 8
"""With fewer live calls nothing is refused: then it is not the calls that use the machine."""
LATEST_OF = 20
LATE_ONES = 4
"""The lag is the 4th highest of the last 20 looks: one callback that takes long, such as an import, is no overload."""
CONNECTING_SECONDS = 0.3
"""How long Twilio takes to connect the stream of a call; until then the call costs next to nothing."""
AVERAGED_SECONDS = 2.0
"""The share of the core is measured over such a time, so a call that has just begun is seen in it little by little.
Over one second it differs by a twentieth of the core from look to look, and the highest look refused calls."""
SETTLING_SECONDS = CONNECTING_SECONDS + 2 * AVERAGED_SECONDS
"""What the beginning of a call cost, a second of it, is seen for so long."""
MEASURED_FROM_CALLS = 20
"""From so many live calls on, the cost of a call is measured."""
SETTLED = 0.95
"""It is measured only while this part of them has settled: the beginning of a call costs more than what follows. Until
then a measurement only says what a call costs at most."""
BEGINNING_SECONDS = 2.5
"""The beginning of a call costs as much as so many seconds of it. That is over soon, so it refuses no call by itself;
where it makes the event loop late, the lag does."""
BEGINNING_AT_LEAST_SECONDS = 2.0
"""It costs no less than so many: what a call costs is measured without it while calls arrive."""
UNMEASURED = 3.3
"""Before that a call is taken to cost so many times the usual: machines are slower, and callers speak more."""
EASED = 0.85
"""A reading is light when nothing is above this part of its limit."""


class LoadState(Enum):
    """Whether new calls are accepted.

    ACCEPTING: they are.

    REFUSING: they are refused.

    RECOVERING: they are refused still, and have not been too many for a while.
    """

    ACCEPTING = "accepting"
    REFUSING = "refusing"
    RECOVERING = "recovering"


class Reading(Enum):
    """What a measurement says.

    LIGHT: everything is well below its limit.

    STEADY: everything is below its limit.

    HEAVY: something is above its limit.
    """

    LIGHT = "light"
    STEADY = "steady"
    HEAVY = "heavy"


_ACCEPTING, _REFUSING, _RECOVERING = LoadState
TRANSITIONS: dict[tuple[LoadState, Reading], LoadState] = {
    (_ACCEPTING, Reading.LIGHT): _ACCEPTING,
    (_ACCEPTING, Reading.STEADY): _ACCEPTING,
    (_ACCEPTING, Reading.HEAVY): _REFUSING,
    (_REFUSING, Reading.LIGHT): _RECOVERING,
    (_REFUSING, Reading.STEADY): _REFUSING,
    (_REFUSING, Reading.HEAVY): _REFUSING,
    (_RECOVERING, Reading.LIGHT): _RECOVERING,  # until `OverloadLimits.recovery_seconds` have passed
    (_RECOVERING, Reading.STEADY): _REFUSING,
    (_RECOVERING, Reading.HEAVY): _REFUSING,
}


@dataclass(frozen=True, slots=True)
class OverloadLimits:
    """From which measurements on calls are refused.

    Args:
        lag_ms: How late the event loop may be.
        core_share: How much of one core the process may use, from 0 to 1.
        recovery_seconds: How long everything must be well below its limit before calls are accepted again.
    """

    lag_ms: float = 20.0
    core_share: float = 0.9
    recovery_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class OverloadBegan:
    """From now on calls are refused.

    Args:
        lag_ms: How late the event loop is.
        core_share: How much of one core is used.
        expected_share: The same once the calls are seen that have just begun.
        live: How many calls are live.
    """

    lag_ms: float
    core_share: float
    expected_share: float
    live: int


@dataclass(frozen=True, slots=True)
class OverloadEnded:
    """Calls are accepted again.

    Args:
        seconds: How long they were refused.
        refused: How many were.
    """

    seconds: float
    refused: int


OverloadEvent = OverloadBegan | OverloadEnded


class Overload:
    """Decides whether a process has room for another call. Times are `now` in monotonic seconds.

    Call `measure` some times a second, `call_began` for each call that was accepted, and `call_refused` for each other.
    The events say when the decision changes.

    Args:
        limits: From which measurements on calls are refused.
    """

    def __init__(self, limits: OverloadLimits | None = None) -> None:
        self.limits = limits or OverloadLimits()
        self.state = LoadState.ACCEPTING
        self.lag_ms = 0.0
        self.core_share = 0.0
        self._lags: deque[float] = deque(maxlen=LATEST_OF)
        self._live = 0
        self._began: deque[float] = deque()  # when the calls began that are not seen in the measurements yet
        self._settled_cost = UNMEASURED * self.limits.core_share / CALLS_PER_CORE  # of a call, as a share of the core
        self._cost = self._settled_cost  # the same while calls arrive
        self._light_since = 0.0
        self._refusing_since = 0.0
        self._refused = 0

    @property
    def refuses(self) -> bool:
        """Whether a call that arrives now must be refused."""
        return self.state is not LoadState.ACCEPTING

    def expected_share(self, *, now: float) -> float:
        """The share of the core once the calls that have just begun are seen, and what their beginning cost is over."""
        ages = self._ages(now)
        unseen = _unseen(ages)
        seen = min(self.core_share, (self._live - unseen) * self._cost)
        return max(self.core_share - _beginnings_at_most(ages) * self._cost, seen) + unseen * self._cost

    def measure(self, *, lag_ms: float, core_share: float, live: int, now: float) -> list[OverloadEvent]:
        """Take a measurement.

        Args:
            lag_ms: How late the event loop was just now.
            core_share: How much of one core the process has used in the last `AVERAGED_SECONDS`.
            live: How many calls are live.
            now: The present time.
        """
        self._lags.append(lag_ms)
        self.lag_ms = sorted(self._lags, reverse=True)[LATE_ONES - 1] if len(self._lags) >= LATE_ONES else 0.0
        self.core_share, self._live = core_share, live
        ages = self._ages(now)
        seen = live - _unseen(ages)
        if live >= MEASURED_FROM_CALLS and live - len(ages) >= SETTLED * live:
            self._settled_cost = self._cost = core_share / seen
        elif seen >= MEASURED_FROM_CALLS:
            self._cost = min(self._settled_cost, core_share / (seen + _beginnings_at_least(ages)))
        return self._read(now)

    def call_began(self, *, now: float) -> list[OverloadEvent]:
        """A call was accepted."""
        self._began.append(now)
        self._live += 1
        return self._read(now)

    def call_refused(self) -> None:
        """A call was refused."""
        self._refused += 1

    def _ages(self, now: float) -> list[float]:
        """How long the calls that have not settled are connected, in measured times; negative before they are."""
        while self._began and self._began[0] <= now - SETTLING_SECONDS:
            self._began.popleft()
        return [(now - began - CONNECTING_SECONDS) / AVERAGED_SECONDS for began in self._began]

    def _read(self, now: float) -> list[OverloadEvent]:
        expected = self.expected_share(now=now)
        reading = self._reading(max(self.lag_ms / self.limits.lag_ms, expected / self.limits.core_share))
        before, self.state = self.state, TRANSITIONS[self.state, reading]
        if before is LoadState.ACCEPTING and self.state is LoadState.REFUSING:
            self._refusing_since, self._refused = now, 0
            return [OverloadBegan(self.lag_ms, self.core_share, expected, self._live)]
        if self.state is LoadState.RECOVERING:
            if before is not LoadState.RECOVERING:
                self._light_since = now
            if now - self._light_since >= self.limits.recovery_seconds:
                self.state = LoadState.ACCEPTING
                return [OverloadEnded(now - self._refusing_since, self._refused)]
        return []

    def _reading(self, used: float) -> Reading:
        """What a measurement says whose worst part is `used` of its limit."""
        if self._live < FEWEST_CALLS or used <= EASED:
            return Reading.LIGHT
        return Reading.STEADY if used < 1 else Reading.HEAVY


def _unseen(ages: list[float]) -> float:
    """How many of these calls the share of the core does not show yet; of those it shows in part, the rest."""
    return sum(min(1.0, max(0.0, 1.0 - age)) for age in ages)


def _beginnings_at_most(ages: list[float]) -> float:
    """As much as how many calls their beginnings cost that the share of the core shows, at the most."""
    return sum(min(1.0, 2.0 - age) for age in ages if age > 0) * BEGINNING_SECONDS / AVERAGED_SECONDS


def _beginnings_at_least(ages: list[float]) -> float:
    """The same at the least.

    A beginning may cost the most at once, and is then seen whole for the averaged time; or it is spread over as long,
    and then more and more of it is seen, and after that less and less.
    """
    at_once = sum(0 < age < 1 for age in ages)
    spread = sum(min(age, 2.0 - age) for age in ages if age > 0)
    return min(at_once, spread) * BEGINNING_AT_LEAST_SECONDS / AVERAGED_SECONDS
