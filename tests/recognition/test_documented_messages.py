"""What goes over the wire, held against messages as the vendors' documents show them."""

import json
import wave
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest

from telebridge.errors import RemoteProtocolError
from telebridge.recognition.deepgram import DeepgramRecognition
from telebridge.recognition.messages import SendFrame
from telebridge.recognition.openai_http import transcription_answer, transcription_request
from telebridge.recognition.openai_realtime import RealtimeRecognition
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.source import FinalTranscript, PartialTranscript, RecognitionRequest, RecognizedWord
from telebridge.recognition.vosk import VoskRecognition

SECOND = bytes(8000)
REQUEST = RecognitionRequest("en-US", ("billing",), ("billing",))


def spoken(protocol):
    """The frames of one second of speech."""
    heard = [*protocol.begin_speech(1), *protocol.feed(SECOND), *protocol.end_speech()]
    return [each.frame for each in heard if isinstance(each, SendFrame)]


def deepgram_results(text, *, final, from_finalize=False, start=0.0, duration=1.0):
    return json.dumps(
        {
            "type": "Results",
            "channel_index": [0, 1],
            "start": start,
            "duration": duration,
            "is_final": final,
            "speech_final": final,
            "from_finalize": from_finalize,
            "channel": {
                "alternatives": [
                    {
                        "transcript": text,
                        "confidence": 0.98,
                        "words": [
                            {"word": text, "start": start, "end": start + duration, "confidence": 0.98,
                             "punctuated_word": text.title()}
                        ] if text else [],
                    }
                ]
            },
            "metadata": {"request_id": "a", "model_info": {"name": "nova-3"}},
        }
    )  # fmt: skip


def test_deepgram_is_asked_for_mulaw_of_a_telephone():
    protocol = DeepgramRecognition(RecognizerOptions("deepgram", api_key="k", hints=("Acme",)), REQUEST)
    query = parse_qs(urlsplit(protocol.address()).query)
    assert urlsplit(protocol.address())._replace(query="").geturl() == "wss://api.deepgram.com/v1/listen"
    assert (query["encoding"], query["sample_rate"], query["channels"]) == (["mulaw"], ["8000"], ["1"])
    assert (query["language"], query["keyterm"]) == (["en-US"], ["billing", "Acme"])
    assert protocol.headers() == {"Authorization": "Token k"}
    assert spoken(protocol) == [SECOND, '{"type":"Finalize"}']
    assert [each.frame for each in (*protocol.keep_alive(), *protocol.close())] == [
        '{"type":"KeepAlive"}',
        '{"type":"CloseStream"}',
    ]


def test_deepgram_is_final_is_not_the_end_of_a_turn():
    protocol = DeepgramRecognition(RecognizerOptions("deepgram"), REQUEST)
    spoken(protocol)
    assert protocol.receive('{"type":"SpeechStarted","channel":[0],"timestamp":0.1}') == []
    assert protocol.receive(deepgram_results("bill", final=False)) == [PartialTranscript(1, "bill")]
    assert protocol.receive(deepgram_results("billing", final=True)) == [PartialTranscript(1, "billing")]
    words = (RecognizedWord("Billing", 0.0, 1000.0, 0.98),)
    done = protocol.receive(deepgram_results("", final=True, from_finalize=True, start=1.0, duration=0.0))
    assert done == [FinalTranscript(1, "billing", 0.98, words)]
    assert protocol.receive(deepgram_results("billing", final=True, from_finalize=True)) == []


@pytest.mark.parametrize("message", ["\x00{", '{"type":"Error","description":"bad"}', b"\xff\xfe"])
def test_what_cannot_be_read_ends_the_connection(message):
    with pytest.raises(RemoteProtocolError):
        DeepgramRecognition(RecognizerOptions("deepgram"), REQUEST).receive(message)


def test_openai_gets_a_transcription_session_and_no_model_in_the_address():
    protocol = RealtimeRecognition(RecognizerOptions("openai", api_key="k", model="gpt-4o-transcribe"), REQUEST)
    assert protocol.address() == "wss://api.openai.com/v1/realtime?intent=transcription"
    assert protocol.headers() == {"Authorization": "Bearer k"}
    (settings,) = protocol.open()
    assert json.loads(settings.frame) == {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": {"model": "gpt-4o-transcribe", "language": "en", "prompt": "Words: billing."},
                    "turn_detection": None,
                }
            },
            "include": ["item.input_audio_transcription.logprobs"],
        },
    }
    assert spoken(protocol) == [], "earlier audio would be read in the default format"
    sent = [json.loads(each.frame)["type"] for each in protocol.receive('{"type":"session.updated","session":{}}')]
    assert sent == ["input_audio_buffer.append", "input_audio_buffer.commit"]


def test_openai_of_the_beta_has_flat_settings_and_a_header():
    protocol = RealtimeRecognition(RecognizerOptions("openai", dialect="beta"), RecognitionRequest())
    assert protocol.headers() == {"OpenAI-Beta": "realtime=v1"}
    (settings,) = protocol.open()
    session = json.loads(settings.frame)
    assert session["type"] == "transcription_session.update"
    assert session["session"]["input_audio_format"] == "g711_ulaw"


def test_openai_results_are_of_their_items():
    protocol = RealtimeRecognition(RecognizerOptions("openai"), REQUEST)
    protocol.receive('{"type":"session.updated"}')
    spoken(protocol)
    protocol.receive('{"type":"input_audio_buffer.committed","item_id":"item_9","previous_item_id":null}')
    kind = "conversation.item.input_audio_transcription"
    assert protocol.receive('{"type":"error","error":{"type":"invalid_request_error","code":"x","message":"m"}}') == []
    assert protocol.receive(f'{{"type":"{kind}.delta","item_id":"item_9","content_index":0,"delta":"bil"}}') == [
        PartialTranscript(1, "bil")
    ]
    failed = f'{{"type":"{kind}.failed","item_id":"item_9","error":{{"type":"server_error","message":"m"}}}}'
    assert protocol.receive(failed) == [FinalTranscript(1, "", failure="not transcribed: m")]


def test_vosk_gets_a_grammar_and_its_very_own_end():
    protocol = VoskRecognition(RecognizerOptions("vosk"), REQUEST)
    (config,) = protocol.open()
    assert json.loads(config.frame) == {
        "config": {"sample_rate": 8000, "words": True, "phrase_list": ["billing", "[unk]"]}
    }
    audio, end = spoken(protocol)
    assert (len(audio), end) == (16_000, '{"eof" : 1}')
    assert protocol.receive('{"partial" : "bill"}') == [PartialTranscript(1, "bill")]
    last = '{"result":[{"conf":1.0,"end":0.9,"start":0.3,"word":"billing"}],"text":"[unk] billing"}'
    assert protocol.receive(last) == []
    words = (RecognizedWord("billing", 300.0, 900.0, 1.0),)
    assert protocol.receive_close() == [FinalTranscript(1, "billing", 1.0, words)]


def test_a_request_over_http_holds_a_wav_file():
    request = transcription_request(RecognizerOptions("openai-http", api_key="k"), REQUEST, SECOND)
    assert request.address == "https://api.openai.com/v1/audio/transcriptions"
    fields = {"model": "gpt-4o-mini-transcribe", "language": "en", "prompt": "billing", "response_format": "json"}
    assert dict(request.fields) == fields
    with wave.open(BytesIO(request.wav)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnframes()) == (8000, 2, 8000)
    assert transcription_request(RecognizerOptions("openai-http"), REQUEST, SECOND[:800]) is None


def test_what_a_model_takes_for_no_speech_holds_no_words():
    assert transcription_answer(1, b'{"text":"billing"}') == FinalTranscript(1, "billing")
    invented = b'{"text":"Thank you.","segments":[{"no_speech_prob":0.93,"avg_logprob":-0.9}]}'
    assert transcription_answer(1, invented) == FinalTranscript(1, "")
