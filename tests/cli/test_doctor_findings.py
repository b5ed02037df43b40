"""What `telebridge doctor` finds of single settings."""

import pytest

from telebridge.cli.doctor import recognizer_finding
from telebridge.settings.settings import Settings


@pytest.mark.parametrize(
    ("recognition", "expected"),
    [
        ({"provider": "deepgram"}, ("fail", "recognition.api_key")),
        ({"provider": "local", "language": "fr"}, ("fail", "recognition.language")),
        ({"provider": "local", "url": "ws://127.0.0.1"}, ("fail", "recognition.provider")),
        ({"provider": "vosk", "url": "ws://127.0.0.1:2700"}, ("ok", "recognition.provider")),
    ],
)
def test_a_recognizer_that_cannot_be_made_is_found(recognition, expected):
    found = recognizer_finding(Settings(recognition=recognition))
    assert (found.state, found.what) == expected
