"""Runs campaign commands."""

import pytest
from support.campaign_commands import CSV, FILE
from support.programs import telebridge


@pytest.fixture
def campaign(tmp_path):
    """Runs a campaign command in a folder of its own."""
    (tmp_path / "spring.toml").write_text(FILE)
    (tmp_path / "people.csv").write_text(CSV)

    def run(*arguments):
        paths = [str(tmp_path / word) if word in ("spring.toml", "people.csv") else word for word in arguments]
        return telebridge("campaign", *paths, TELEBRIDGE_STATE_DIR=str(tmp_path / "var"), TWILIO_ACCOUNT_SID="AC1")

    return run
