"""Rime's plain WebSocket, `/ws`, for either side: text frames to Rime, bare audio from it.

Follows Rime, "WebSockets", *Messages* and *Commands*: a text frame is appended to the text to be spoken, unless it is
exactly `<CLEAR>`, `<FLUSH>` or `<EOS>`. `<300>` is a pause, and part of the text. The protocol has no way to quote a
command, so brackets that could make one are replaced.

One rule: nothing that is given as text leaves as a command (see `telebridge.rime.escaping`).
"""

from typing import NoReturn

from telebridge.errors import LocalProtocolError, RemoteProtocolError
from telebridge.rime.escaping import escaped
from telebridge.rime.messages import (
    ChunkReceived,
    ClearReceived,
    Ended,
    EosReceived,
    FlushReceived,
    HeardByRime,
    Side,
    TextReceived,
    ended,
)

CLEAR, FLUSH, EOS = "<CLEAR>", "<FLUSH>", "<EOS>"
COMMANDS: dict[str, HeardByRime] = {CLEAR: ClearReceived(), FLUSH: FlushReceived(), EOS: EosReceived()}


class PlainConnection:
    """One end of a plain connection.

    Args:
        side: Which end this is.
        lenient_commands: For Rime's side: accept commands in any case and with blanks around them; undocumented.
    """

    def __init__(self, side: Side, *, lenient_commands: bool = False) -> None:
        self._side = side
        self._lenient = lenient_commands
        self._ended = False

    # The bridge sends.

    def send_text(self, text: str) -> str:
        """Return the frame that appends `text`.

        Raises:
            LocalProtocolError: It is blank, or `<EOS>` was sent before.
        """
        if not text.strip():
            raise LocalProtocolError("there is no text to speak")
        return self._sent(escaped(text))

    def send_clear(self) -> str:
        """Return the frame that drops text not being spoken yet; the audio of what is being spoken still comes."""
        return self._sent(CLEAR)

    def send_flush(self) -> str:
        """Return the frame that has all text spoken now."""
        return self._sent(FLUSH)

    def send_eos(self) -> str:
        """Return the frame that has the rest spoken, then the connection closed; only a clear may follow it."""
        frame = self._sent(EOS)
        self._ended = True
        return frame

    def receive_binary(self, data: bytes) -> ChunkReceived:
        """Take audio, which is all that the bridge ever receives.

        Raises:
            RemoteProtocolError: A client sent a binary frame to Rime.
        """
        if self._side is Side.RIME:
            raise RemoteProtocolError("the client", "sent a binary frame", data)
        return ChunkReceived(data)

    def receive_close(self, code: int, reason: str) -> Ended:
        """Take the close of the connection: the end of the audio, or Rime's only way to report an error."""
        return ended(code, reason)

    # Rime's side.

    def receive_text(self, text: str) -> HeardByRime:
        """Take a text frame of the client: a command if it is exactly one, else text.

        Raises:
            RemoteProtocolError: Rime sent text; it never does on this connection.
        """
        if self._side is Side.BRIDGE:
            self._refuse_text(text)
        command = COMMANDS.get(text.strip().upper() if self._lenient else text)
        return TextReceived(text) if command is None else command

    def _refuse_text(self, text: str) -> NoReturn:
        raise RemoteProtocolError("Rime", "sent text where audio was expected", text)

    def _sent(self, frame: str) -> str:
        if self._side is not Side.BRIDGE:
            raise LocalProtocolError("Rime sends no text")
        if self._ended and frame != CLEAR:
            raise LocalProtocolError("nothing can follow <EOS>")
        return frame
