import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.rime.messages import Ended, ended


@pytest.mark.parametrize("code", [1000, 1001, 1005])
def test_a_clean_close_is_an_end_without_an_error(code):
    assert ended(code, "") == Ended()


@pytest.mark.parametrize(
    "reason",
    [
        "400: text is too long",
        "text is too long",
        "401: invalid api key",
        "Speaker not found",
        "400: Speaker not found",
        "Language xx is not supported for model mistv2",
    ],
)
def test_a_refusal_of_the_text_or_the_voice_is_told_from_a_failure(reason):
    assert ended(1011, reason) == Ended(f"Rime closed the connection: {reason}", 1011, refused=True)


@pytest.mark.parametrize(
    "reason", ["", "500: internal error", "429: Currently at websocket limit", "408: timeout", "4"]
)
def test_a_failure_may_be_over_the_next_time(reason):
    assert not ended(1011, reason).refused


@given(st.integers(), st.text())
def test_any_close_has_a_meaning(code, reason):
    assert isinstance(ended(code, reason), Ended)
