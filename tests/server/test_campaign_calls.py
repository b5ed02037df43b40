"""What a call's end says of its attempt."""

from datetime import UTC, datetime

import pytest

from telebridge.call.record import CallRecord, SpokenUtterance
from telebridge.campaigns.outcomes import Reported
from telebridge.server.campaign_calls import reported_of, talk_of
from telebridge.turns.barge_in import BargeIn, BargeInCause

CUT = SpokenUtterance("Hello Ada.", 900, BargeIn(BargeInCause.HANG_UP, "Hello", 300, exact=True))
SPOKEN_OVER = SpokenUtterance("Hello Ada.", 900, BargeIn(BargeInCause.SPEECH, "Hello", 300, exact=True))
HEARD = SpokenUtterance("Goodbye.", 900, None)


def record(*utterances, **fields):
    made = CallRecord("CA1", "test", "+1555", "+1666", "outbound-api", datetime.now(UTC), list(utterances))
    for name, value in {"first_audio_ms": 20.0, **fields}.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("ended", "lasted_ms", "reported"),
    [
        (record(HEARD, HEARD), 5000, None),
        (record(HEARD), 5000, None),
        (record(CUT), 700, Reported.HUNG_UP),
        (record(CUT, digits=["1"]), 700, None),
        (record(SPOKEN_OVER), 900, None),
        (record(HEARD, CUT), 5000, None),
        (record(first_audio_ms=None), 900, Reported.HUNG_UP),
        (record(first_audio_ms=None), 3000, Reported.ABANDONED),
        (record(HEARD, first_audio_ms=2500.0), 9000, Reported.ABANDONED),
        (record(CUT, opted_out=True), 700, Reported.OPTED_OUT),
        (record(first_audio_ms=None, opted_out=True), 3000, Reported.OPTED_OUT),
    ],
)
def test_how_a_call_ended_is_told_by_what_was_heard(ended, lasted_ms, reported):
    assert reported_of(ended, lasted_ms) is reported


def test_the_talk_is_what_was_heard_and_not_what_was_meant():
    told = talk_of(record(CUT, HEARD, digits=["1", "2"], result={"answer": "yes"}, path=["a"], end_reason="x"))
    assert told == {
        "heard": ["Hello", "Goodbye."],
        "digits": "12",
        "result": {"answer": "yes"},
        "path": ["a"],
        "interruptions": 1,
        "first_audio_ms": 20.0,
        "end_reason": "x",
    }
