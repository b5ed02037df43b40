"""A check of the first bytes of an utterance: audio in a container, such as WAV, would play as noise in a call.

Rime answers an audio format that it does not know with WAV (Rime, "WebSockets", *Variable Parameters*), so a misspelt
setting would otherwise be heard on a live call.

One rule: not a byte is passed on before enough bytes have come to know that they are bare audio.
"""

from telebridge.audio.wav import container_of
from telebridge.errors import SpeechRejected

DECISIVE_BYTES = 16
"""How many first bytes tell every known container from mu-law."""


class ContainerCheck:
    """Checks one utterance, whose audio may come in pieces of any length. Call `receive` with each, then `finish`.

    Attributes:
        passed: Whether it is known to be bare audio; pieces need not go through `receive` any more.
    """

    def __init__(self) -> None:
        self.passed = False
        self._held = bytearray()

    def receive(self, data: bytes) -> bytes:
        """Take the next piece. Returns the audio to pass on; nothing while the bytes are too few.

        Raises:
            SpeechRejected: The bytes begin a container.
        """
        if self.passed:
            return data
        self._held += data
        return self._decide() if len(self._held) >= DECISIVE_BYTES else b""

    def finish(self) -> bytes:
        """The utterance is complete. Returns what was held of it.

        Raises:
            SpeechRejected: The bytes begin a container.
        """
        return b"" if self.passed else self._decide()

    def _decide(self) -> bytes:
        held = bytes(self._held)
        if (container := container_of(held)) is not None:
            raise SpeechRejected(f"Rime sent a {container} file where mu-law was asked for; nothing of it was played")
        self._held.clear()
        self.passed = True
        return held
