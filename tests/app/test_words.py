"""The recognizer of the settings: what is missing for it is said at the start."""

from typing import get_args, get_type_hints

import pytest

from telebridge.app.words import open_words
from telebridge.errors import ConfigurationError
from telebridge.recognition.failover import FailoverRecognizer
from telebridge.recognition.http_recognizer import HttpRecognizer
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import PROTOCOLS
from telebridge.recognition.websocket_recognizer import WebSocketRecognizer
from telebridge.settings.sections import RecognitionSettings


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, None),
        ({"provider": "deepgram", "api_key": "k"}, WebSocketRecognizer),
        ({"provider": "openai-http", "url": "http://asr:8000/v1/audio/transcriptions"}, HttpRecognizer),
        ({"provider": "vosk", "fallback_provider": "openai", "fallback_api_key": "k"}, FailoverRecognizer),
    ],
)
def test_the_settings_name_a_recognizer(values, kind):
    recognizer = open_words(RecognitionSettings(**values))
    assert recognizer is None if kind is None else type(recognizer) is kind


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"provider": "deepgram"}, "recognition.api_key: is not set, and deepgram takes nobody without it"),
        ({"provider": "openai-http", "url": "ws://x"}, "recognition.url: is no address of openai-http; begin it"),
        ({"provider": "vosk", "url": "http://x"}, "recognition.url: is no address of vosk; begin it with ws://"),
        ({"provider": "vosk", "fallback_provider": "openai"}, "recognition.fallback_api_key: is not set"),
        ({"fallback_provider": "vosk"}, "recognition.fallback_provider: is set, and recognition.provider is not"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(values, told):
    with pytest.raises(ConfigurationError) as raised:
        open_words(RecognitionSettings(**values))
    assert str(raised.value).startswith(told)


@pytest.mark.parametrize("field", ["provider", "dialect", "audio"])
def test_the_settings_name_what_recognizers_know_and_nothing_else(field):
    known = set(get_args(get_type_hints(RecognizerOptions)[field]))
    assert set(get_args(RecognitionSettings.model_fields[field].annotation)) - {""} == known


def test_each_provider_that_can_be_named_is_there():
    named = set(get_args(RecognitionSettings.model_fields["provider"].annotation)) - {""}
    assert set(get_args(RecognitionSettings.model_fields["fallback_provider"].annotation)) - {""} == named
    assert set(PROTOCOLS) | {"openai-http", "local"} == named
