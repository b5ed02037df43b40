"""A call as it sounded at the bridge: both legs and every event on one clock.

Position 0 is when the call began. The caller's leg lies where it was heard; the bridge's where it plays, as far as the
bridge can know: what a clear takes back is taken back here.

One rule: what `take` has handed out does not change any more.
"""

from telebridge.audio.mulaw import BYTES_PER_MS, SILENCE_BYTE

_BYTES_PER_SECOND = BYTES_PER_MS * 1000
_SILENCE = bytes([SILENCE_BYTE])


class Flight:
    """Grows while the call goes on.

    Args:
        began_at: When it began, in monotonic seconds.
    """

    def __init__(self, began_at: float) -> None:
        self._began_at = began_at
        self._taken = 0  # bytes of each leg that were handed out
        self._caller = bytearray()
        self._bridge = bytearray()

    def at_ms(self, now: float) -> float:
        """How long the call has lasted."""
        return (now - self._began_at) * 1000

    def heard(self, payload: bytes, *, now: float) -> None:
        """The caller was heard; the last sample sounded now."""
        _put(self._caller, payload, self._position(now) - len(payload))

    def sent(self, payload: bytes, *, now: float) -> None:
        """Audio was sent; it plays now, or behind what was sent before."""
        _put(self._bridge, payload, self._position(now))

    def cleared(self, *, now: float) -> None:
        """What has not sounded never will."""
        del self._bridge[max(0, self._position(now)) :]

    def take(self, *, now: float) -> tuple[bytes, bytes]:
        """What nothing will change any more, of the caller's leg and of the bridge's, equally long."""
        size = max(0, self._position(now))
        self._taken += size
        return _cut(self._caller, size), _cut(self._bridge, size)

    def _position(self, now: float) -> int:
        """Where `now` lies in what was not handed out."""
        return round((now - self._began_at) * _BYTES_PER_SECOND) - self._taken


def _put(leg: bytearray, payload: bytes, position: int) -> None:
    leg += _SILENCE * max(0, position - len(leg))
    leg += payload


def _cut(leg: bytearray, size: int) -> bytes:
    part = bytes(leg[:size])
    del leg[:size]
    return part + _SILENCE * (size - len(part))
