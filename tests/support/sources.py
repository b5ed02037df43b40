"""Sources of speech whose every step a test decides."""

import asyncio

from telebridge.speech.source import Audio, SpeechSource, Word, Words
from telebridge.speech.utterance import Utterance


class ToldSpeech(SpeechSource):
    """Hands every utterance to the test, which fills it."""

    def __init__(self):
        self.asked = []  # (text, voice)
        self.utterances = []
        self.cleared = []
        self.closed = False

    def speak(self, text, *, voice=None):
        number = len(self.utterances)
        self.asked.append((text, voice))
        self.utterances.append(Utterance(lambda: self.cleared.append(number)))
        return self.utterances[-1]

    @property
    def last(self):
        return self.utterances[-1]

    async def aclose(self):
        self.closed = True


class ScriptedSpeech(SpeechSource):
    """Speaks each utterance as a coroutine `script(utterance, text)` of the test has it; token streams come as text."""

    def __init__(self, script):
        self.script = script
        self.texts = []
        self.voices = []
        self.cleared = 0
        self.closed = False
        self.tasks = []

    def speak(self, text, *, voice=None):
        self.voices.append(voice)
        utterance = Utterance(lambda: self._cleared(task))
        task = asyncio.get_running_loop().create_task(self._run(utterance, text))
        self.tasks.append(task)
        return utterance

    def _cleared(self, task):
        self.cleared += 1
        task.cancel()

    async def _run(self, utterance, text):
        if not isinstance(text, str):
            text = "".join([token async for token in text])
        self.texts.append(text)
        await self.script(utterance, text)

    async def aclose(self):
        self.closed = True
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


WORD_MS = 200
WORD_BYTES = WORD_MS * 8


def word_audio(word, by=""):
    """What a word sounds like: 200 ms that no other word has."""
    return (f"<{by}{word}>".encode() * WORD_BYTES)[:WORD_BYTES]


def speech_of(text, *, timed=True, by=""):
    """The events of a text, word by word, each followed by its time."""
    for number, word in enumerate(text.split()):
        yield Audio(word_audio(word, by))
        if timed:
            yield Words((Word(word, number * WORD_MS, (number + 1) * WORD_MS),))


def speaking(*, after=None, error=None, timed=True, by="", before=None, then=None):
    """A script: waits `before`, speaks, and after so many words fails with `error` or goes on as `then` does."""

    async def script(utterance, text):
        if before is not None:
            await before()
        words = text.split() if after is None else text.split()[:after]
        for event in speech_of(" ".join(words), timed=timed, by=by):
            utterance.put(event)
            await asyncio.sleep(0)
        if then is not None:
            await then()
        utterance.end(error)

    return script
