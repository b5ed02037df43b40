"""The recording of a message, from the beep until the caller stops, presses a key, or has spoken long enough.

One rule: what was recorded is never lost because the call ended; who leaves a message ends it by hanging up.
"""

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.flows.steps import Record, RecordingEnd

TAIL_SECONDS = 1.0
"""So much of the silence that ended it is kept: a message should not end in the middle of a breath."""


class MessageRecording:
    """The message of one caller, in mu-law at 8000 Hz.

    Attributes:
        spoken: Whether the caller has said anything.
    """

    def __init__(self, record: Record) -> None:
        self.spoken = False
        self._audio = bytearray()
        self._longest = round(record.longest_seconds * 1000) * BYTES_PER_MS
        self._silence = round(record.silence_seconds * 1000) * BYTES_PER_MS
        self._finish_key = record.finish_on_key
        self._silent = 0  # bytes since the caller was last heard
        self._ending: RecordingEnd | None = None

    def append(self, payload: bytes, *, speaking: bool) -> RecordingEnd | None:
        """Append audio; returns why the recording is over, once it is."""
        self._audio += payload[: self._longest - len(self._audio)]
        self.spoken = self.spoken or speaking
        self._silent = 0 if speaking else self._silent + len(payload)
        if len(self._audio) >= self._longest:
            self._ending = RecordingEnd.LONGEST
        elif self._silent >= self._silence:
            self._ending = RecordingEnd.SILENCE
        return self._ending

    def press(self, digit: str) -> RecordingEnd | None:
        """Take a key; returns why the recording is over, when it ends it."""
        return RecordingEnd.FINISH_KEY if digit == self._finish_key else None

    def audio(self) -> bytes:
        """What there is to keep: nothing when nothing was said, and hardly any of the silence at the end."""
        if not self.spoken:
            return b""
        dropped = max(0, self._silent - round(TAIL_SECONDS * 1000) * BYTES_PER_MS)
        return bytes(self._audio[: len(self._audio) - dropped])
