"""`telebridge recognition-server`, as far as it is more than its server."""

import pytest

from telebridge.cli.stand_ins.recognition_server import Hearing, recognition_server
from telebridge.errors import ConfigurationError
from telebridge.recognition.local import moonshine


def test_who_cannot_hear_is_told_what_to_install_in_one_line(monkeypatch):
    monkeypatch.setattr(moonshine, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as told:
        recognition_server(hear=Hearing.LOCAL)
    assert str(told.value).startswith("--hear: is local, for which moonshine-voice")
    assert str(told.value).endswith("pip install 'telebridge[words]'")
    assert "\n" not in str(told.value)
