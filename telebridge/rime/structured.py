"""Rime's JSON WebSockets, `/ws2` and `/ws3`, for either side: audio with context ids, word times and `done`.

Follows Rime, "WebSockets JSON". The two editions differ in one field of `done` and in the models they serve. Word times
come as `word_timestamps`, in older documents as `wordTimestamps`; both are read. They follow the audio they belong to,
in seconds from the start of the present synthesis, and begin at 0 again with the next one (*timestamps*).

One rule: undocumented fields are ignored on both sides, because real clients send some.
"""

import json
from enum import Enum

import msgspec

from telebridge.errors import LocalProtocolError, RemoteProtocolError
from telebridge.rime.messages import (
    ChunkReceived,
    ClearReceived,
    DoneReceived,
    Ended,
    EosReceived,
    ErrorReceived,
    FlushReceived,
    HeardByBridge,
    HeardByRime,
    Malformed,
    Side,
    TextReceived,
    TimestampsReceived,
    Unrecognised,
    ended,
)
from telebridge.speech.source import Word
from telebridge.unicode_text import repaired_values


class Edition(Enum):
    """Which JSON WebSocket; the value is its path."""

    WS2 = "ws2"
    WS3 = "ws3"


class _Times(msgspec.Struct):
    words: list[str] = []
    start: list[float] = []
    end: list[float] = []


class _Timestamps(msgspec.Struct, tag_field="type", tag="timestamps"):
    word_timestamps: _Times | None = None
    older_spelling: _Times | None = msgspec.field(default=None, name="wordTimestamps")
    context_id: str | None = msgspec.field(default=None, name="contextId")


class _Error(msgspec.Struct, tag_field="type", tag="error"):
    message: str = ""


class _AnyKind(msgspec.Struct):
    type: str


class _FromClient(msgspec.Struct, rename="camel"):
    text: str | None = None
    context_id: str | None = None
    operation: str | None = None


_FROM_RIME: msgspec.json.Decoder[ChunkReceived | DoneReceived | _Timestamps | _Error] = msgspec.json.Decoder(
    ChunkReceived | DoneReceived | _Timestamps | _Error
)
_KIND = msgspec.json.Decoder(_AnyKind)
_KINDS = frozenset({"chunk", "timestamps", "done", "error"})
_FROM_CLIENT = msgspec.json.Decoder(_FromClient)
_OPERATIONS: dict[str, HeardByRime] = {"clear": ClearReceived(), "flush": FlushReceived(), "eos": EosReceived()}


class StructuredConnection:
    """One end of a JSON connection.

    Args:
        side: Which end this is.
        edition: Which of the two.
        older_spelling: For Rime's side: write word times as `wordTimestamps`, as in older documents.
    """

    def __init__(self, side: Side, edition: Edition, *, older_spelling: bool = False) -> None:
        self._side = side
        self._edition = edition
        self._older_spelling = older_spelling

    # The bridge sends.

    def send_text(self, text: str, context_id: str) -> str:
        """Return the message that appends `text`; its audio and word times bear the context id.

        Raises:
            LocalProtocolError: It is blank.
        """
        if not text.strip():
            raise LocalProtocolError("there is no text to speak")
        return self._encode(Side.BRIDGE, {"text": text, "contextId": context_id})

    def send_clear(self) -> str:
        """Return the message that drops text not being spoken yet; the audio of what is being spoken still comes."""
        return self._encode(Side.BRIDGE, {"operation": "clear"})

    def send_flush(self) -> str:
        """Return the message that has all text spoken now."""
        return self._encode(Side.BRIDGE, {"operation": "flush"})

    def send_eos(self) -> str:
        """Return the message that has the rest spoken, then the connection closed."""
        return self._encode(Side.BRIDGE, {"operation": "eos"})

    def receive_text(self, text: str | bytes) -> HeardByBridge | HeardByRime:
        """Decode a message for this side.

        Raises:
            RemoteProtocolError: Rime sent something that cannot be decoded. (From a client it is `Malformed`.)
        """
        return self.receive_from_rime(text) if self._side is Side.BRIDGE else self._heard_by_rime(text)

    @staticmethod
    def receive_from_rime(text: str | bytes) -> HeardByBridge:
        """Decode a message of Rime's.

        Raises:
            RemoteProtocolError: It cannot be decoded.
        """
        try:
            message = _decoded(text)
            if type(message) is ChunkReceived:  # most of them
                return message
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            if (kind := _kind(text)) is not None and kind not in _KINDS:
                return Unrecognised(kind)
            raise RemoteProtocolError("Rime", f"sent a message that cannot be read ({error})", text) from error
        match message:
            case ChunkReceived() | DoneReceived():
                return message
            case _Timestamps(word_timestamps, older_spelling, context_id):
                times = word_timestamps or older_spelling or _Times()
                if not len(times.words) == len(times.start) == len(times.end):
                    raise RemoteProtocolError("Rime", "sent word times of unequal lengths", text)
                return TimestampsReceived(tuple(times.words), tuple(times.start), tuple(times.end), context_id)
            case _Error(problem):
                return ErrorReceived(problem)

    def receive_close(self, code: int, reason: str) -> Ended:
        """Take the close of the connection: the end, or an error."""
        return ended(code, reason)

    # Rime sends.

    def send_chunk(self, data: bytes, context_id: str | None) -> str:
        """Return the message with the next audio."""
        return self._encode(Side.RIME, {"type": "chunk", "data": data, "contextId": context_id})

    def send_timestamps(self, words: list[str], starts: list[float], ends: list[float], context_id: str | None) -> str:
        """Return the message with word times, in seconds from the start of the synthesis."""
        name = "wordTimestamps" if self._older_spelling else "word_timestamps"
        times = {"words": words, "start": starts, "end": ends}
        return self._encode(Side.RIME, {"type": "timestamps", name: times, "contextId": context_id})

    def send_done(self, context_id: str | None) -> str:
        """The message after the last audio of a batch."""
        done: dict[str, object] = {"type": "done", "contextId": context_id}
        if self._edition is Edition.WS2:
            done["done"] = True
        return self._encode(Side.RIME, done)

    def send_error(self, message: str) -> str:
        """The answer to a message that cannot be understood."""
        return self._encode(Side.RIME, {"type": "error", "message": message})

    def _encode(self, side: Side, message: dict[str, object]) -> str:
        if self._side is not side:
            raise LocalProtocolError(f"this message is not for the {self._side.name.lower()} to send")
        return msgspec.json.encode(message).decode()

    @staticmethod
    def _heard_by_rime(text: str | bytes) -> HeardByRime:
        try:
            message = _FROM_CLIENT.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return Malformed(f"malformed message: {error}")
        if message.operation is not None:
            return _OPERATIONS.get(message.operation) or Malformed(f"unknown operation: {message.operation}")
        if message.text is None:
            return Malformed("text is required")
        return TextReceived(message.text, message.context_id)


def _decoded(text: str | bytes) -> ChunkReceived | DoneReceived | _Timestamps | _Error:
    """A message of Rime's; half a surrogate pair in a word, which the decoder refuses, is repaired."""
    try:
        return _FROM_RIME.decode(text)
    except msgspec.DecodeError:
        escape = "\\u" if isinstance(text, str) else b"\\u"
        if escape not in text:  # type: ignore[operator]
            raise
        try:
            repaired = json.dumps(repaired_values(json.loads(text)))
        except ValueError:
            repaired = None
        if repaired is None:
            raise
        return _FROM_RIME.decode(repaired)


def _kind(text: str | bytes) -> str | None:
    try:
        return _KIND.decode(text).type
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


class WordClock:
    """Converts the word times of each synthesis to the time axis of the utterance, in milliseconds of audio."""

    def __init__(self) -> None:
        self._synthesis_began_ms = 0.0
        self._last_end = 0.0  # seconds, within the synthesis
        self._received_before_ms = 0.0  # audio received when the last times came

    def words(self, times: TimestampsReceived, *, received_ms: float) -> tuple[Word, ...]:
        """Convert the word times of a message, received after `received_ms` of the utterance's audio."""
        if times.starts and times.starts[0] < self._last_end:
            self._synthesis_began_ms = self._received_before_ms  # the clock went back: a new synthesis
        self._last_end = times.ends[-1] if times.ends else self._last_end
        self._received_before_ms = received_ms
        began = self._synthesis_began_ms
        return tuple(
            Word(word, began + start * 1000, began + end * 1000)
            for word, start, end in zip(times.words, times.starts, times.ends, strict=True)
        )

    def synthesis_over(self, received_ms: float) -> None:
        """A synthesis has ended after `received_ms` of the utterance's audio; the next one begins there."""
        self._synthesis_began_ms = self._received_before_ms = received_ms
        self._last_end = 0.0
