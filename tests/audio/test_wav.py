import audioop
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


@pytest.mark.parametrize("format_code", [1, 0xFFFE])
def test_samples_of_24_bits_are_read_as_most_programs_write_them(format_code: int) -> None:
    mulaw = sine(440, 50)
    samples = audioop.lin2lin(audioop.ulaw2lin(mulaw, 2), 2, 3)
    form = struct.pack("<HHIIHH", format_code, 1, 8000, 24000, 3, 24)
    if format_code == 0xFFFE:
        form += struct.pack("<HHI", 22, 24, 4) + b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    assert read(io.BytesIO(riff_file(form, samples))) == mulaw


def test_our_own_mulaw_files_are_read_unchanged() -> None:
    mulaw = bytes(range(256))
    assert read(io.BytesIO(mulaw_file(mulaw))) == mulaw


def test_a_law_and_floating_point_are_read() -> None:
    pcm = audioop.ulaw2lin(sine(440, 50), 2)
    a_law = struct.pack("<HHIIHH", 6, 1, 8000, 8000, 1, 8)
    floats = struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)
    values = [sample / 32767 for sample in memoryview(pcm).cast("h")]
    assert read(io.BytesIO(riff_file(floats, struct.pack(f"<{len(values)}f", *values)))) == sine(440, 50)
    assert len(read(io.BytesIO(riff_file(a_law, audioop.lin2alaw(pcm, 2))))) == 400


def test_a_file_whose_length_was_not_known_is_read_to_its_end() -> None:
    file = mulaw_file(sine(440, 20))
    streamed = file[:4] + b"\xff\xff\xff\xff" + file[8:-164] + b"\xff\xff\xff\xff" + file[-160:]
    assert read(io.BytesIO(streamed)) == sine(440, 20)


def riff_file(form: bytes, samples: bytes) -> bytes:
    chunks = b"WAVE" + struct.pack("<4sI", b"fmt ", len(form)) + form + struct.pack("<4sI", b"data", len(samples))
    return b"RIFF" + struct.pack("<I", len(chunks) + len(samples)) + chunks + samples
