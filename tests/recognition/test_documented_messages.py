"""What goes over the wire, held against messages as the vendors' documents show them."""

import base64
import json
import wave
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest

from telebridge.errors import ConfigurationError, RemoteProtocolError
from telebridge.recognition.messages import SendFrame
from telebridge.recognition.options import RecognizerOptions
from telebridge.recognition.protocols.deepgram import DeepgramRecognition
from telebridge.recognition.protocols.deepgram_flux import FluxRecognition
from telebridge.recognition.protocols.openai_http import transcription_answer, transcription_request
from telebridge.recognition.protocols.openai_realtime import RealtimeRecognition
from telebridge.recognition.protocols.rime import RimeRecognition
from telebridge.recognition.protocols.vosk import VoskRecognition
from telebridge.recognition.providers import open_recognizer
from telebridge.recognition.source import FinalTranscript, PartialTranscript, RecognitionRequest, RecognizedWord

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


FORCE = '{"type":"ForceEndTurn"}'


def flux_turn(event, text="", *, index=0, until):
    fields = {"type": "TurnInfo", "request_id": "a", "sequence_id": 3, "event": event, "turn_index": index}
    words = [{"word": word, "confidence": 0.9} for word in text.split()]
    window = {"audio_window_start": 0.0, "audio_window_end": until, "end_of_turn_confidence": 0.2}
    return json.dumps({**fields, **window, "transcript": text, "words": words, "languages": ["en"]})


def frames(answers):
    return [each.frame for each in answers if isinstance(each, SendFrame)]


def test_flux_leaves_the_end_of_a_turn_to_us():
    protocol = FluxRecognition(RecognizerOptions("deepgram-flux", api_key="k"), RecognitionRequest("es-MX", ("Acme",)))
    query = parse_qs(urlsplit(protocol.address()).query)
    assert (query["model"], query["language_hint"]) == (["flux-general-multi"], ["es"])
    assert (query["encoding"], query["sample_rate"], query["keyterm"]) == (["mulaw"], ["8000"], ["Acme"])
    assert (query["eot_threshold"], query["eot_timeout_ms"]) == (["1.0"], ["30000"])
    assert FluxRecognition(RecognizerOptions("deepgram-flux"), REQUEST).address().count("flux-general-en") == 1


def test_flux_ends_a_turn_once_all_of_it_is_transcribed():
    protocol = FluxRecognition(RecognizerOptions("deepgram-flux"), REQUEST)
    protocol.begin_speech(1)
    protocol.feed(SECOND)
    assert protocol.receive('{"type":"Connected","request_id":"a","sequence_id":0}') == []
    assert protocol.receive(flux_turn("StartOfTurn", "my", until=0.5)) == [PartialTranscript(1, "my")]
    assert FORCE not in frames(protocol.end_speech()), "the last words are not transcribed yet"
    assert FORCE not in frames(protocol.receive(flux_turn("Update", "my last", until=0.9)))
    assert protocol.receive(flux_turn("Update", "my last bill", until=1.1)) == [
        PartialTranscript(1, "my last bill"),
        SendFrame(FORCE),
    ]
    assert protocol.receive(flux_turn("Update", "my last bill", until=1.3)) == [], "it was said once"
    done = flux_turn("EndOfTurn", "my last bill", until=1.3)
    assert protocol.receive(done) == [FinalTranscript(1, "my last bill", pytest.approx(0.9))]
    assert protocol.receive(done) == []


def test_flux_says_nothing_of_a_turn_that_never_began():
    protocol = FluxRecognition(RecognizerOptions("deepgram-flux"), REQUEST)
    protocol.begin_speech(1)
    protocol.feed(SECOND)
    protocol.end_speech()
    assert protocol.receive(flux_turn("Update", until=0.8)) == []
    assert FinalTranscript(1, "") in protocol.receive(flux_turn("Update", until=1.05))


def test_rime_wants_a_start_with_its_contract():
    protocol = RimeRecognition(RecognizerOptions("rime", api_key="k", language="en"), REQUEST)
    assert (protocol.address(), protocol.headers()) == ("wss://stt.api.rime.ai/ws", {"Authorization": "Bearer k"})
    contract = "STREAMING_OUTPUT_CONTRACT_REVISED_HYPOTHESES"
    (start,) = frames(protocol.open())
    assert json.loads(start) == {"start": {"language": "en", "outputContract": contract, "contextTerms": ["billing"]}}
    *audio, end = map(json.loads, spoken(protocol))
    assert sum(len(base64.b64decode(each["audio"])) for each in audio) == 32_000, "one second at 16 kHz"
    assert end == {"end": {}}
    assert protocol.receive('{"started":{"requestId":"r","accepted":{}}}') == []
    assert protocol.receive('{"hypothesis":{"text":"bill","revision":1}}') == [PartialTranscript(1, "bill")]
    assert protocol.receive_close() == [], "an end without done is no empty transcript"
    done = '{"done":{"text":"Billing.","language":"en","revision":2}}'
    assert protocol.receive(done) == [FinalTranscript(1, "Billing.")]
    with pytest.raises(RemoteProtocolError):
        protocol.receive('{"error":{"kind":"timeout","message":"no audio","requestId":"r"}}')


def test_rime_writes_numbers_word_for_word_and_a_long_utterance_in_pieces():
    request = RecognitionRequest("es-MX", digits=True)
    protocol = RimeRecognition(RecognizerOptions("rime", language="en"), request)
    start = json.loads(frames(protocol.open())[0])["start"]
    assert (start["language"], start["mode"]) == ("es", "TRANSCRIPTION_MODE_VERBATIM")
    protocol.begin_speech(1)
    sizes = [len(base64.b64decode(json.loads(each)["audio"])) for each in frames(protocol.feed(SECOND * 20))]
    assert max(sizes) <= 64 * 1024


def test_rime_refuses_at_the_start_what_it_does_not_hear():
    with pytest.raises(ConfigurationError, match="language"):
        open_recognizer(RecognizerOptions("rime", language="fr"))
