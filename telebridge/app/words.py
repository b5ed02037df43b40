"""The recognizer that the settings name, and how calls hear words with it."""

from telebridge.call.session.words.spoken_answer import WordOptions
from telebridge.errors import ConfigurationError
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import open_recognizer
from telebridge.recognition.source import Recognizer
from telebridge.settings import RecognitionSettings, Settings

HOSTED = frozenset({"deepgram", "openai"})
"""Providers that take nobody without a key at their own address."""


def open_words(settings: RecognitionSettings) -> Recognizer | None:
    """Make the recognizer of the settings; None when they name no provider.

    Raises:
        ConfigurationError: The key is missing, or a package is.
    """
    provider = settings.provider
    if not provider:
        return None
    if provider.split("-")[0] in HOSTED and not settings.url and not settings.api_key:
        hint = "set it, or recognition.url for a server of your own"
        raise ConfigurationError("recognition.api_key", f"is not set, and {provider} takes nobody without it", hint)
    if settings.url and settings.url.startswith("http") is not (provider == "openai-http"):
        scheme = "http:// or https://" if provider == "openai-http" else "ws:// or wss://"
        raise ConfigurationError("recognition.url", f"is no address of {provider}", f"begin it with {scheme}")
    return open_recognizer(
        RecognizerOptions(
            provider,
            settings.url,
            settings.api_key,
            settings.model,
            settings.language,
            settings.hints,
            settings.dialect,
            settings.audio,
            answer_seconds=settings.answer_seconds,
        )
    )


def word_options(settings: Settings, recognizer: Recognizer | None) -> WordOptions:
    """How calls hear words."""
    if recognizer is None:
        return WordOptions()
    return WordOptions(
        available=lambda: recognizer.available,
        language=settings.recognition.language or "en",
        keep=settings.recognition.keep,
        silence_noticed_seconds=settings.barge_in.resume_after_ms / 1000,
    )
