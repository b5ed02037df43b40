"""Rime's plain WebSocket, `/ws`, for either side: text frames one way, bare audio the other.

Follows Rime, "WebSockets": every text frame is appended to the text to be spoken unless it is exactly a command.

One rule: nothing that is given as text leaves as a command.

Text is data: on plain `/ws` commands share the alphabet with speech, and there is no escape.

Follows Rime, "WebSockets", *Commands*: a frame `<CLEAR>`, `<FLUSH>` or `<EOS>` is a command; `<300>` is a pause and
belongs to the text.
"""

import re
from typing import NoReturn

from telebridge.errors import LocalProtocolError, RemoteProtocolError
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

BRACKETED = re.compile(r"<(?!\d+(?:\.\d+)?>)([^<>]*)>")


def neutralised(text: str) -> str:
    """The same words, with no bracketed run left that could be a command; pauses stay.

    The brackets become spaces rather than nothing, so that words beside them stay apart.
    """
    return BRACKETED.sub(r" \1 ", text)


CLEAR, FLUSH, EOS = "<CLEAR>", "<FLUSH>", "<EOS>"
COMMANDS: dict[str, HeardByRime] = {CLEAR: ClearReceived(), FLUSH: FlushReceived(), EOS: EosReceived()}


class PlainConnection:
    """One end of a plain connection.

    Args:
        side: Which end this is.
        lenient_commands: For Rime's side: take a command in any case and with blanks around it, which no document says.
    """

    def __init__(self, side: Side, *, lenient_commands: bool = False) -> None:
        self._side = side
        self._lenient = lenient_commands
        self._ended = False

    # The bridge sends.

    def send_text(self, text: str) -> str:
        """The frame that has `text` spoken.

        Raises:
            LocalProtocolError: There is nothing in it, or `<EOS>` was sent before.
        """
        if not text.strip():
            raise LocalProtocolError("there is no text to speak")
        return self._sent(neutralised(text))

    def send_clear(self) -> str:
        """The frame that drops what is not being spoken yet; audio on its way still comes."""
        return self._sent(CLEAR)

    def send_flush(self) -> str:
        """The frame that has everything spoken now."""
        return self._sent(FLUSH)

    def send_eos(self) -> str:
        """The frame that has the rest spoken and the connection closed; nothing may follow but a clear."""
        frame = self._sent(EOS)
        self._ended = True
        return frame

    def receive_binary(self, data: bytes) -> ChunkReceived:
        """Audio: for the bridge the only thing that ever comes.

        Raises:
            RemoteProtocolError: A client sent a binary frame to Rime.
        """
        if self._side is Side.RIME:
            raise RemoteProtocolError("the client", "sent a binary frame", data)
        return ChunkReceived(data)

    def receive_close(self, code: int, reason: str) -> Ended:
        """Rime closed: the end, or its only way to report an error."""
        return ended(code, reason)

    # Rime's side.

    def receive_text(self, text: str) -> HeardByRime:
        """A text frame: a command if it is exactly one, else text.

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
