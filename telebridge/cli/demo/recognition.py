"""The recognizer of a demo: a local one, which hears what the script of the caller says.

One rule: a recognizer that the settings name is used in its place.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from telebridge.cli.listen import listening
from telebridge.recognition_server.script import CallerWords, ScriptedWords
from telebridge.recognition_server.server import RecognitionServerOptions, create_app
from telebridge.settings.sections import RecognitionSettings
from telebridge.settings.settings import Settings
from telebridge.simulator.caller.caller import Script, Speak
from telebridge.simulator.media.recording import EventKind, TimelineEvent

SPEAKS = "Speak "
NO_WORDS = frozenset({"cough", "click", "breathe"})


@dataclass(frozen=True, slots=True)
class DemoRecognition:
    """How a demo hears words.

    Args:
        settings: The settings, with the recognizer.
        watch: Takes the events of the call, to tell the recognizer what the caller says.
    """

    settings: Settings
    watch: Callable[[TimelineEvent], None]


@asynccontextmanager
async def demo_recognition(settings: Settings, caller: Script) -> AsyncIterator[DemoRecognition]:
    """Serve the local recognizer where the script says words, and the settings name no recognizer."""
    words = CallerWords()
    says = any(isinstance(step, Speak) and step.words and step.words not in NO_WORDS for step in caller.steps)
    if settings.recognition.provider or not says:
        yield DemoRecognition(settings, lambda _: None)
        return

    def watch(event: TimelineEvent) -> None:
        if event.kind is EventKind.CALLER and event.detail.startswith(SPEAKS):
            said = event.detail.removeprefix(SPEAKS)
            text = "" if said in NO_WORDS else said
            words.say(ScriptedWords(text, at=asyncio.get_running_loop().time()))

    app = create_app(RecognitionServerOptions(words=words))
    async with listening(app, "127.0.0.1", 0, port_setting="--port") as url:
        recognition = RecognitionSettings(
            provider="deepgram", url=f"{url.replace('http', 'ws', 1)}/v1/listen", language=settings.recognition.language
        )
        yield DemoRecognition(settings.model_copy(update={"recognition": recognition}), watch)
