from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.errors import ConfigurationError
from telebridge.rime.parameters import TAKES, RimeOptions, speech_parameters
from telebridge.speech_server.query import RequestedSpeech, requested_by_query

EVERY = {
    "speed_alpha": 1.2,
    "time_scale_factor": 0.9,
    "inline_speed_alpha": "0.5, 3",
    "pause_between_brackets": True,
    "phonemize_between_brackets": False,
    "no_text_normalization": True,
    "reduce_latency": True,
    "save_oovs": False,
    "temperature": 0.4,
    "top_p": 1.0,
    "repetition_penalty": 1.5,
    "max_tokens": 1200,
}


def test_the_telephones_format_is_always_asked_for():
    query = parse_qs(speech_parameters({}).query())
    assert query == {
        "speaker": ["astra"],
        "modelId": ["arcana"],
        "lang": ["eng"],
        "audioFormat": ["mulaw"],
        "samplingRate": ["8000"],
    }


@pytest.mark.parametrize("model", list(TAKES))
def test_each_model_takes_its_parameters_and_no_others(model):
    for name, value in EVERY.items():
        values = {"model": model, name: value}
        if name in TAKES[model]:
            assert speech_parameters(values).given()[name] == value
        else:
            with pytest.raises(ConfigurationError, match=rf"rime\.{name}: {model} does not take it; it is for"):
                speech_parameters(values)


def test_names_and_booleans_are_written_as_rime_spells_them():
    query = speech_parameters(
        {"model": "mistv2", "pause_between_brackets": True, "inline_speed_alpha": "0.5, 3"}
    ).query()
    assert "pauseBetweenBrackets=true" in query
    assert "inlineSpeedAlpha=0.5%2C+3" in query


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"speaker": ""}, "rime.speaker: string should have at least 1 character"),
        ({"speaker": 7}, "rime.speaker: input should be a valid string"),
        ({"model": "mist9"}, "rime.model: input should be 'arcana'"),
        ({"temperature": 1.5}, "rime.temperature: input should be less than or equal to 1"),
        ({"temperature": "hot"}, "rime.temperature: input should be a valid number"),
        ({"max_tokens": 10}, "rime.max_tokens"),
        ({"model": "mistv2", "inline_speed_alpha": "fast"}, "rime.inline_speed_alpha"),
        ({"model": "mistv2", "pause_between_brackets": "yes"}, "rime.pause_between_brackets"),
        ({"model": []}, "rime.model: input should be 'arcana'"),
        ({"model": None}, "rime.model: input should be 'arcana'"),
        ({"speed_alpha": float("inf")}, "rime.speed_alpha: input should be a finite number"),
        ({7: 2}, "rime.7: "),
        ({"tempreature": 0.5}, "rime.tempreature: is no parameter of Rime's voices"),
    ],
)
def test_a_wrong_value_names_its_setting(values, problem):
    with pytest.raises(ConfigurationError) as caught:
        speech_parameters(values)
    assert str(caught.value).startswith(problem)


def test_older_names_of_a_model_are_taken():
    assert speech_parameters({"model": "arcanav3"}).model == "arcana"


def test_an_unknown_speaker_is_a_warning_and_no_error():
    assert speech_parameters({"speaker": "astra"}).warnings() == []
    [warning] = speech_parameters({"speaker": "nobody"}).warnings()
    assert warning.startswith("rime.speaker: 'nobody' is not known for arcana in 'eng'; known are albion")


@given(
    st.sampled_from(sorted(TAKES)),
    st.sampled_from(["eng", "spa"]),
    st.sampled_from([None, "never", "immediate", "bySentence"]),
)
def test_the_server_reads_what_the_client_wrote(model, lang, segment):
    parameters = speech_parameters({"model": model, "lang": lang, "segment": segment, "speaker": "cove"})
    asked = requested_by_query(parameters.query())
    assert (asked.model, asked.lang, asked.speaker) == (model, lang, "cove")
    assert asked.segment == (segment or "bySentence")
    assert (asked.audio_format, asked.sampling_rate) == ("mulaw", 8000)


@given(st.text())
def test_any_query_is_read(query):
    assert isinstance(requested_by_query(query), RequestedSpeech)


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("pauseBetweenBrackets=True", "pauses", True),
        ("inlineSpeedAlpha=0.5, 3", "inline_speeds", (0.5, 3.0)),
        ("immediate=true", "segment", "immediate"),
        ("segment=", "segment", "bySentence"),
        ("modelId=mistv2&speedAlpha=2", "speed", 0.5),
        ("modelId=mistv3&speedAlpha=2", "speed", 2.0),
        ("modelId=coda&timeScaleFactor=2", "speed", 0.5),
        ("modelId=coda&timeScaleFactor=100", "speed", 0.4),
        ("modelId=v1", "model", "mistv3"),
        ("audioFormat=PCMU", "audio_format", "mulaw"),
        ("audioFormat=mulow", "audio_format", "wav"),
        ("speedAlpha=nan", "speed", 1.0),
    ],
)
def test_a_query_is_read_as_tolerantly_as_rime_does(query, field, value):
    assert getattr(requested_by_query(query), field) == value


def test_the_address_has_the_protocols_path_unless_it_has_its_own():
    arcana = speech_parameters({})
    assert RimeOptions(url="wss://h", protocol="ws").address(arcana).startswith("wss://h/ws?speaker=astra")
    assert "segment=never" in RimeOptions(url="wss://h", protocol="ws3").address(arcana)
    assert RimeOptions(url="ws://h:8002/", protocol="ws").address(arcana).startswith("ws://h:8002/?")


@pytest.mark.parametrize(
    ("url", "protocol", "where"),
    [
        ("http://h", "ws", "rime.url"),
        ("ws://[::1", "ws", "rime.url"),
        ("ws://h:99999", "ws", "rime.url"),
        ("", "ws", "rime.url"),
        ("wss://h", "ws2", "rime.protocol"),
    ],
)
def test_an_address_that_cannot_work_is_refused(url, protocol, where):
    with pytest.raises(ConfigurationError, match=where):
        RimeOptions(url=url, protocol=protocol).address(speech_parameters({}))
