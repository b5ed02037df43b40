"""Deepgram's conversational recognition, Flux (`v2/listen`), for either side.

Follows Deepgram's API specification (*listen v2*) and its pages "Force End Turn", "Bring Your Own Turn Detection" and
"Understanding the Flux State Machine". Turns are ours: `eot_threshold` 1.0 keeps Flux from ending them, and
`ForceEndTurn` ends one where the caller stops. It ends the turn on what is transcribed so far, so that it is sent once
all that was said is, which `audio_window_end` tells; without a turn in progress it is ignored, and nothing comes. There
is no `KeepAlive`: silence keeps the connection open, and a little of it after the speech brings the next `TurnInfo`.

One rule: a turn belongs to the utterance in whose audio it began, and its transcript replaces the one before it.
"""

import msgspec
from typing_extensions import override

from telebridge.audio.mulaw import silence
from telebridge.recognition.messages import (
    AudioHeard,
    EndHeard,
    FlushHeard,
    Frame,
    HeardByRecognizer,
    NotUnderstood,
    ProtocolAnswer,
    RecognitionSide,
    SendFrame,
    SetupHeard,
)
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.protocols.deepgram import MOST_HINTS, DeepgramConnection, DeepgramEnd, decoded_message
from telebridge.recognition.source import PartialTranscript, RecognitionRequest, RecognizedWord
from telebridge.recognition.utterances import HeardPiece, HeardUtterance

ADDRESS = "wss://api.deepgram.com/v2/listen"
ENGLISH_MODEL, OTHER_MODEL = "flux-general-en", "flux-general-multi"
LONGEST_TURN_MS = 30_000
"""Flux ends a turn by itself after so much silence, whatever the threshold is."""
KEEP_ALIVE = silence(100)
AFTER_SPEECH = silence(500)
"""`Update` comes about every 250 ms of audio."""
TRAILING_MS = 250.0
"""An utterance ends with more silence than this: what is transcribed up to there has all its words."""


class FluxWord(msgspec.Struct):
    """A word of a turn; times in seconds of the connection's audio, where they are sent."""

    word: str = ""
    confidence: float | None = None
    start: float | None = None
    end: float | None = None


class FluxTurn(msgspec.Struct, tag_field="type", tag="TurnInfo"):
    """The state of a turn; the transcript is all of it."""

    event: str = ""
    turn_index: int = 0
    audio_window_start: float = 0.0
    audio_window_end: float = 0.0
    transcript: str = ""
    words: list[FluxWord] = []
    end_of_turn_confidence: float = 0.0


_TURN = msgspec.json.Decoder(FluxTurn)


class FluxMessages(DeepgramEnd):
    """The messages of one end of a connection."""

    def __init__(self, side: RecognitionSide) -> None:
        super().__init__(side)
        self._sequence = 0

    # The bridge sends.

    def send_force_end_turn(self) -> str:
        """Return the message that ends the turn in progress."""
        return self._encode(RecognitionSide.BRIDGE, {"type": "ForceEndTurn"})

    @staticmethod
    def receive_turn(message: Frame) -> FluxTurn | None:
        """Decode a message of Deepgram's; None for one that is about no turn.

        Raises:
            RemoteProtocolError: It cannot be decoded, or says that the stream has failed.
        """
        return decoded_message(_TURN, message, "TurnInfo")

    # Deepgram sends.

    def send_event(self, kind: str, **fields: object) -> str:
        """Return a message of that type, with its number."""
        self._sequence += 1
        numbered = {"type": kind, "request_id": "local", "sequence_id": self._sequence - 1}
        return self._encode(RecognitionSide.RECOGNIZER, {**numbered, **fields})

    def send_turn(self, turn: FluxTurn) -> str:
        """Return the message about a turn."""
        fields: dict[str, object] = msgspec.to_builtins(turn)
        return self.send_event(str(fields.pop("type")), **fields)

    @staticmethod
    def receive_from_bridge(message: Frame) -> HeardByRecognizer:
        """Decode a message of a client's."""
        if isinstance(message, bytes):
            return AudioHeard(message)
        try:
            fields = msgspec.json.decode(message, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return NotUnderstood(str(error))
        match fields.get("type"):
            case "ForceEndTurn":
                return FlushHeard()
            case "CloseStream":
                return EndHeard()
            case "Configure":
                return SetupHeard(fields, "Configure")
            case kind:
                return NotUnderstood(f"unknown message type: {kind}")


class FluxRecognition(DeepgramConnection):
    """The bridge's end of a connection.

    Args:
        options: Where Deepgram is and what it is to do.
        request: What is listened for.
    """

    def __init__(self, options: RecognizerOptions, request: RecognitionRequest) -> None:
        super().__init__(options, request)
        self._messages = FluxMessages(RecognitionSide.BRIDGE)
        self._turns: dict[int, int] = {}  # the number of a turn's utterance
        self._ended: set[int] = set()  # turns that are over
        self._forced: set[int] = set()  # turns that were to end
        self._transcribed_ms = 0.0

    @override
    def address(self) -> str:
        options = self._options
        language = (self._request.language or options.language).partition("-")[0]
        model = options.model or (ENGLISH_MODEL if language in {"", "en"} else OTHER_MODEL)
        wanted = [
            ("model", model),
            ("encoding", "mulaw"),
            ("sample_rate", "8000"),
            ("eot_threshold", "1.0"),
            ("eot_timeout_ms", str(LONGEST_TURN_MS)),
        ]
        if language and model.endswith("-multi"):
            wanted.append(("language_hint", language))
        if self._request.digits:
            wanted.append(("numerals", "true"))
        wanted += [("keyterm", phrase) for phrase in options.all_hints(self._request)[:MOST_HINTS]]
        return self._address_with(ADDRESS, wanted)

    @override
    def end_speech(self) -> list[ProtocolAnswer]:
        utterance = self._log.end()
        if utterance is None:
            return []
        return [*self.feed(AFTER_SPEECH), *self._end_turn(utterance, (utterance.ends_ms or 0.0) - TRAILING_MS)]

    @override
    def keep_alive(self) -> list[ProtocolAnswer]:
        return self.feed(KEEP_ALIVE)

    @override
    def close(self) -> list[ProtocolAnswer]:
        return [SendFrame(self._messages.send_close_stream())]

    @override
    def receive(self, message: Frame) -> list[ProtocolAnswer]:
        turn = self._messages.receive_turn(message)
        if turn is None:
            return []
        self._transcribed_ms = max(self._transcribed_ms, turn.audio_window_end * 1000)
        heard: list[ProtocolAnswer] = []
        utterance = self._utterance_of(turn)
        if utterance is not None:
            heard += self._heard(utterance, turn)
        pending = self._log.pending
        if pending is not None and pending.ends_ms is not None:
            heard += self._end_turn(pending, pending.ends_ms)
            if self._transcribed_ms >= pending.ends_ms and self._turn_of(pending) is None:
                heard.append(SendFrame(self._messages.send_force_end_turn()))
                heard.append(self._log.finish(pending))
        return heard

    def _utterance_of(self, turn: FluxTurn) -> HeardUtterance | None:
        """The utterance of a turn; None where there are no words in it, or its utterance has its transcript."""
        if turn.turn_index in self._ended:
            return None
        if turn.turn_index not in self._turns:
            if turn.event == "Update" and not turn.transcript.strip():
                return None
            utterance = self._log.before(turn.audio_window_end * 1000)
            if utterance is None:
                return None
            self._turns[turn.turn_index] = utterance.number
        return self._log.find(self._turns[turn.turn_index])

    def _turn_of(self, utterance: HeardUtterance) -> int | None:
        """The turn in progress of an utterance."""
        ours = (index for index, number in self._turns.items() if number == utterance.number)
        return next((index for index in ours if index not in self._ended), None)

    def _end_turn(self, utterance: HeardUtterance, at_ms: float) -> list[ProtocolAnswer]:
        """End the turn of an utterance that is over, once, when everything up to `at_ms` is transcribed."""
        index = self._turn_of(utterance)
        if index is None or index in self._forced or self._transcribed_ms < at_ms:
            return []
        self._forced.add(index)
        return [SendFrame(self._messages.send_force_end_turn())]

    def _heard(self, utterance: HeardUtterance, turn: FluxTurn) -> list[ProtocolAnswer]:
        """Note what a turn says, which is over with `EndOfTurn`."""
        if turn.event != "EndOfTurn":
            changed = turn.transcript.strip() and turn.transcript != utterance.partial
            utterance.partial = turn.transcript
            return [PartialTranscript(utterance.number, utterance.text)] if changed else []
        self._ended.add(turn.turn_index)
        utterance.partial = ""
        if turn.transcript.strip():
            utterance.pieces.append(_piece(turn, utterance.begins_ms))
        return [] if utterance.ends_ms is None else [self._log.finish(utterance)]


def _piece(turn: FluxTurn, begins_ms: float) -> HeardPiece:
    known = [word.confidence for word in turn.words if word.confidence is not None]
    words = tuple(
        RecognizedWord(word.word, word.start * 1000 - begins_ms, word.end * 1000 - begins_ms, word.confidence)
        for word in turn.words
        if word.start is not None and word.end is not None
    )
    return HeardPiece(turn.transcript, sum(known) / len(known) if known else None, words)
