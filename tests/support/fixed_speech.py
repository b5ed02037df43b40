"""A source that speaks only what it was given: recordings by their text, for clips kept for bad days, and for tests."""

from collections.abc import AsyncIterable, Callable, Sequence

from typing_extensions import override

from telebridge.errors import SpeechUnavailable
from telebridge.speech.source import SpeechEvent, SpeechSource, VoiceOverrides
from telebridge.speech.utterance import Utterance


class FixedSpeech(SpeechSource):
    """Speaks texts that it knows, at once.

    Args:
        known: What a text sounds like, or None when it is not known.
    """

    def __init__(self, known: Callable[[str], Sequence[SpeechEvent] | None]) -> None:
        self._known = known

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> Utterance:
        utterance = Utterance()
        events = self._known(text) if isinstance(text, str) else None
        if events is None:
            utterance.end(SpeechUnavailable("there is no recording of this text"))
            return utterance
        for event in events:
            utterance.put(event)
        utterance.end()
        return utterance

    @override
    async def aclose(self) -> None:
        pass
