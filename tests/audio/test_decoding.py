"""Files that Twilio's `<Play>` takes are decoded to mu-law."""

import io

import numpy
import pytest
import soundfile

from telebridge.audio.decoding import decode
from telebridge.audio.mulaw import to_pcm
from telebridge.audio.tones import sine
from telebridge.audio.wav import mulaw_file
from telebridge.simulator.caller.sounds import is_audible


@pytest.mark.parametrize("form", ["MP3", "OGG", "AIFF", "FLAC"])
def test_compressed_audio_is_decoded(form: str) -> None:
    file = io.BytesIO()
    samples = numpy.frombuffer(to_pcm(sine(440, 500)), "<i2")
    soundfile.write(file, samples.repeat(2), 16000, format=form)
    decoded = decode(file.getvalue())
    assert len(decoded) == pytest.approx(4000, abs=700)
    assert is_audible(decoded[1600:1760])


def test_bare_mulaw_is_taken_by_its_content_type() -> None:
    assert decode(sine(440, 20), "audio/basic; rate=8000") == sine(440, 20)
    assert decode(mulaw_file(sine(440, 20)), "audio/basic") == sine(440, 20)


@pytest.mark.parametrize("data", [b"", b"<Response/>", b"ID3 and nothing else", b"RIFF\0\0\0\0WAVE"])
def test_what_is_no_audio_says_so(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a"):
        decode(data)


def test_without_the_decoder_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"pip install 'telebridge\[voice\]'"):
        decode(b"ID3\4\0")
