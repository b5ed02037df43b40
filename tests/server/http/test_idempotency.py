"""A key makes one request of many, for a day."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.server.http.idempotency import (
    LIFETIME_SECONDS,
    IdempotencyKeys,
    Seen,
    is_key,
)


def test_a_key_is_new_once():
    keys = IdempotencyKeys()
    assert keys.begin("k", b"body", now=0) is Seen.NEVER
    assert keys.begin("k", b"body", now=1) is Seen.RUNNING


def test_the_first_answer_is_kept():
    keys = IdempotencyKeys()
    keys.begin("k", b"body", now=0)
    keys.finish("k", "CA1")
    assert keys.begin("k", b"body", now=1) is Seen.DONE
    assert keys.answer("k") == "CA1"


def test_another_body_is_a_mistake_before_and_after_the_answer():
    keys = IdempotencyKeys()
    keys.begin("k", b"body", now=0)
    assert keys.begin("k", b"other", now=1) is Seen.OTHER
    keys.finish("k", "CA1")
    assert keys.begin("k", b"other", now=1) is Seen.OTHER


def test_a_request_without_effect_is_forgotten():
    keys = IdempotencyKeys()
    keys.begin("k", b"body", now=0)
    keys.forget("k")
    assert keys.answer("k") is None
    assert keys.begin("k", b"other", now=1) is Seen.NEVER


def test_a_key_is_known_for_a_day_and_no_longer():
    keys = IdempotencyKeys()
    keys.begin("k", b"body", now=100)
    keys.finish("k", "CA1")
    assert keys.begin("k", b"body", now=100 + LIFETIME_SECONDS - 0.1) is Seen.DONE
    assert keys.begin("k", b"body", now=100 + LIFETIME_SECONDS) is Seen.NEVER


def test_the_oldest_answer_goes_when_there_are_too_many_but_nothing_that_runs():
    keys = IdempotencyKeys(limit=2)
    keys.begin("running", b"", now=0)
    keys.begin("done", b"", now=1)
    keys.finish("done", "CA1")
    keys.begin("new", b"", now=2)
    assert keys.begin("running", b"", now=3) is Seen.RUNNING
    assert keys.answer("done") is None


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["begin", "finish", "forget"]))))
def test_whatever_comes_a_running_key_is_never_new_and_the_limit_holds_for_answers(steps):
    keys, running = IdempotencyKeys(limit=2), set()
    for now, (key, step) in enumerate(steps):
        if step == "begin":
            seen = keys.begin(key, b"", now=now)
            assert (seen is Seen.RUNNING) == (key in running)
            if seen is Seen.NEVER:
                running.add(key)
                assert len(keys) <= max(2, len(running))
        elif key in running:
            running.remove(key)
            keys.finish(key, "CA1") if step == "finish" else keys.forget(key)


@pytest.mark.parametrize(
    ("text", "good"), [("a", True), ("x" * 255, True), ("", False), ("x" * 256, False), ("é", False), ("a\n", False)]
)
def test_what_can_be_a_key(text, good):
    assert is_key(text) is good
