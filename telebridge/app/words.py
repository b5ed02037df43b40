"""The recognizer that the settings name, and how calls hear words with it."""

from dataclasses import dataclass

from telebridge.answering.phrases import AnswerPhrases
from telebridge.app.python_flows import load_function
from telebridge.call.runner.floor_judge import FloorJudge
from telebridge.call.session.words.options import FloorOptions, WordOptions
from telebridge.errors import ConfigurationError
from telebridge.recognition.options import RecognitionProvider, RecognizerOptions
from telebridge.recognition.source import Recognizer
from telebridge.recognition.words.floor import FloorWordRules
from telebridge.settings.sections import BargeInSettings, RecognitionSettings
from telebridge.settings.settings import Settings

BY_SOUND, BY_WORDS = "sound", "words"
HOSTED = frozenset({"deepgram", "openai", "rime"})
"""Providers that take nobody without a key at their own address."""


def open_words(settings: RecognitionSettings) -> Recognizer | None:
    """Make the recognizer of the settings, and the second one if they name it; None when they name none.

    Raises:
        ConfigurationError: A key is missing, an address is wrong, or a package is missing.
    """
    if not settings.provider:
        if settings.fallback_provider:
            problem = "is set, and recognition.provider is not"
            raise ConfigurationError("recognition.fallback_provider", problem, "name the first recognizer too")
        return None
    first = _open(settings, _Reached(settings.provider, settings.url, settings.api_key, settings.model), "")
    if not settings.fallback_provider:
        return first
    second = _Reached(
        settings.fallback_provider, settings.fallback_url, settings.fallback_api_key, settings.fallback_model
    )
    from telebridge.recognition.failover import FailoverRecognizer  # as below

    return FailoverRecognizer([first, _open(settings, second, "fallback_")])


@dataclass(frozen=True, slots=True)
class _Reached:
    """How a recognizer is reached."""

    provider: RecognitionProvider
    url: str
    api_key: str
    model: str


def _open(settings: RecognitionSettings, reached: _Reached, prefix: str) -> Recognizer:
    """Make one recognizer, whose keys in the settings begin with `prefix`."""
    provider = reached.provider
    if provider.split("-")[0] in HOSTED and not reached.url and not reached.api_key:
        hint = f"set it, or recognition.{prefix}url for a server of your own"
        raise ConfigurationError(
            f"recognition.{prefix}api_key", f"is not set, and {provider} takes nobody without it", hint
        )
    if provider == "local" and (reached.url or reached.api_key or reached.model):
        problem = "is local, which has no address, key or model"
        raise ConfigurationError(f"recognition.{prefix}provider", problem, f"leave out recognition.{prefix}url")
    if reached.url and reached.url.startswith("http") is not (provider == "openai-http"):
        scheme = "http:// or https://" if provider == "openai-http" else "ws:// or wss://"
        raise ConfigurationError(f"recognition.{prefix}url", f"is no address of {provider}", f"begin it with {scheme}")
    from telebridge.recognition.providers import open_recognizer  # with all protocols, which most starts need not

    return open_recognizer(
        RecognizerOptions(
            provider,
            reached.url,
            reached.api_key,
            reached.model,
            settings.language,
            settings.hints,
            settings.dialect,
            settings.audio,
            answer_seconds=settings.answer_seconds,
        )
    )


def word_options(settings: Settings, recognizer: Recognizer | None) -> WordOptions:
    """How calls hear words."""
    machines = AnswerPhrases.with_further(settings.answering.screens, settings.answering.mailboxes)
    if recognizer is None:
        return WordOptions(machines=machines)
    return WordOptions(
        available=lambda: recognizer.available,
        language=settings.recognition.language or "en",
        keep=settings.recognition.keep,
        silence_noticed_seconds=settings.barge_in.resume_after_ms / 1000,
        floor=_floor_options(settings.barge_in),
        machines=machines,
    )


def _floor_options(settings: BargeInSettings) -> FloorOptions | None:
    if settings.judge == BY_SOUND:
        return None
    return FloorOptions(
        FloorWordRules(settings.min_words, settings.back_channels, settings.interrupting_words),
        settings.judge_wait_ms / 1000,
        own_judge=settings.judge != BY_WORDS,
    )


def open_judge(settings: Settings) -> FloorJudge | None:
    """The function that judges words over a prompt; None where the settings name none.

    Raises:
        ConfigurationError: Nobody hears words, or there is no such function.
    """
    barge_in = settings.barge_in
    if barge_in.judge == BY_SOUND:
        return None
    if not settings.recognition.provider:
        problem = f"is '{barge_in.judge}', and nobody hears words"
        raise ConfigurationError("barge_in.judge", problem, "set recognition.provider, or the judge to sound")
    if barge_in.judge == BY_WORDS:
        return None
    return FloorJudge(load_function(barge_in.judge, where="barge_in.judge"), barge_in.judge_wait_ms / 1000)
