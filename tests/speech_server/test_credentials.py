"""A client is authenticated by a bearer, or refused with Rime's words."""

import pytest

from telebridge.speech_server.credentials import refusal


@pytest.mark.parametrize(
    ("api_key", "header", "words"),
    [
        ("right", "Bearer right", None),
        ("right", "Bearer  right ", None),
        (None, "Bearer whatever", None),
        (None, None, "missing headers"),
        (None, "Bearer", "empty apikey"),
        (None, "Bearer  ", "empty apikey"),
        ("right", "bearer right", "invalid api key"),
        ("right", "Basic right", "invalid api key"),
        ("right", "Bearer wrong", "invalid api key"),
        ("right", "Bearer riight\u00e9", "invalid api key"),
    ],
)
def test_a_key_is_accepted_or_refused(api_key, header, words):
    assert refusal(api_key, header) == words
