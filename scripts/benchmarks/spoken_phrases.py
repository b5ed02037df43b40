"""What the recognizer `local` makes of phrases that people say, and of sounds that are no phrase.

Recordings of Debian packages as a telephone has them: mu-law at 8000 Hz, with 300 ms before the words and 400 ms after
them. The last 200 ms pass in real time, so that the recognizer hears the words at their pause, as in a call; the times
are from the end of the speech to its transcript. The constants of the recognizer were fitted to each second word of one
speaker, Allison, in asterisk-core-sounds-en-wav. The words of ktuberling-data, one other speaker, and of
tuxpaint-stamps-default, several, and part of the sounds that are no phrase were looked at meanwhile.

Each recording is said to a menu of ten phrases, of which it is one, and to one of ten others. The menus have
`confirm: {below: 0.6}`; what would follow without it is counted too.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from interruptions.human_speech import SOUNDS

from telebridge.audio import wav
from telebridge.audio.mulaw import BYTES_PER_MS, FRAME_MS, SAMPLE_RATE, frames, from_pcm, silence, to_pcm
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.providers import open_recognizer
from telebridge.recognition.source import FinalTranscript, RecognitionRequest, Recognizer
from telebridge.recognition.words.phrases import chosen
from telebridge.simulator.caller.noises import breath, click, cough

ALLISON = SOUNDS / "en_US_f_Allison"
KTUBERLING = Path("/usr/share/ktuberling/sounds")
TUXPAINT = Path("/usr/share/tuxpaint/stamps")
MUSIC = Path("/usr/share/asterisk/moh")
PACKAGES = "asterisk-core-sounds-en-wav, asterisk-moh-opsound-wav, ktuberling-data and tuxpaint-stamps-default"
LABELS = """
digits/ zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
 eighteen nineteen
digits/*0 twenty thirty forty fifty sixty seventy eighty ninety
digits/day- Sunday Monday Tuesday Wednesday Thursday Friday Saturday
digits/mon- January February March April May June July August September October November December
"""
WORDS = """
activated added calling cancelled disabled enabled extension goodbye hello hours invalid location lowercase minute
number removed second sorry time transfer uppercase digits/dollars digits/hundred digits/million digits/minus
digits/pound digits/star digits/thousand digits/today digits/tomorrow digits/yesterday letters/asterisk letters/dash
letters/equals letters/plus letters/slash letters/space vm-Family vm-Friends vm-Old vm-Urgent vm-Work vm-delete
vm-message vm-password vm-press vm-received vm-saved vm-last
"""
"""Files of which the name is what is said."""
SPELLED = {
    "sphynx": "sphinx", "broccolli": "broccoli", "fallingstar": "falling star", "palmtree": "palm tree",
    "brown hen": "hen", "red kangaroo": "kangaroo", "chimpanzee": "chimp", "wild boars": "wild boar",
    "mountaingoat": "mountain goat",
}  # fmt: skip
"""What is said where the name of the file, or the text beside it, is spelled otherwise."""
SPOKEN_SIGNS = ("symbols", "letter", "number")
"""Folders of sounds that are words."""
OTHER_LANGUAGES = ("da", "de", "el", "lt", "ru", "sl", "ca")
QUIET_DB = 35.0
STEP = 80
MENU = 10
SURE = 0.6
"""The `below` of `confirm`."""
LONGEST_SECONDS = 6.0
MEASURED = ("ktuberling", "tuxpaint")
SOUNDS_MEASURED = ("other_languages", "animals_and_things", "coughs_noise_and_music")
LEAST_RIGHT, MOST_WRONG, MOST_OTHERS = 90.0, 2.0, 3.0
MOST_P50_MS, MOST_P95_MS = 250.0, 450.0
AFTER_PAUSE_MS = 200
"""Between the pause, as the recognizer knows it, and the end of the speech, as the call does; more in most calls."""


@dataclass(frozen=True)
class SpokenPhrase:
    """A recording, and what is said in it; nothing where it is no phrase."""

    mulaw: bytes
    phrase: str = ""


@dataclass
class Outcomes:
    """What recordings were taken for."""

    said: int = 0
    right: int = 0
    right_asked: int = 0
    wrong: int = 0
    wrong_asked: int = 0
    others: int = 0
    others_taken: int = 0
    others_asked: int = 0
    right_unconfirmed: int = 0
    wrong_unconfirmed: int = 0
    others_unconfirmed: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def count(self, phrase: str, heard: str | None, *, sure: bool, guessed: bool) -> None:
        """Count one recording.

        Args:
            phrase: What is said; nothing where it is none of the menu.
            heard: The phrase that it was taken for.
            sure: Whether it is taken without asking.
            guessed: Whether it would be no phrase where nobody asks.
        """
        self.said += bool(phrase)
        self.others += not phrase
        if heard is None:
            return
        name = "others" if not phrase else "right" if heard == phrase else "wrong"
        counted = name + ("" if sure else "_asked") if phrase else name + ("_taken" if sure else "_asked")
        for each in (counted, *(() if guessed else (f"{name}_unconfirmed",))):
            setattr(self, each, getattr(self, each) + 1)


def run(report: Callable[[str], None]) -> dict[str, object] | None:
    """Measure; None where the recognizer or the recordings are not installed."""
    installed = all(find_spec(name) for name in ("moonshine_voice", "onnxruntime", "soxr", "soundfile"))
    if not installed or not all(folder.is_dir() for folder in (ALLISON, KTUBERLING, TUXPAINT, MUSIC)):
        report(f"local is left out: it needs telebridge[words,voice] and {PACKAGES}")
        return None
    return asyncio.run(_measured(report))


def bars_met(found: dict[str, object]) -> dict[str, bool]:
    """Which bars are met, on what nothing was tuned on; right counts where the caller is asked as well."""
    met: dict[str, bool] = {}
    for name in MEASURED:
        its = found[name]
        assert isinstance(its, dict)
        met |= {
            f"local.{name}.right": its["right"] >= LEAST_RIGHT,
            f"local.{name}.wrong": its["wrong"] <= MOST_WRONG,
            f"local.{name}.p50_ms": its["p50_ms"] <= MOST_P50_MS,
            f"local.{name}.p95_ms": its["p95_ms"] <= MOST_P95_MS,
        }
    taken = found["others_taken"]
    assert isinstance(taken, float)
    met["local.others"] = taken <= MOST_OTHERS
    return met


def longest_pass_ms(found: dict[str, object]) -> float:
    """What the model took for 95 words of 100, of the slower one of the speakers that nothing was tuned on."""
    measured = [found[name] for name in MEASURED]
    return max(its["cpu_p95_ms"] for its in measured if isinstance(its, dict))


async def _measured(report: Callable[[str], None]) -> dict[str, object]:
    phrases = {"allison": list(_allison()), "ktuberling": list(_ktuberling()), "tuxpaint": list(_tuxpaint())}
    every = [each.phrase for spoken in phrases.values() for each in spoken]
    recognizer = open_recognizer(RecognizerOptions("local", language="en", answer_seconds=10.0))
    chance = random.Random(3)
    found: dict[str, object] = {"tuned_on": ["allison"]}
    try:
        await _heard(recognizer, SpokenPhrase(silence(1000)), (("one",),))  # loads the model
        for name, spoken in phrases.items():
            report(f"local: {len(spoken)} phrases of {name}")
            its = [each.phrase for each in spoken]
            outcomes = Outcomes()
            for each in spoken:
                others = chance.sample([phrase for phrase in its if phrase != each.phrase], 2 * MENU - 1)
                await _counted(recognizer, each, [each.phrase, *others[: MENU - 1]], each.phrase, outcomes)
                await _counted(recognizer, each, others[MENU - 1 :], "", outcomes)
            found[name] = _shares(outcomes)
        for name, sounds in _no_phrases():
            report(f"local: {len(sounds)} sounds: {name}")
            outcomes = Outcomes()
            for each in sounds:
                await _counted(recognizer, each, chance.sample(every, MENU), "", outcomes)
            found[name] = _shares(outcomes)
    finally:
        await recognizer.aclose()
    others = [found[name] for name in (*MEASURED, *SOUNDS_MEASURED)]
    sounds = sum(its["sounds"] for its in others if isinstance(its, dict))
    taken = sum(its["others_taken"] * its["sounds"] for its in others if isinstance(its, dict))
    return {**found, "others_taken": round(taken / sounds, 1)}


async def _counted(
    recognizer: Recognizer, spoken: SpokenPhrase, menu: list[str], said: str, outcomes: Outcomes
) -> None:
    used = time.process_time()
    final, seconds = await _heard(recognizer, spoken, tuple((each,) for each in menu))
    outcomes.seconds.append(seconds)
    outcomes.cpu_seconds.append(time.process_time() - used)
    taken = chosen(final.text, {each: (each,) for each in menu})
    sure = (final.confidence or 0.0) >= SURE
    outcomes.count(said, taken, sure=sure, guessed=not sure and final.text in menu)


async def _heard(
    recognizer: Recognizer, spoken: SpokenPhrase, answers: tuple[tuple[str, ...], ...]
) -> tuple[FinalTranscript, float]:
    """What is heard, and how long after the end of the speech, as it is known."""
    finals: asyncio.Queue[FinalTranscript] = asyncio.Queue()
    request = RecognitionRequest("en", answers=answers, doubtful=True)
    recognition = recognizer.listen(
        request, lambda each: finals.put_nowait(each) if isinstance(each, FinalTranscript) else None
    )
    recognition.begin_speech()
    last = AFTER_PAUSE_MS * BYTES_PER_MS
    recognition.feed(spoken.mulaw[:-last])
    for frame in frames(spoken.mulaw[-last:]):
        await asyncio.sleep(FRAME_MS / 1000)
        recognition.feed(frame)
    ended = asyncio.get_running_loop().time()
    recognition.end_speech()
    final = await finals.get()
    recognition.close()
    return final, asyncio.get_running_loop().time() - ended


def _shares(outcomes: Outcomes) -> dict[str, float]:
    def share(count: int, of: int) -> float:
        return round(100 * count / of, 1)

    found: dict[str, float] = {"sounds": outcomes.said or outcomes.others}
    if outcomes.said:
        found |= {
            "right": share(outcomes.right + outcomes.right_asked, outcomes.said),
            "right_asked": share(outcomes.right_asked, outcomes.said),
            "wrong": share(outcomes.wrong, outcomes.said),
            "wrong_asked": share(outcomes.wrong_asked, outcomes.said),
            "right_unconfirmed": share(outcomes.right_unconfirmed, outcomes.said),
            "wrong_unconfirmed": share(outcomes.wrong_unconfirmed, outcomes.said),
        }
    milliseconds, cpu = (sorted(each * 1000 for each in its) for its in (outcomes.seconds, outcomes.cpu_seconds))
    return {
        **found,
        "others_taken": share(outcomes.others_taken, outcomes.others),
        "others_asked": share(outcomes.others_asked, outcomes.others),
        "others_unconfirmed": share(outcomes.others_unconfirmed, outcomes.others),
        "p50_ms": round(statistics.median(milliseconds), 1),
        "p95_ms": round(milliseconds[int(len(milliseconds) * 0.95)], 1),
        "cpu_p50_ms": round(statistics.median(cpu), 1),
        "cpu_p95_ms": round(cpu[int(len(cpu) * 0.95)], 1),
    }


def _allison() -> Iterator[SpokenPhrase]:
    files = {name: name.rpartition("/")[2].removeprefix("vm-").lower() for name in WORDS.split()}
    for line in LABELS.replace("\n ", " ").strip().splitlines():
        form, *words = line.split()
        first = 2 if "*" in form else 0
        files |= {form.replace("*", str(at)) if first else f"{form}{at}": word for at, word in enumerate(words, first)}
    for name, phrase in files.items():
        yield SpokenPhrase(_telephone(_samples(ALLISON / f"{name}.wav")), phrase)


def _ktuberling() -> Iterator[SpokenPhrase]:
    for file in sorted((KTUBERLING / "en").glob("*.ogg")):
        word = file.stem.rpartition("_")[2]
        yield SpokenPhrase(_telephone(_samples(file)), SPELLED.get(word, word))


def _tuxpaint() -> Iterator[SpokenPhrase]:
    seen = set()
    for file in sorted(TUXPAINT.rglob("*_desc.ogg")):
        told = file.with_name(file.name.removesuffix("_desc.ogg") + ".txt")
        words = told.read_text().partition("\n")[0].strip(" .") if told.is_file() else ""
        word = words.removeprefix("An ").removeprefix("A ").removeprefix("Two ")
        if word and word not in seen:
            seen.add(word)
            yield SpokenPhrase(_telephone(_samples(file)), SPELLED.get(word, word))


def _no_phrases() -> Iterator[tuple[str, list[SpokenPhrase]]]:
    yield (
        "other_languages",
        [
            *_sounds(
                file for language in OTHER_LANGUAGES for file in sorted((KTUBERLING / language).glob("*.ogg"))[2::8]
            ),
            *_sounds(sorted(TUXPAINT.rglob("*_desc_??.ogg"))[20::80]),
        ],
    )
    things = (file for file in sorted(TUXPAINT.rglob("*.ogg")) if "_desc" not in file.name)
    yield "animals_and_things", list(_sounds(file for file in things if not any(s in str(file) for s in SPOKEN_SIGNS)))
    yield "coughs_noise_and_music", list(_noises())


def _sounds(files: Iterator[Path] | list[Path]) -> Iterator[SpokenPhrase]:
    for file in files:
        samples = _samples(file)
        if 0.1 * SAMPLE_RATE <= len(samples) <= LONGEST_SECONDS * SAMPLE_RATE:
            yield SpokenPhrase(_telephone(samples))


def _noises() -> Iterator[SpokenPhrase]:
    for sound in (cough(), breath(), click()):
        for db in (-12, -6, 0):
            yield SpokenPhrase(_telephone(np.frombuffer(to_pcm(sound), "<i2") * 10 ** (db / 20)))
    chance = np.random.default_rng(5)
    for level in (200, 600, 2000):
        for seconds in (0.4, 1.0, 2.0):
            white = chance.normal(0, level, round(seconds * SAMPLE_RATE))
            for sound in (white, np.convolve(white, np.ones(16) / 4, "same")):
                yield SpokenPhrase(_telephone(sound))
    for file in sorted(MUSIC.rglob("*.wav")):
        samples = _samples(file, trimmed=False)
        for at in range(8):
            begins = (at + 1) * len(samples) // 10
            yield SpokenPhrase(_telephone(samples[begins : begins + round((0.5 + at % 4 * 0.6) * SAMPLE_RATE)]))


def _samples(file: Path, *, trimmed: bool = True) -> np.ndarray:
    """A recording at 8000 Hz on the 16-bit scale, without the quiet at its ends."""
    if file.suffix == ".wav":
        samples = np.frombuffer(to_pcm(wav.read(file)), "<i2").astype(float)
    else:
        import soundfile
        import soxr

        read, rate = soundfile.read(str(file), dtype="float32")
        samples = soxr.resample(read.mean(axis=1) if read.ndim > 1 else read, rate, SAMPLE_RATE) * 32767.0
    if not trimmed or len(samples) < 5 * STEP:
        return samples
    steps = samples[: len(samples) // STEP * STEP].reshape(-1, STEP)
    rms = np.sqrt((steps**2).mean(axis=1))
    loud = np.nonzero(rms > max(np.percentile(rms, 95) * 10 ** (-QUIET_DB / 20), 15.0))[0]
    return samples[max(0, loud[0] - 2) * STEP : (loud[-1] + 3) * STEP] if len(loud) else samples[:0]


def _telephone(samples: np.ndarray) -> bytes:
    return silence(300) + from_pcm(np.clip(samples, -32768, 32767).astype("<i2").tobytes()) + silence(400)
