"""Signed values in addresses: nobody can make one without the secret, nor use one kind for another."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from telebridge.twilio.signed_urls import (
    MOST_CHARACTERS,
    CallVariables,
    PromptTokenError,
    PromptTokens,
    StreamTokenError,
    StreamTokens,
    VariablesForged,
    VariablesTooLong,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CLAIMS = {"flow": "front-desk", "from": "+15550001111"}
PROMPTS = PromptTokens("secret")

# Variables of a call.


def test_what_was_signed_is_read_by_another_process_with_the_same_secret():
    variables = {"name": "Ada Ü", "count": 3, "price": 1.5, "new": True, "last": None}
    assert CallVariables("secret").read(CallVariables("secret").sign(variables)) == variables


def test_no_variables_take_no_room():
    assert CallVariables("secret").sign({}) == ""
    assert CallVariables("secret").read("") == {}


def test_signed_text_can_stand_in_a_query():
    signed = CallVariables("secret").sign({"name": "a/b?c&d=e #"})
    assert signed.replace("-", "").replace("_", "").replace(".", "").isalnum()


@pytest.mark.parametrize("mistake", ["x", "a.b", "\x00", "ü"])
def test_what_somebody_else_wrote_is_refused(mistake):
    with pytest.raises(VariablesForged):
        CallVariables("secret").read(mistake)
    with pytest.raises(VariablesForged):
        CallVariables("secret").read(CallVariables("other").sign({"name": "Ada"}))


def test_variables_too_long_for_an_address_are_refused():
    with pytest.raises(VariablesTooLong, match=f"at most {MOST_CHARACTERS} fit"):
        CallVariables("secret").sign({"text": secrets.token_hex(4000)})


# Tokens of media streams.


@pytest.fixture
def streams():
    return StreamTokens("secret", lifetime_seconds=60)


def test_a_stream_token_tells_its_call_once(streams):
    token = streams.issue("CA1", CLAIMS, wallclock=NOW)
    assert streams.redeem(token, wallclock=NOW + timedelta(seconds=1)) == ("CA1", CLAIMS)
    with pytest.raises(StreamTokenError, match="used before"):
        streams.redeem(token, wallclock=NOW + timedelta(seconds=2))


def test_a_stream_token_is_good_for_its_lifetime(streams):
    token = streams.issue("CA1", CLAIMS, wallclock=NOW)
    with pytest.raises(StreamTokenError, match="expired"):
        streams.redeem(token, wallclock=NOW + timedelta(seconds=61))


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: "x" + t, lambda t: t.partition(".")[0], lambda _: "", lambda _: "."]
)
def test_a_forged_stream_token_is_refused(streams, change):
    with pytest.raises(StreamTokenError, match="forged"):
        streams.redeem(change(streams.issue("CA1", CLAIMS, wallclock=NOW)), wallclock=NOW)


def test_a_stream_token_of_another_secret_is_refused(streams):
    token = StreamTokens("other").issue("CA1", CLAIMS, wallclock=NOW)
    with pytest.raises(StreamTokenError, match="forged"):
        streams.redeem(token, wallclock=NOW)


def test_the_memory_of_used_tokens_is_bounded_by_their_lifetime(streams):
    for second in range(1000):
        now = NOW + timedelta(seconds=second)
        streams.redeem(streams.issue("CA1", CLAIMS, wallclock=now), wallclock=now)
    assert len(streams._used) <= 62


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_a_stream_token_is_one_segment_of_a_path_whatever_it_carries(call_sid, claims):
    streams = StreamTokens("secret")
    token = streams.issue(call_sid, claims, wallclock=NOW)
    assert URL(f"wss://example.com/twilio/media/{token}").parts == ("/", "twilio", "media", token)
    assert streams.redeem(token, wallclock=NOW) == (call_sid, claims)


@given(st.text())
def test_any_text_is_refused_as_a_stream_token_without_another_error(text):
    with pytest.raises(StreamTokenError):
        StreamTokens("secret").redeem(text, wallclock=NOW)


# Tokens of prompts.


def prompt_refused(token, *, tokens=PROMPTS, wallclock=NOW):
    with pytest.raises(PromptTokenError) as raised:
        tokens.read(token, wallclock=wallclock)
    return raised.value.reason


def test_a_prompt_token_holds_the_text_and_the_voice():
    token = PROMPTS.issue("Hello, wörld.", {"speaker": "luna", "speed_alpha": 1.1})
    assert PROMPTS.read(token, wallclock=NOW) == ("Hello, wörld.", {"speaker": "luna", "speed_alpha": 1.1})
    assert all(character.isalnum() or character in "-_." for character in token)


@pytest.mark.slow
def test_the_same_prompt_has_the_same_address():
    first = PROMPTS.issue("Hello.", {"speaker": "luna", "model": "mistv2"})
    assert first == PROMPTS.issue("Hello.", {"model": "mistv2", "speaker": "luna"})


def test_a_prompt_token_never_expires_unless_it_says_so():
    assert PROMPTS.read(PROMPTS.issue("Hello.", {}), wallclock=NOW + timedelta(days=36500)) == ("Hello.", {})
    token = PROMPTS.issue("Hello.", {}, expires=NOW)
    assert PROMPTS.read(token, wallclock=NOW) == ("Hello.", {})
    assert prompt_refused(token, wallclock=NOW + timedelta(seconds=1)) == "expired"


def test_a_prompt_token_of_another_secret_another_purpose_or_a_changed_letter_is_forged():
    token = PROMPTS.issue("Hello.", {})
    assert prompt_refused(token, tokens=PromptTokens("other")) == "forged"
    assert prompt_refused(StreamTokens("secret").issue("CA1", {}, wallclock=NOW)) == "forged"
    assert prompt_refused(("A" if token[0] != "A" else "B") + token[1:]) == "forged"
    assert prompt_refused("") == "forged"
