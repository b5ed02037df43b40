"""Clips, which are cached utterances: their keys, and the format of their files.

The key of a clip is the hash of all that shapes its audio, so another voice, speed or text is another clip and none
grows stale. A file has a header of fixed length, word times, and G.711 mu-law; the format is our own.

One rule: a file that is not exactly what was written is `ClipDamaged`, never audio.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.errors import TelebridgeError
from telebridge.speech.source import Audio, SpeechEvent, VoiceOverrides, Word, Words

MAGIC = b"TBCLIP"
FORMAT = 1
"""It is hashed into the key too: clips of another format are not found, and are evicted in time."""

_HEADER = struct.Struct(">6sHII")  # magic, format, bytes of word times, bytes of audio
_DIGEST_BYTES = hashlib.sha256().digest_size
_BODY_AT = _HEADER.size + _DIGEST_BYTES

_WORDS: msgspec.msgpack.Decoder[list[tuple[str, float, float]]] = msgspec.msgpack.Decoder(
    list[tuple[str, float, float]]
)


class ClipDamaged(TelebridgeError):
    """A file is not a clip as it was written: it is truncated, overwritten, or something else."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Clip:
    """A whole utterance.

    Args:
        audio: Mu-law at 8000 Hz.
        words: Word times; empty where the service sends none.
    """

    audio: bytes
    words: tuple[Word, ...] = ()

    @property
    def ms(self) -> float:
        """Its duration in milliseconds."""
        return len(self.audio) / BYTES_PER_MS

    @property
    def cost_bytes(self) -> int:
        """About how many bytes of memory it takes."""
        return len(self.audio) + 120 * len(self.words) + 200

    def events(self) -> tuple[SpeechEvent, ...]:
        """The events of a stream that speaks it: word times first, so that they are known when the audio is played."""
        words: tuple[SpeechEvent, ...] = (Words(self.words),) if self.words else ()
        return (*words, Audio(self.audio))


def clip_key(text: str, voice: VoiceOverrides, *, maker: str) -> str:
    """Compute the key of a text's clip, in hexadecimal.

    Args:
        text: As it is spoken.
        voice: Every synthesis parameter, the source's own overridden by those of the utterance.
        maker: The service and its family of protocols: the same parameters sound otherwise elsewhere.
    """
    shaping: Mapping[str, object] = {"format": FORMAT, "maker": maker, "text": text, "voice": dict(voice)}
    canonical = json.dumps(shaping, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def encode(clip: Clip) -> bytes:
    """Encode a clip as the content of its file."""
    words = msgspec.msgpack.encode([(word.text, float(word.start_ms), float(word.end_ms)) for word in clip.words])
    header = _HEADER.pack(MAGIC, FORMAT, len(words), len(clip.audio))
    return header + _digest(header, words + clip.audio) + words + clip.audio


def decode(data: bytes) -> Clip:
    """Decode the content of a clip's file.

    Raises:
        ClipDamaged: It is no clip, or not as it was written.
    """
    if len(data) < _BODY_AT:
        raise ClipDamaged(f"has {len(data)} bytes, fewer than a header")
    header, digest, body = data[: _HEADER.size], data[_HEADER.size : _BODY_AT], data[_BODY_AT:]
    magic, version, words_length, audio_length = _HEADER.unpack(header)
    if magic != MAGIC or version != FORMAT:
        raise ClipDamaged("does not begin as a clip of this format does")
    if len(body) != words_length + audio_length:
        raise ClipDamaged(f"has {len(body)} bytes after its header, which tells {words_length + audio_length}")
    if _digest(header, body) != digest:
        raise ClipDamaged("does not fit its checksum")
    try:
        words = tuple(Word(*each) for each in _WORDS.decode(body[:words_length]))
    except msgspec.DecodeError as error:
        raise ClipDamaged(f"has word times that cannot be read ({error})") from error
    return Clip(body[words_length:], words)


def _digest(header: bytes, body: bytes) -> bytes:
    return hashlib.sha256(header + body).digest()
