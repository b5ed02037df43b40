"""Recordings of people, with the moment each begins to speak; and the places they speak in."""

import math
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telebridge.audio import wav
from telebridge.audio.mulaw import from_pcm, to_pcm
from telebridge.errors import ConfigurationError

FOLDERS = (Path("/usr/share/asterisk/sounds/en_US_f_Allison"), Path("/usr/share/sounds/alsa"))
"""Debian's asterisk-core-sounds-en-wav, one speaker at 8 kHz, and alsa-utils, another at 48 kHz."""
SOUNDS = FOLDERS[0].parent
SPEAKERS = {
    "English, Allison": SOUNDS / "en_US_f_Allison",
    "Spanish, Allison": SOUNDS / "es_MX_f_Allison",
    "Russian, Ivrvoice": SOUNDS / "ru_RU_f_IvrvoiceRU",
    "French, June": SOUNDS / "fr_CA_f_June",
    "Italian, Carlo": SOUNDS / "it_IT_m_Carlo",
    "Spanish, Colombia": SOUNDS / "es",
    "French, Armelle": SOUNDS / "fr",
    "Italian, Menardi": SOUNDS / "it_IT_f_Menardi",
}
"""Debian's asterisk-core-sounds-{en,es,ru,fr,it}-wav, asterisk-prompt-es-co and asterisk-prompt-fr-armelle (GSM, read
by libgsm-tools), and asterisk-prompt-it-menardi-wav."""
MEASURED = ("Spanish, Colombia", "French, Armelle", "Italian, Menardi")
"""Nothing was tuned on these; they are the crowds and televisions."""
ONSETS_TUNED_ON = ("English, Allison", "Spanish, Allison", "Russian, Ivrvoice", "French, June")
"""The detector's threshold was chosen with their onsets."""
OFFSET_HZ, OFFSET_TAPS = 120, 401
NO_SPEECH = ("beep", "tone", "silence", "confbridge", "Noise", "ring", "moh", "monkeys")
STEP = 80  # 10 ms
ONSET_DB = 25.0
"""Speech has begun where 30 ms in a row are within this many dB of its loud parts."""
LEAD_MS = 50
SHORTEST_SECONDS = 1.2


@dataclass(frozen=True)
class Recording:
    """Somebody who speaks: samples of 16 bits at 8 kHz, and the sample at which they begin."""

    name: str
    samples: np.ndarray
    onset: int

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.samples[self.onset :] ** 2)))

    def mulaw(self, db: float) -> bytes:
        """At another level."""
        scaled = np.clip(self.samples * 10 ** (db / 20), -32768, 32767)
        return from_pcm(scaled.astype("<i2").tobytes())

    def dbfs(self, db: float) -> float:
        return 20 * math.log10(self.rms / 32768) + db


def recordings(count: int, folders: tuple[Path, ...] = FOLDERS) -> list[Recording]:
    """So many recordings, spread over all there are.

    Raises:
        ConfigurationError: There are none.
    """
    found = list(_all(folders))
    if len(found) < 20:
        names = " ".join(str(folder) for folder in folders)
        raise ConfigurationError(
            "barge-in", f"needs recordings of people in {names}", "install asterisk-core-sounds-en-wav and alsa-utils"
        )
    return _spread(found, count)


def require_speakers(*names: str) -> None:
    """Check that there are recordings of these speakers, before anything is measured.

    Raises:
        ConfigurationError: The package of one is not installed, or the program that reads it.
    """
    missing = [str(SPEAKERS[name]) for name in names if next(_all((SPEAKERS[name],)), None) is None]
    if missing:
        problem = f"needs the recordings in {' '.join(missing)}"
        raise ConfigurationError("barge-in", problem, "install the packages that docs/barge-in.md names")


def speaker(name: str, count: int = 1000) -> list[Recording]:
    """So many recordings of one speaker; all of them where there are fewer.

    Raises:
        ConfigurationError: Their package is not installed.
    """
    require_speakers(name)
    return _spread(list(_all((SPEAKERS[name],))), count)


def _spread(found: list[Recording], count: int) -> list[Recording]:
    step = max(1.0, len(found) / count)
    return [found[int(number * step)] for number in range(min(count, len(found)))]


def _all(folders: tuple[Path, ...]) -> Iterator[Recording]:
    seen = set()
    for folder in folders:
        for file in sorted([*folder.rglob("*.wav"), *folder.rglob("*.gsm")]):
            real = file.resolve()
            if real in seen or any(word in file.name or word in str(file.parent.name) for word in NO_SPEECH):
                continue
            seen.add(real)
            samples = _samples(real)
            onset = _onset(samples) if len(samples) >= SHORTEST_SECONDS * 8000 else None
            if onset is not None:
                start = max(0, onset - LEAD_MS * 8)
                yield Recording(file.stem, samples[start:], onset - start)


def _samples(file: Path) -> np.ndarray:
    if file.suffix == ".wav":
        return np.frombuffer(to_pcm(wav.read(file)), "<i2").astype(float)
    try:
        decoded = subprocess.run(["untoast", "-l", "-c", str(file)], capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise ConfigurationError("barge-in", f"needs untoast to read {file}", "install libgsm-tools") from None
    return _without_offset(np.frombuffer(decoded, "<i2").astype(float))


def _without_offset(samples: np.ndarray) -> np.ndarray:
    """Without what no telephone line carries: these recordings begin at an offset that decays for half a second."""
    at = np.arange(OFFSET_TAPS) - OFFSET_TAPS // 2
    low = np.sinc(2 * OFFSET_HZ / 8000 * at) * np.hamming(OFFSET_TAPS)
    return samples - np.convolve(np.pad(samples, OFFSET_TAPS // 2, mode="edge"), low / low.sum(), "valid")


def _onset(samples: np.ndarray) -> int | None:
    """Labelled by energy on the clean file."""
    steps = samples[: len(samples) // STEP * STEP].reshape(-1, STEP)
    rms = np.sqrt((steps**2).mean(axis=1))
    loud = rms > max(np.percentile(rms, 95) * 10 ** (-ONSET_DB / 20), 30.0)
    for index in range(len(loud) - 3):
        if loud[index : index + 3].all():
            return index * STEP
    return None
