"""A speech source that speaks texts without their markup. Streamed texts are cleaned where they are written.

One rule: what was asked for stays what it is in the call's record; only what is sent to be spoken changes.
"""

from collections.abc import AsyncIterable

from typing_extensions import override

from telebridge.speech.cleaning import cleaned
from telebridge.speech.source import SpeechSource, SpeechStream, VoiceOverrides


class CleanedSpeech(SpeechSource):
    """Cleans whole texts of markup, and has them spoken.

    Args:
        source: Speaks; closed with this.
    """

    def __init__(self, source: SpeechSource) -> None:
        self._source = source

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> SpeechStream:
        return self._source.speak(cleaned(text) if isinstance(text, str) else text, voice=voice)

    @override
    async def aclose(self) -> None:
        await self._source.aclose()
