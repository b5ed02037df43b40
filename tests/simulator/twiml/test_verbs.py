import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Connect, Dial, Gather, VoiceResponse

from telebridge.simulator.twiml.document import read_document
from telebridge.simulator.twiml.verbs import (
    DialVerb,
    GatherVerb,
    HangupVerb,
    Party,
    PauseVerb,
    PlayVerb,
    RedirectVerb,
    RejectVerb,
    SayVerb,
    StreamVerb,
    TwimlError,
)


def test_what_the_official_builder_writes_is_read() -> None:
    response = VoiceResponse()
    connect = Connect(action="/after", method="GET")
    stream = connect.stream(url="wss://bridge.example/media/1", name="call", status_callback="https://b.example/s")
    stream.parameter(name="token", value="t1")
    response.append(connect)
    gather = Gather(num_digits=4, timeout=7, finish_on_key="*", action="/digits")
    gather.say("Enter your code")
    gather.pause(length=2)
    response.append(gather)
    dial = Dial(timeout=20, caller_id="+15550001", action="/dialled", answer_on_bridge=True)
    dial.number("+15551230100", url="/whisper", method="GET")
    dial.sip("sip:desk@example.com", url="https://b.example/whisper")
    dial.client("ann")
    response.append(dial)
    response.play("https://b.example/a.wav", loop=2)
    response.play(digits="12w")
    response.redirect("/next", method="GET")
    response.hangup()
    assert read_document(str(response).encode()).verbs == (
        StreamVerb(
            "wss://bridge.example/media/1",
            "call",
            (("token", "t1"),),
            "https://b.example/s",
            action="/after",
            method="GET",
        ),
        GatherVerb((SayVerb("Enter your code"), PauseVerb(2)), "/digits", "POST", 7, 4, "*"),
        DialVerb(
            (
                Party("+15551230100", "/whisper", "GET"),
                Party("sip:desk@example.com", "https://b.example/whisper"),
                Party("client:ann"),
            ),
            "/dialled",
            timeout_seconds=20,
            caller_id="+15550001",
        ),
        PlayVerb("https://b.example/a.wav", loop=2),
        PlayVerb(digits="12w"),
        RedirectVerb("/next", "GET"),
        HangupVerb(),
    )


def test_an_empty_response_has_no_verbs() -> None:
    assert read_document(b"<Response/>").verbs == ()
    assert read_document(b'<Response><Reject reason="busy"/></Response>').verbs == (RejectVerb("busy"),)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", 12100),
        (b"<Response>", 12100),
        (b"<html/>", 12200),
        (b"<Response><Connect/></Response>", 12200),
        (b"<Response><Connect><Stream/></Connect></Response>", 12200),
        (b'<Response><Connect><Stream url="wss://x" track="both_tracks"/></Connect></Response>', 31941),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><Response/>', 12100),
        (b"<Response>" + b" " * 65536 + b"</Response>", 11750),
        (
            b'<Response><Connect><Stream url="wss://x"><Parameter name="n" value="'
            + b"v" * 499
            + b'"/></Stream></Connect></Response>',
            12200,
        ),
    ],
)
def test_what_cannot_be_carried_out_has_the_code_of_its_error(document: bytes, code: int) -> None:
    with pytest.raises(TwimlError) as caught:
        read_document(document)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("verb", "read", "code"),
    [
        ("<Dance/>", None, 12200),
        ("<Pause length='soon'/>", PauseVerb(1), 13910),
        ("<Redirect method='PUT'>/x</Redirect>", RedirectVerb("/x"), 12200),
        ("<Say loudness='3'>Hi</Say>", SayVerb("Hi"), 12200),
        ("<Say voice='alice'>Hi</Say>", SayVerb("Hi"), 0),
        ("<Say>Hi <emphasis>you</emphasis></Say>", SayVerb("Hi you"), 0),
        ("<Pay/>", None, 0),
        ("<Start><Transcription/></Start>", None, 0),
        ("<Gather><Dial>1</Dial></Gather>", GatherVerb(), 12200),
    ],
)
def test_a_part_that_twilio_only_warns_of_is_not_a_reason_to_refuse_the_rest(verb, read, code):
    document = read_document(f"<Response>{verb}<Hangup/></Response>".encode())
    assert document.verbs == ((read, HangupVerb()) if read else (HangupVerb(),))
    assert [warning.code for warning in document.warnings] == [code]


FRAGMENTS = [
    b"<Response>",
    b"</Response>",
    b"<Say>",
    b"</Say>",
    b"<Play digits='1'/>",
    b"<Gather timeout='x'>",
    b"&amp;",
]


@given(st.one_of(st.binary(), st.lists(st.sampled_from(FRAGMENTS)).map(b"".join)))
def test_any_bytes_are_verbs_or_a_twiml_error(document: bytes) -> None:
    with contextlib.suppress(TwimlError):
        read_document(document)
