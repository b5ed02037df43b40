from telebridge.playback.ledger import Heard, PlaybackLedger


def test_an_utterance_is_heard_whole_when_its_final_mark_returns():
    ledger = PlaybackLedger()
    ledger.audio_sent("u1", bytes(1600), now=0.0)
    name = ledger.mark_sent("u1", final=True, now=0.0)
    assert ledger.mark_returned(name, now=1.0) == "u1"
    assert ledger.heard("u1", now=9.0) == Heard(0, 0, 0), "what is over is forgotten"


def test_a_mark_inside_an_utterance_proves_what_was_before_it():
    ledger = PlaybackLedger(clear_allowance_ms=0)
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    name = ledger.mark_sent("u1", final=False, now=0.0)
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    assert ledger.mark_returned(name, now=1.0) is None
    assert ledger.heard("u1", now=1.25) == Heard(at_least_ms=1000, at_most_ms=1250, estimate_ms=1250)


def test_before_any_mark_returns_nothing_is_proven():
    ledger = PlaybackLedger(clear_allowance_ms=100)
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    assert ledger.heard("u1", now=0.5) == Heard(at_least_ms=0, at_most_ms=600, estimate_ms=500)


def test_at_most_is_never_more_than_what_was_sent():
    ledger = PlaybackLedger()
    ledger.audio_sent("u1", bytes(800), now=0.0)
    assert ledger.heard("u1", now=60.0).at_most_ms == 100


def test_a_mark_returned_after_a_clear_is_not_heard():
    ledger = PlaybackLedger()
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    flushed = ledger.mark_sent("u1", final=True, now=0.0)
    ledger.cleared()
    assert ledger.mark_returned(flushed, now=1.0) is None


def test_a_mark_never_sent_proves_nothing():
    ledger = PlaybackLedger()
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    assert ledger.mark_returned("u1-77", now=1.0) is None
    assert ledger.heard("u1", now=0.0).at_least_ms == 0


def test_a_mark_that_returns_twice_counts_once():
    ledger = PlaybackLedger()
    name = ledger.mark_sent("u1", final=True, now=0.0)
    assert [ledger.mark_returned(name, now=1.0), ledger.mark_returned(name, now=1.0)] == ["u1", None]


def test_what_is_sent_after_a_clear_is_counted_from_there():
    ledger = PlaybackLedger(clear_allowance_ms=0)
    ledger.audio_sent("u1", bytes(80_000), now=0.0)
    ledger.cleared()
    ledger.audio_sent("u2", bytes(8000), now=1.0)
    assert ledger.heard("u2", now=1.5) == Heard(0, 500, 500)
    assert ledger.lead_ms(now=1.5) == 500


def test_two_utterances_in_one_stream_are_told_apart():
    ledger = PlaybackLedger(clear_allowance_ms=0)
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    ledger.audio_sent("u2", bytes(8000), now=0.0)
    assert ledger.heard("u1", now=1.5).estimate_ms == 1000
    assert ledger.heard("u2", now=1.5).estimate_ms == 500


def test_a_pause_between_messages_is_not_counted_as_heard():
    ledger = PlaybackLedger(clear_allowance_ms=0)
    ledger.audio_sent("u1", bytes(800), now=0.0)
    ledger.audio_sent("u1", bytes(800), now=5.0)
    assert ledger.heard("u1", now=5.05).estimate_ms == 150


def test_a_final_mark_that_never_returns_is_given_up_after_its_grace():
    ledger = PlaybackLedger(mark_grace_seconds=5)
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    ledger.mark_sent("u1", final=True, now=0.0)
    assert ledger.next_deadline() == 6.0
    assert ledger.handle_timeout(now=5.9) == []
    assert ledger.handle_timeout(now=6.0) == ["u1"]
    assert ledger.next_deadline() is None


def test_marks_are_named_uniquely_within_a_stream():
    ledger = PlaybackLedger()
    names = [ledger.mark_sent(f"u{n % 2}", final=False, now=0.0) for n in range(10)]
    assert len(set(names)) == 10


def paused_at(ledger, now):
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    return ledger.paused("u1", now=now)


def test_a_pause_tells_where_the_utterance_was_cut_and_remembers_what_was_heard():
    ledger = PlaybackLedger(clear_allowance_ms=100)
    assert paused_at(ledger, 0.4) == 400
    assert ledger.heard("u1", now=9.0) == Heard(at_least_ms=0, at_most_ms=500, estimate_ms=400)
    assert ledger.lead_ms(now=0.4) == 0


def test_what_is_said_again_is_not_heard_further_until_it_goes_beyond():
    ledger = PlaybackLedger(clear_allowance_ms=0)
    paused_at(ledger, 0.4)
    ledger.resumed("u1", rewound_bytes=800)
    ledger.audio_sent("u1", bytes(8000 - 2400), now=1.0)
    assert ledger.heard("u1", now=1.05).estimate_ms == 400
    assert ledger.heard("u1", now=1.2).estimate_ms == 500
    assert ledger.heard("u1", now=60.0).estimate_ms == 1000


def test_a_mark_after_a_resume_proves_what_was_before_it():
    ledger = PlaybackLedger(clear_allowance_ms=0)
    paused_at(ledger, 0.4)
    ledger.resumed("u1", rewound_bytes=800)
    ledger.audio_sent("u1", bytes(4000), now=1.0)
    ledger.mark_returned(ledger.mark_sent("u1", final=False, now=1.0), now=1.0)
    assert ledger.heard("u1", now=1.0).at_least_ms == 800


def test_a_second_cut_in_what_is_said_again_lies_before_what_was_heard():
    ledger = PlaybackLedger(clear_allowance_ms=0)
    paused_at(ledger, 0.4)
    ledger.resumed("u1", rewound_bytes=800)
    ledger.audio_sent("u1", bytes(4000), now=1.0)
    assert ledger.paused("u1", now=1.02) == 320
    assert ledger.heard("u1", now=2.0).estimate_ms == 400


def test_a_mark_flushed_by_a_pause_proves_nothing():
    ledger = PlaybackLedger(clear_allowance_ms=0)
    ledger.audio_sent("u1", bytes(8000), now=0.0)
    flushed = ledger.mark_sent("u1", final=True, now=0.0)
    ledger.paused("u1", now=0.25)
    assert ledger.mark_returned(flushed, now=1.0) is None
    assert ledger.heard("u1", now=0.25) == Heard(0, 250, 250)
