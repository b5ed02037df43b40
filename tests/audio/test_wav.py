import io
import struct
import wave
from pathlib import Path

import pytest

from telebridge.audio.mulaw import silence
from telebridge.audio.tones import sine
from telebridge.audio.wav import container_of, mulaw_file, read, write, write_stereo


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    write(path, sine(440, 100))
    assert read(path) == sine(440, 100)


def test_a_stereo_file_has_the_caller_left_and_fills_the_shorter_leg() -> None:
    file = io.BytesIO()
    write_stereo(file, sine(440, 20), silence(40))
    file.seek(0)
    with wave.open(file) as stereo:
        assert (stereo.getnchannels(), stereo.getframerate(), stereo.getnframes()) == (2, 8000, 320)
        samples = memoryview(stereo.readframes(320)).cast("h")
    assert any(samples[0:320:2])
    assert not any(samples[1::2])
    assert not any(samples[320::2])


def test_other_rates_widths_and_channels_are_brought_to_the_telephone() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(2)
        made.setsampwidth(1)
        made.setframerate(16000)
        made.writeframes(bytes([128]) * 2 * 1600)
    file.seek(0)
    assert len(read(file)) == pytest.approx(800, abs=1)


def test_what_is_no_wav_says_so() -> None:
    with pytest.raises(ValueError, match="not a WAV file"):
        read(io.BytesIO(b"ID3 something else"))


@pytest.mark.parametrize(
    ("first_bytes", "format_"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "WAV"),
        (b"OggS\x00\x02\x00\x00", "Ogg"),
        (b"\x1a\x45\xdf\xa3\x01\x00", "WebM"),
        (b"ID3\x04\x00\x00", "MP3"),
        (b"\xff\xfb\x90\x00", "MP3"),
        (b"\xff\xf3\x40\xc0", "MP3"),
    ],
)
def test_a_file_header_is_recognised(first_bytes: bytes, format_: str) -> None:
    assert container_of(first_bytes) == format_


@pytest.mark.parametrize(
    "first_bytes", [b"", b"\xff" * 16, b"RIFF", b"\x7f" * 16, b"\xff\xfe\xff\x7f" * 4, b"\xfe\xfd" * 8]
)
def test_bare_audio_is_no_file(first_bytes: bytes) -> None:
    assert container_of(first_bytes) is None


def test_no_tone_is_taken_for_a_file() -> None:
    for hertz in range(100, 3400, 50):
        assert container_of(sine(hertz, 20)[:16]) is None


@pytest.mark.parametrize("length", [0, 1, 160, 161])
def test_a_file_of_mulaw_says_what_it_holds(length: int) -> None:
    mulaw = bytes(range(256))[:length]
    file = mulaw_file(mulaw)
    assert len(file) % 2 == 0
    riff, size, kind = struct.unpack("<4sI4s", file[:12])
    assert (riff, size, kind) == (b"RIFF", len(file) - 8, b"WAVE")
    chunks, at = {}, 12
    while at < len(file):
        name, size = struct.unpack("<4sI", file[at : at + 8])
        chunks[name] = file[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert struct.unpack("<HHIIHHH", chunks[b"fmt "]) == (7, 1, 8000, 8000, 1, 8, 0)
    assert struct.unpack("<I", chunks[b"fact"]) == (len(mulaw),)
    assert chunks[b"data"] == mulaw
