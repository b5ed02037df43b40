"""Parameters are read as tolerantly as Rime reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.speech_server.query import KNOWN_MODELS, RequestedSpeech, requested, requested_by_query


def test_nothing_requested_is_the_default_model_as_wav():
    assert requested({}) == RequestedSpeech("", "mistv3", "eng", "wav", 24000)


@pytest.mark.parametrize(
    ("given", "model"),
    [("arcana", "arcana"), ("arcanav3", "arcana"), ("mistv2", "mistv2"), ("v1", "coda"), ("", "coda"), (None, "coda")],
)
def test_an_unknown_model_is_the_default_one(given, model):
    assert requested({"modelId": given}, default_model="coda").model == model


@pytest.mark.parametrize(("model", "rate"), [("mist", 22050), ("mistv2", 22050), ("coda", 24000)])
def test_the_default_rate_is_the_models(model, rate):
    assert requested({"modelId": model}).sampling_rate == rate
    assert requested({"modelId": model, "samplingRate": "8000"}).sampling_rate == 8000
    assert requested({"modelId": model, "samplingRate": "fast"}).sampling_rate == rate


@pytest.mark.parametrize(
    ("name", "audio_format"), [("mulaw", "mulaw"), ("PCMU", "mulaw"), ("l16", "pcm"), ("mpeg", "mp3"), ("flac", "wav")]
)
def test_a_format_has_several_names(name, audio_format):
    assert requested({"audioFormat": name}).audio_format == audio_format


@pytest.mark.parametrize(
    ("values", "speed"),
    [
        ({"modelId": "mistv2", "speedAlpha": "0.5"}, 2.0),
        ({"modelId": "coda", "speedAlpha": "0.5"}, 0.5),
        ({"modelId": "coda", "timeScaleFactor": "2"}, 0.5),
        ({"modelId": "coda", "timeScaleFactor": "100"}, 0.4),
        ({"modelId": "coda", "speedAlpha": "nan"}, 1.0),
        ({"modelId": "coda", "speedAlpha": "-1"}, 1.0),
        ({"modelId": "coda", "speedAlpha": "1000"}, 5.0),
    ],
)
def test_the_speed_has_the_models_direction_and_bounds(values, speed):
    assert requested(values).speed == speed


@pytest.mark.parametrize(
    ("query", "segment"),
    [("segment=never", "never"), ("segment=often", "bySentence"), ("immediate=TRUE", "immediate"), ("", "bySentence")],
)
def test_the_segment_mode_has_an_older_spelling(query, segment):
    assert requested_by_query(query).segment == segment


def test_single_speeds_are_a_list():
    assert requested_by_query("inlineSpeedAlpha=1, 2,x").inline_speeds == (1.0, 2.0, 1.0)


@given(st.text())
def test_any_query_gives_parameters(query):
    speech = requested_by_query(query)
    assert speech.model in KNOWN_MODELS
    assert 0.2 <= speech.speed <= 5.0
