"""A guard before the caller's ear: audio that begins like a file is no telephone audio, and would play as noise.

Rime answers an audio format that it does not know with WAV (its "WebSockets" page), so a misspelt setting would
otherwise be heard on a live call.
"""

from telebridge.audio.wav import container_of
from telebridge.errors import SpeechRejected

DECISIVE_BYTES = 16


class HeaderGuard:
    """Holds back the first bytes of an utterance until they are known to be bare audio."""

    def __init__(self) -> None:
        self._held: bytearray | None = bytearray()

    def receive(self, data: bytes) -> bytes:
        """The audio that may go on; nothing while the first bytes are too few to tell.

        Raises:
            SpeechRejected: It is a file.
        """
        if self._held is None:
            return data
        self._held += data
        return self._decide() if len(self._held) >= DECISIVE_BYTES else b""

    def finish(self) -> bytes:
        """What is held back when no more comes.

        Raises:
            SpeechRejected: It is a file.
        """
        return b"" if self._held is None else self._decide()

    def _decide(self) -> bytes:
        held, self._held = bytes(self._held or b""), None
        if (container := container_of(held)) is not None:
            raise SpeechRejected(f"Rime sent a {container} file where mu-law was asked for; nothing of it was played")
        return held
