"""What the bridge's ends of all connections to recognizers do alike: decode messages, and log utterances.

One rule: what a protocol says to the recognizer is in the module of that protocol.
"""

from typing import TypeVar

import msgspec
from typing_extensions import override

from telebridge.errors import RemoteProtocolError
from telebridge.recognition.messages import Frame, ProtocolAnswer, RecognitionProtocol
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition.utterances import UtteranceLog

T = TypeVar("T")


def decoded(decoder: "msgspec.json.Decoder[T]", message: Frame, recognizer: str) -> T:
    """Decode a message of a recognizer's.

    Raises:
        RemoteProtocolError: It cannot be decoded; names the recognizer.
    """
    try:
        return decoder.decode(message)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise RemoteProtocolError(recognizer, f"sent a message that cannot be read ({error})") from error


class ConnectionRecognition(RecognitionProtocol):
    """Abstract: the bridge's end of one connection. What has no message in a protocol is answered with none.

    Args:
        options: Where the recognizer is and what it is to do.
        request: What is listened for.
    """

    one_utterance = False
    keep_alive_seconds: float | None = None

    def __init__(self, options: RecognizerOptions, request: RecognitionRequest) -> None:
        self._options = options
        self._request = request
        self._log = UtteranceLog()

    @override
    def open(self) -> list[ProtocolAnswer]:
        return []

    @override
    def begin_speech(self, utterance: int) -> list[ProtocolAnswer]:
        self._log.begin(utterance)
        return []

    @override
    def keep_alive(self) -> list[ProtocolAnswer]:
        return []

    @override
    def close(self) -> list[ProtocolAnswer]:
        return []

    @override
    def receive_close(self) -> list[ProtocolAnswer]:
        return []

    @override
    def give_up(self, utterance: int) -> FinalTranscript:
        return self._log.give_up(utterance)
