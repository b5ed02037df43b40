from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from telebridge.twilio.signed_urls import StreamTokenError, StreamTokens

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CLAIMS = {"flow": "front-desk", "from": "+15550001111"}


@pytest.fixture
def tokens():
    return StreamTokens("secret", lifetime_seconds=60)


def test_a_token_tells_its_call_once(tokens):
    token = tokens.issue("CA1", CLAIMS, wallclock=NOW)
    assert tokens.redeem(token, wallclock=NOW + timedelta(seconds=1)) == ("CA1", CLAIMS)
    with pytest.raises(StreamTokenError, match="used before"):
        tokens.redeem(token, wallclock=NOW + timedelta(seconds=2))


def test_a_token_is_good_for_its_lifetime(tokens):
    token = tokens.issue("CA1", CLAIMS, wallclock=NOW)
    with pytest.raises(StreamTokenError, match="expired"):
        tokens.redeem(token, wallclock=NOW + timedelta(seconds=61))


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: "x" + t, lambda t: t.partition(".")[0], lambda _: "", lambda _: "."]
)
def test_a_forged_token_is_refused(tokens, change):
    with pytest.raises(StreamTokenError, match="forged"):
        tokens.redeem(change(tokens.issue("CA1", CLAIMS, wallclock=NOW)), wallclock=NOW)


def test_another_secret_signs_nothing_here(tokens):
    token = StreamTokens("other").issue("CA1", CLAIMS, wallclock=NOW)
    with pytest.raises(StreamTokenError, match="forged"):
        tokens.redeem(token, wallclock=NOW)


def test_the_memory_of_used_tokens_is_bounded_by_their_lifetime(tokens):
    for second in range(1000):
        now = NOW + timedelta(seconds=second)
        tokens.redeem(tokens.issue("CA1", CLAIMS, wallclock=now), wallclock=now)
    assert len(tokens._used) <= 62


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_a_token_is_one_segment_of_a_path_whatever_it_carries(call_sid, claims):
    tokens = StreamTokens("secret")
    token = tokens.issue(call_sid, claims, wallclock=NOW)
    assert URL(f"wss://example.com/twilio/media/{token}").parts == ("/", "twilio", "media", token)
    assert tokens.redeem(token, wallclock=NOW) == (call_sid, claims)


@given(st.text())
def test_any_text_is_refused_without_another_error(text):
    with pytest.raises(StreamTokenError):
        StreamTokens("secret").redeem(text, wallclock=NOW)
