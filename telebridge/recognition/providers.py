"""The recognizer that the settings ask for.

One rule: what is missing for it is said when the process starts, and not in a call.
"""

from collections.abc import Callable, Mapping

from telebridge.recognition.http_recognizer import HttpRecognizer
from telebridge.recognition.messages import RecognitionProtocol
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.protocols.deepgram import DeepgramRecognition
from telebridge.recognition.protocols.deepgram_flux import FluxRecognition
from telebridge.recognition.protocols.openai_realtime import RealtimeRecognition
from telebridge.recognition.protocols.rime import RimeRecognition
from telebridge.recognition.protocols.vosk import VoskRecognition
from telebridge.recognition.source import RecognitionRequest, Recognizer
from telebridge.recognition.websocket_recognizer import WebSocketRecognizer

PROTOCOLS: Mapping[str, Callable[[RecognizerOptions, RecognitionRequest], RecognitionProtocol]] = {
    "deepgram": DeepgramRecognition,
    "deepgram-flux": FluxRecognition,
    "openai": RealtimeRecognition,
    "rime": RimeRecognition,
    "vosk": VoskRecognition,
}
"""The protocols over WebSockets, by the name of their provider."""


def open_recognizer(options: RecognizerOptions) -> Recognizer:
    """Make the recognizer of a provider; it connects when somebody listens.

    Raises:
        ConfigurationError: It needs a package that is not installed.
    """
    if options.provider == "openai-http":
        return HttpRecognizer(options)
    if options.provider == "local":
        return _local(options)
    make = PROTOCOLS[options.provider]
    make(options, RecognitionRequest())  # raises what it would raise in a call
    return WebSocketRecognizer(options, lambda request: make(options, request))


def _local(options: RecognizerOptions) -> Recognizer:
    from telebridge.recognition.local.moonshine import find_model  # with numpy, which other recognizers need not
    from telebridge.recognition.local.recognizer import LocalRecognizer, load_moonshine

    recognizer = LocalRecognizer(options, load_moonshine)
    find_model()  # raises what it would raise in a call
    return recognizer
