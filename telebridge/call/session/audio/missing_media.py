"""Silence in place of media that does not come, such as that of a caller whose stream is muted.

Twilio sends 50 frames a second, in silence too. A timer of silence counts frames, so without frames it would not end.

One rule: silence is filled in only while something waits for silence, and counts once.
"""

from collections.abc import Iterator

from telebridge.audio.mulaw import FRAME_MS, silence
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.stream_phase import PhaseMachine
from telebridge.twilio.media_stream import AudioReceived

MISSING_SECONDS = 1.0
"""After so long without a frame media counts as missing."""
FILL_SECONDS = 0.2
"""So much silence is filled in at a time."""
FRAME_OF_SILENCE = silence(FRAME_MS)


class MissingMedia:
    """The frames that the stream of one call lacks. Ask while `FullDuplex.awaits_silence`.

    Args:
        phases: Knows when the last frame came.
        duplex: Knows the media time of it.
    """

    __slots__ = ("_duplex", "_filled_to", "_phases")

    def __init__(self, phases: PhaseMachine, duplex: FullDuplex) -> None:
        self._phases = phases
        self._duplex = duplex
        self._filled_to = 0.0  # until when silence took the place of media, in monotonic seconds

    def next_deadline(self) -> float | None:
        """When the next frames of silence are due, in monotonic seconds; None without a stream."""
        if not self._phases.phase.is_live:
            return None
        since = max(self._phases.last_media_at, self._phases.started_at)
        return since + MISSING_SECONDS if self._filled_to <= since else self._filled_to + FILL_SECONDS

    def frames(self, *, now: float) -> Iterator[AudioReceived]:
        """Yield the frames that are missing until `now`; `FullDuplex` takes each before the next is made."""
        due = self.next_deadline()
        if due is None or now < due:
            return
        since = max(self._phases.last_media_at, self._phases.started_at, self._filled_to)
        self._filled_to = now
        for _ in range(round((now - since) * 1000 / FRAME_MS)):
            yield AudioReceived(FRAME_OF_SILENCE, round(self._duplex.media_ms))
