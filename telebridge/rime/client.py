"""Rime as a speech source: utterances over plain or JSON WebSockets.

One rule: the connections and what is known of each voice are shared by all utterances, and outlive each of them.
"""

import itertools
from collections.abc import AsyncIterable

from typing_extensions import override

from telebridge.errors import (
    ConfigurationError,
    SpeechRejected,
)
from telebridge.logs import logger
from telebridge.rime.connections import Connections
from telebridge.rime.parameters import RimeOptions, SpeechParameters, speech_parameters
from telebridge.rime.utterance import RimeUtterance
from telebridge.speech.source import SpeechSource, VoiceOverrides
from telebridge.speech.speaking_time import VoiceRate
from telebridge.speech.utterance import Utterance
from telebridge.tasks import Tasks

log = logger(__name__)

MOST_VOICES = 64
"""The most voices whose speaking rate is remembered."""


class RimeSpeech(SpeechSource):
    """Speaks through Rime. Make it anywhere, use it on one event loop, close it there.

    Raises:
        ConfigurationError: The address or the voice of `options` is wrong.
    """

    def __init__(self, options: RimeOptions) -> None:
        self._options = options
        self._address = options.address(options.parameters)
        self._connections = Connections(options)
        self._context_ids = itertools.count(1)
        self._rates: dict[str, VoiceRate] = {}  # by address, which has the parameters of the voice
        self._tasks = Tasks("Rime")

    def start(self) -> None:
        """Open the spare connections. Failures are logged here, and raised to whoever speaks later."""
        for warning in self._options.parameters.warnings():
            log.warning("voice is not known", warning=warning)
        self._connections.keep_warm(self._address)

    async def check(self) -> None:
        """Open one connection and close it.

        Raises:
            SpeechError: It is refused, or nobody answers.
        """
        self._connections.close(await self._connections.acquire(self._address, fresh=True))

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> Utterance:
        spoken = RimeUtterance(f"u{next(self._context_ids)}", self._options, self._connections)
        try:
            parameters = self._options.parameters if voice is None else self._parameters_of(voice)
            address = self._address if voice is None else self._options.address(parameters)
        except ConfigurationError as error:
            spoken.utterance.end(SpeechRejected(str(error)))
            return spoken.utterance
        spoken.start(text, address, self._rate(address, parameters), self._tasks)
        return spoken.utterance

    @override
    async def aclose(self) -> None:
        self._tasks.cancel()
        await self._tasks.wait()
        await self._connections.aclose()

    def _parameters_of(self, voice: VoiceOverrides) -> SpeechParameters:
        return speech_parameters({**self._options.parameters.given(), **voice}, where="voice")

    def _rate(self, address: str, parameters: SpeechParameters) -> VoiceRate:
        if address not in self._rates and len(self._rates) >= MOST_VOICES:
            del self._rates[next(iter(self._rates))]
        return self._rates.setdefault(address, VoiceRate(any_speed=parameters.changes_speed()))
