from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.twilio import twiml

ANY = st.text(st.characters(exclude_categories=()) | st.sampled_from('\ud83d\ude00\x00\x1b\ufffe<&"a1'), max_size=30)


def test_a_stream_is_followed_by_a_redirect_so_that_its_loss_does_not_hang_up():
    document = twiml.connect_stream("wss://b/m/t", status_callback="https://b/s", then_redirect="https://b/n")
    assert document == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream statusCallback="https://b/s" '
        'statusCallbackMethod="POST" url="wss://b/m/t" /></Connect>'
        '<Redirect method="POST">https://b/n</Redirect></Response>'
    )


def test_what_is_said_is_escaped():
    assert "<Say>Tom &amp; &lt;Jerry&gt;</Say><Hangup" in twiml.say_and_hang_up("Tom & <Jerry>")


def test_a_call_is_refused_as_busy_and_ended():
    assert '<Reject reason="busy" />' in twiml.reject()
    assert "<Response><Hangup /></Response>" in twiml.hang_up()


@given(ANY, ANY, ANY)
def test_whatever_a_text_holds_the_document_can_be_parsed(text, to, caller_id):
    dial = twiml.dial(to, action="https://b/d", timeout_seconds=30, caller_id=caller_id, whisper=f"https://b/w?{text}")
    for document in (twiml.say(text), twiml.say_and_hang_up(text), dial):
        assert ElementTree.fromstring(document.encode()).tag == "Response"


@pytest.mark.slow
def test_a_text_without_a_sound_is_not_said():
    assert "<Say" not in twiml.say("\0 \x1b")
    assert "<Say>Bell</Say>" in twiml.say("\x07B\0ell\ufffe")
