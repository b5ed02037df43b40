"""Whether a process dials campaigns, and why not."""

import pytest

from telebridge.campaigning import not_dialling
from telebridge.settings import Settings

ACCOUNT = {"account_sid": "AC1", "auth_token": "t"}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"twilio": ACCOUNT, "public_url": "https://b.example.com"}, ""),
        ({"twilio": ACCOUNT}, "public_url is not set"),
        ({"public_url": "https://b.example.com"}, "the Twilio account is not set"),
        ({"twilio": {"account_sid": "AC1"}, "public_url": "https://b.example.com"}, "the Twilio account is not set"),
        (
            {"twilio": {**ACCOUNT, "api_key_sid": "SK1"}, "public_url": "https://b.example.com"},
            "the Twilio account is not set",
        ),
        (
            {"twilio": ACCOUNT, "public_url": "https://b.example.com", "campaigns": {"dial": False}},
            "campaigns.dial is off",
        ),
    ],
)
def test_a_process_dials_when_it_can_be_reached_and_paid_for(settings, why):
    assert not_dialling(Settings(**settings)) == why
