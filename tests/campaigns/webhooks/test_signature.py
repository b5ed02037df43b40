"""Signatures, held against the vector of the specification's libraries and against one of those libraries."""

import base64
import json
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.engine.campaign import Webhook, WebhookEvent
from telebridge.campaigns.webhooks.delivery import EventDelivery, request_headers
from telebridge.campaigns.webhooks.signature import is_standard_secret, secret_problem, sign, signing_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_vector_of_the_reference_libraries():
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at_seconds=1_614_265_330)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def sent(secret, body):
    """The headers of a request that is sent now."""
    delivery = EventDelivery("5f0c7a7c0f6e4d0f9d0f2f2f6c1b7a10", WebhookEvent.CONTACT_DONE, body, 0, 1)
    now = round(datetime.now(UTC).timestamp() * 1000)
    return request_headers(Webhook("https://example.com", secret), delivery, now=now)


@given(st.binary(min_size=24, max_size=64), st.dictionaries(st.text(), st.text()))
def test_a_library_of_receivers_verifies_what_is_sent(key, body):
    text = json.dumps(body)
    secret = "whsec_" + base64.b64encode(key).decode()
    assert secret_problem(secret) == ""
    receiver = standardwebhooks.Webhook(secret)
    assert receiver.verify(text, sent(secret, text)) == body
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        receiver.verify(f"{text} ", sent(secret, text))


def test_another_secret_is_used_as_its_bytes():
    headers = sent("b7c1f0e2 é", "{}")
    assert not is_standard_secret("b7c1f0e2 é")
    assert signing_key("b7c1f0e2 é") == "b7c1f0e2 é".encode()
    assert standardwebhooks.Webhook("b7c1f0e2 é".encode()).verify("{}", headers) == {}


@pytest.mark.parametrize(
    "tail", ["", "no base64!", base64.b64encode(b"x" * 23).decode(), base64.b64encode(b"x" * 65).decode()]
)
def test_a_standard_secret_must_hold_24_to_64_bytes(tail):
    assert "base64 of 24 to 64 random bytes" in secret_problem(f"whsec_{tail}")


def test_nothing_is_wrong_with_a_secret_of_another_kind():
    assert secret_problem("b7c1f0e2") == ""
