"""What the product adds to a recognizer's own time: between the end of what a caller says and what follows.

Twice, for each provider, against the local recognizer, which answers a set time after it was asked. Over loopback in
real time: from the end of the speech, as it is known, to the transcript. And in whole calls on the virtual clock: from
the last sound of the caller to the first audio of the next prompt, of which the silence that ends the speech is a part.

Then the phrases that people say to the provider `local`, in real time, and sounds that are no phrase.

Then words over prompts, with `barge_in.judge = "words"`, on the virtual clock: how soon a prompt goes on after a
back-channel, how often interrupting words take the floor, and whether the line falls silent as soon as with the sound
alone. Once more with a recognizer that hears whole utterances, and a pause of them as soon as the caller is silent, as
`local` does, and takes as long for that.
"""

import asyncio
import json
import statistics
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import spoken_phrases
from machine import described, running, watch_loop
from rich.console import Console
from typing_extensions import override

from telebridge.app import parts
from telebridge.call.record import SpokenUtterance
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import open_recognizer
from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition.whole_utterances import WholeUtteranceRecognizer
from telebridge.recognition_server.script import ScriptedWords
from telebridge.testing.phone import Phone

PATHS = {
    "deepgram": "/v1/listen",
    "deepgram-flux": "/v2/listen",
    "openai": "/v1/realtime",
    "openai-http": "/v1/audio/transcriptions",
    "rime": "/ws",
    "vosk": "/",
}
STREAMING = tuple(provider for provider in PATHS if provider != "openai-http")
DELAY_SECONDS = 0.2
SILENCE_MS = 400.0
"""`barge_in.resume_after_ms`, after which a caller is known to have stopped."""
SPEECH_SECONDS = 0.6
BAR_MS = 30.0
RESUME_BAR_MS = 600.0
BACK_CHANNELS = ("mm-hm", "uh-huh", "yeah", "okay")
INTERRUPTING = ("stop", "no", "wait", "agent")
LATE_MS = 20.0
PASS_MS = 165.0
"""What `local` takes for 95 words of 100 on the machine of docs/speech-input.md, where it is not measured now."""
FLOW = """
flow: words
start: main
nodes:
  main:
    menu: "How can I help?"
    choices: {1: {then: bye, say: [billing]}}
    no_input: {then: bye}
    no_match: {then: main}
  bye: {hang_up: "Goodbye."}
"""


NOTICE = "Notice {}. Your visit to the dentist is on Tuesday at ten, in the old building by the lake."


def run(*, utterances: int) -> dict[str, object]:
    """Measure; answers with the quantiles of every provider."""
    with Console(stderr=True).status("") as status:
        late: list[float] = []
        with running("recognition-server", "--port", "0") as (_, url):
            shares = {}
            for provider in PATHS:
                status.update(f"{provider}: {utterances} utterances in real time")
                shares[provider] = asyncio.run(_shares(provider, url, utterances, late))
        status.update("whole calls on the virtual clock")
        calls = {provider: _call(provider) for provider in PATHS}
        local = spoken_phrases.run(status.update)
        status.update(f"{utterances} back-channels and interrupting words on the virtual clock")
        over = _over_prompts(utterances)
        early = _heard_early(utterances, PASS_MS if local is None else spoken_phrases.longest_pass_ms(local))
    late_ms = statistics.quantiles(late, n=100)[98]
    real = {provider: _quantiles(times) for provider, times in shares.items()}
    bars = {f"real_time.{each}": real[each]["p95_ms"] <= BAR_MS for each in STREAMING}
    return {
        "machine": described(),
        "concluded": late_ms <= LATE_MS,
        "why": "" if late_ms <= LATE_MS else "the generator lagged",
        "generator_late_ms_p99": round(late_ms, 1),
        "delay_ms": DELAY_SECONDS * 1000,
        "real_time": real,
        "whole_calls": calls,
        "over_prompts": over,
        "over_prompts_local": early,
        "local": local,
        "bars_met": {
            **({} if local is None else spoken_phrases.bars_met(local)),
            **bars,
            **{f"whole_calls.{each}": calls[each]["share_ms"] <= BAR_MS for each in STREAMING},
            "over_prompts.resumed": over["resumed"] == utterances,
            "over_prompts.resume_ms_max": over["resume_ms_max"] <= RESUME_BAR_MS,
            "over_prompts.taken": over["taken"] == utterances,
            "over_prompts_local.resumed": early["resumed"] == utterances,
            "over_prompts_local.resume_ms_max": early["resume_ms_max"] <= RESUME_BAR_MS,
            "over_prompts_local.taken": early["taken"] == utterances,
            "over_prompts.stop_ms_max": over["stop_ms_max"] <= over["stop_ms_max_by_sound"],
        },
    }


def _over_prompts(count: int) -> dict[str, float]:
    """So many back-channels, and as many interrupting words; times from the end, or the onset, of the sound."""
    resumed = _resumed(_said_over(BACK_CHANNELS, count, partials=True))
    late = _resumed(_said_over(BACK_CHANNELS, count, partials=False))
    taken = [said for said, _ in _said_over(INTERRUPTING, count, partials=True) if said.interruption is not None]
    sentences = tuple(f"{word}, something else" for word in INTERRUPTING)
    stops = {
        judge: [
            said.interruption.stop_ms
            for said, _ in _said_over(sentences, count, partials=True, judge=judge)
            if said.interruption is not None
        ]
        for judge in ("sound", "words")
    }
    return {
        "said": count,
        "resumed": len(resumed),
        "resume_ms_max": max(resumed, default=0.0),
        "resumed_without_partials": len(late),
        "resume_ms_max_without_partials": max(late, default=0.0),
        "taken": len(taken),
        "stops": len(stops["words"]),
        "stop_ms_max": max(stops["words"], default=0.0),
        "stop_ms_max_by_sound": max(stops["sound"], default=0.0),
    }


def _heard_early(count: int, pass_ms: float) -> dict[str, float]:
    """The same with a recognizer that hears whole utterances, and their pauses, in so many milliseconds."""
    resumed = _resumed(_said_over(BACK_CHANNELS, count, partials=False, pass_ms=pass_ms))
    said = _said_over(INTERRUPTING, count, partials=False, pass_ms=pass_ms)
    return {
        "said": count,
        "pass_ms": pass_ms,
        "resumed": len(resumed),
        "resume_ms_max": max(resumed, default=0.0),
        "taken": sum(prompt.interruption is not None for prompt, _ in said),
    }


class _EarlyRecognizer(WholeUtteranceRecognizer):
    """Hears `text` in every utterance, and takes `seconds` for it."""

    hears_pauses = True

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.text = ""
        self._seconds = seconds

    @override
    async def transcribe(
        self, utterance: int, request: RecognitionRequest, mulaw: bytes, unwanted: Callable[[], bool]
    ) -> FinalTranscript:
        text = self.text
        await asyncio.sleep(self._seconds)
        return FinalTranscript(utterance, text, 0.9)


def _resumed(said: list[tuple[SpokenUtterance, float]]) -> list[float]:
    """How long after the end of the sound each prompt went on that was not interrupted, in milliseconds."""
    return [
        round((prompt.pauses[-1].resumed_at - ended_at) * 1000, 1)
        for prompt, ended_at in said
        if prompt.pauses and prompt.interruption is None
    ]


def _said_over(
    texts: tuple[str, ...], count: int, *, partials: bool, judge: str = "words", pass_ms: float | None = None
) -> list[tuple[SpokenUtterance, float]]:
    """Calls in which each text is said once over a prompt; returns what became of each, and when the text ended.

    With `pass_ms`, it is heard by a recognizer that takes so long for an utterance, and hears it early.
    """
    nodes = "".join(f'  n{at}: {{say: "{NOTICE.format(at)}", then: n{at + 1}}}\n' for at in range(len(texts)))
    flow = f"flow: notices\nstart: n0\nnodes:\n{nodes}  n{len(texts)}: {{hang_up: Goodbye.}}\n"
    settings = {"recognition": {"provider": "deepgram"}, "barge_in": {"judge": judge}}
    said: list[tuple[SpokenUtterance, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "notices.yaml").write_text(flow)
        early = _EarlyRecognizer((pass_ms or 0) / 1000)
        opened = parts.open_words if pass_ms is None else lambda _: early
        with (
            patch.object(parts, "open_words", opened),
            Phone(flow="notices.yaml", folder=Path(folder)) as phone,
        ):
            while len(said) < count:
                ended = []
                with phone.call(settings=settings) as call:
                    for at, text in enumerate(texts):
                        call.hears(f"Notice {at}. Your visit", within=20)
                        early.text = text
                        call.says(text, heard=ScriptedWords(text, delay_seconds=DELAY_SECONDS, partials=partials))
                        ended.append(call.recording.opened_at + call.seconds)
                    call.hears("Goodbye.", within=20)
                said += zip(call.record.utterances, ended, strict=False)
    return said[:count]


def _quantiles(times: list[float]) -> dict[str, float]:
    return {
        "utterances": len(times),
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(statistics.quantiles(times, n=20)[18], 1),
        "max_ms": round(max(times), 1),
    }


async def _shares(provider: str, url: str, utterances: int, late: list[float]) -> list[float]:
    """How much later than the set delay the final transcripts came, in milliseconds."""
    loop = asyncio.get_running_loop()
    base = url if provider == "openai-http" else url.replace("http", "ws", 1)
    recognizer = open_recognizer(RecognizerOptions(provider, base + PATHS[provider], language="en"))
    arrived: asyncio.Queue[float] = asyncio.Queue()
    recognition = recognizer.listen(
        RecognitionRequest(),
        lambda each: arrived.put_nowait(loop.time()) if isinstance(each, FinalTranscript) and each.text else None,
    )
    watch = asyncio.create_task(watch_loop(late))
    shares = []
    try:
        for _ in range(utterances):
            await asyncio.to_thread(_say, url)
            recognition.begin_speech()
            for _ in range(round(SPEECH_SECONDS * 50)):
                recognition.feed(bytes(160))
                await asyncio.sleep(0.02)
            recognition.end_speech()
            ended = loop.time()
            shares.append((await asyncio.wait_for(arrived.get(), 5) - ended - DELAY_SECONDS) * 1000)
    finally:
        watch.cancel()
        recognition.close()
        await recognizer.aclose()
    return shares


def _say(url: str) -> None:
    body = json.dumps({"text": "billing please", "delay_seconds": DELAY_SECONDS}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{url}/say", body), timeout=5).close()


def _call(provider: str) -> dict[str, float]:
    """One whole call: from the caller's last sound to the first audio of the prompt that follows, in media time."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "words.yaml").write_text(FLOW)
        settings = {"recognition": {"provider": provider}}
        with Phone(flow="words.yaml", folder=Path(folder)) as phone, phone.call(settings=settings) as call:
            call.hears("How can I help?")
            call.says("billing", heard=ScriptedWords("billing", delay_seconds=DELAY_SECONDS))
            ended_ms = call.seconds * 1000
            call.hears("Goodbye.")
            begins_ms = call.lines[-1].start_ms
    total = begins_ms - ended_ms
    return {"total_ms": round(total, 1), "share_ms": round(total - SILENCE_MS - DELAY_SECONDS * 1000, 1)}
