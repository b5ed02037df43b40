"""A prompt's address says what is spoken, and cannot be made without the secret."""

from datetime import UTC, datetime, timedelta

import pytest

from telebridge.twilio.signed_urls import PromptTokenError, PromptTokens, StreamTokens

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TOKENS = PromptTokens("secret")


def refused(token, *, tokens=TOKENS, wallclock=NOW):
    with pytest.raises(PromptTokenError) as raised:
        tokens.read(token, wallclock=wallclock)
    return raised.value.reason


def test_a_token_holds_the_text_and_the_voice():
    token = TOKENS.issue("Hello, wörld.", {"speaker": "luna", "speed_alpha": 1.1})
    assert TOKENS.read(token, wallclock=NOW) == ("Hello, wörld.", {"speaker": "luna", "speed_alpha": 1.1})
    assert all(character.isalnum() or character in "-_." for character in token)


def test_the_same_prompt_has_the_same_address():
    first = TOKENS.issue("Hello.", {"speaker": "luna", "model": "mistv2"})
    assert first == TOKENS.issue("Hello.", {"model": "mistv2", "speaker": "luna"})


def test_it_never_expires_unless_it_says_so():
    assert TOKENS.read(TOKENS.issue("Hello.", {}), wallclock=NOW + timedelta(days=36500)) == ("Hello.", {})
    token = TOKENS.issue("Hello.", {}, expires=NOW)
    assert TOKENS.read(token, wallclock=NOW) == ("Hello.", {})
    assert refused(token, wallclock=NOW + timedelta(seconds=1)) == "expired"


def test_another_secret_another_purpose_or_a_changed_letter_is_forged():
    token = TOKENS.issue("Hello.", {})
    assert refused(token, tokens=PromptTokens("other")) == "forged"
    assert refused(StreamTokens("secret").issue("CA1", {}, wallclock=NOW)) == "forged"
    assert refused(("A" if token[0] != "A" else "B") + token[1:]) == "forged"
    assert refused("") == "forged"
