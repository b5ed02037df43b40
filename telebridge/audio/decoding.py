"""Audio files of every kind that Twilio's `<Play>` takes, as mu-law.

WAV is read by `telebridge.audio.wav`. MP3, AIFF, Ogg and FLAC are read by `soundfile`, which the extra
`telebridge[voice]` installs: its wheels carry libsndfile for all platforms, it needs no program beside it, and this
package writes Ogg with it already.

One rule: bytes in, mu-law out; what cannot be read is a ValueError that says what to do.
"""

import audioop
import importlib.util
import io
from typing import Any

from telebridge.audio.mulaw import PCM_WIDTH, SAMPLE_RATE, from_pcm
from telebridge.audio.wav import container_of, read

BARE_MULAW_TYPES = frozenset({"audio/basic", "audio/ulaw", "audio/x-ulaw", "audio/mulaw", "audio/x-mulaw"})
"""Content types of mu-law at 8000 Hz without a header (RFC 3551, PCMU; RFC 2046, basic)."""


def decode(data: bytes, content_type: str = "") -> bytes:
    """Decode a file to mu-law at 8000 Hz, mono.

    Args:
        data: The whole file.
        content_type: What its server called it; it decides only where the file has no header.

    Raises:
        ValueError: It is no audio that can be played here.
    """
    kind = container_of(data[:16])
    if kind == "WAV":
        return read(io.BytesIO(data))
    if kind is None and content_type.partition(";")[0].strip().lower() in BARE_MULAW_TYPES:
        return data
    if importlib.util.find_spec("soundfile") is None:
        raise ValueError(f"{kind or 'this'} audio needs the package soundfile: pip install 'telebridge[voice]'")
    return _decode_by_soundfile(data)


def _decode_by_soundfile(data: bytes) -> bytes:
    import soundfile  # an optional extra

    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="int16", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise ValueError(f"not an audio file ({error})") from error
    return _telephone(samples, rate)


def _telephone(samples: Any, rate: int) -> bytes:
    """Bring samples, an array of frames by channels, to the telephone's rate."""
    mono = samples.astype("int32").mean(axis=1).astype("<i2").tobytes()
    if rate != SAMPLE_RATE:
        mono, _ = audioop.ratecv(mono, PCM_WIDTH, 1, rate, SAMPLE_RATE, None)
    return from_pcm(mono)
