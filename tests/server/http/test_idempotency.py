"""What a request with an Idempotency-Key gets: one table of cases, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.server.http.idempotency import (
    ABANDONED_MS,
    LIFETIME_MS,
    KeyClaim,
    KeyVerdict,
    StoredRequest,
    StoredResponse,
    fingerprint_of,
    is_key,
    judge,
)

BODY, OTHER = fingerprint_of(b"body"), fingerprint_of(b"other")
CREATED = StoredResponse(201, '{"call_sid": "CA1"}')
RUNNING, DONE = StoredRequest(BODY, 100), StoredRequest(BODY, 100, CREATED)


@pytest.mark.parametrize(
    ("stored", "fingerprint", "now", "expected"),
    [
        (None, BODY, 100, KeyClaim(KeyVerdict.FIRST)),
        (RUNNING, BODY, 101, KeyClaim(KeyVerdict.IN_PROGRESS)),
        (RUNNING, BODY, 100 + ABANDONED_MS - 1, KeyClaim(KeyVerdict.IN_PROGRESS)),
        (RUNNING, BODY, 100 + ABANDONED_MS, KeyClaim(KeyVerdict.ABANDONED)),
        (RUNNING, OTHER, 101, KeyClaim(KeyVerdict.MISMATCH)),
        (DONE, BODY, 101, KeyClaim(KeyVerdict.ANSWERED, CREATED)),
        (DONE, OTHER, 101, KeyClaim(KeyVerdict.MISMATCH)),
        (DONE, BODY, 100 + LIFETIME_MS - 1, KeyClaim(KeyVerdict.ANSWERED, CREATED)),
        (DONE, BODY, 100 + LIFETIME_MS, KeyClaim(KeyVerdict.FIRST)),
        (DONE, OTHER, 100 + LIFETIME_MS, KeyClaim(KeyVerdict.FIRST)),
    ],
)
def test_a_request_is_judged_by_the_first_one_with_its_key(stored, fingerprint, now, expected):
    assert judge(stored, fingerprint, now=now) == expected


@given(st.integers(0, 2 * LIFETIME_MS), st.booleans(), st.sampled_from([BODY, OTHER]))
def test_within_its_lifetime_a_key_is_never_new(age, answered, fingerprint):
    stored = StoredRequest(BODY, 0, CREATED if answered else None)
    assert (judge(stored, fingerprint, now=age).verdict is KeyVerdict.FIRST) == (age >= LIFETIME_MS)


@pytest.mark.parametrize(
    ("text", "good"), [("a", True), ("x" * 255, True), ("", False), ("x" * 256, False), ("é", False), ("a\n", False)]
)
def test_what_can_be_a_key(text, good):
    assert is_key(text) is good
