"""Requests from Twilio are known by their signature over the public URL, whatever stands between."""

import pytest
from aiohttp.test_utils import make_mocked_request

from telebridge.server.twilio.request_validation import RequestValidator
from telebridge.twilio.request_signature import webhook_signature

TOKEN = "12345"
FIELDS = {"CallSid": "CA1"}
PATH = "/twilio/voice?x=1"


class From:
    """A transport whose peer has an address."""

    def __init__(self, address):
        self.address = address

    def get_extra_info(self, name, default=None):
        return (self.address, 1234) if name == "peername" else default


def request(path=PATH, peer="203.0.113.7", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request("POST", path, headers={"Host": "inner:8080", **named}, transport=From(peer))


def signed(url, fields=FIELDS, **options):
    return request(X_Twilio_Signature=webhook_signature(TOKEN, url, fields), **options)


def test_the_configured_public_url_is_what_is_signed_whatever_the_headers_say():
    validator = RequestValidator("https://bridge.example.com/", TOKEN, ("203.0.113.0/24",))
    good = signed(f"https://bridge.example.com{PATH}", X_Forwarded_Host="evil.example.com")
    assert validator.is_twilio(good, FIELDS, stream=False)
    assert not validator.is_twilio(good, {"CallSid": "CA2"}, stream=False)
    assert not validator.is_twilio(signed(f"https://evil.example.com{PATH}"), FIELDS, stream=False)


def test_a_stream_is_signed_with_the_scheme_of_a_websocket():
    validator = RequestValidator("https://bridge.example.com", TOKEN)
    assert validator.is_twilio(signed(f"wss://bridge.example.com{PATH}", {}), None, stream=True)
    assert not validator.is_twilio(signed(f"https://bridge.example.com{PATH}", {}), None, stream=True)


@pytest.mark.parametrize(
    ("peer", "origin"), [("203.0.113.7", "https://bridge.example.com"), ("198.51.100.1", "http://inner:8080")]
)
def test_without_a_public_url_only_a_trusted_proxy_names_the_origin(peer, origin):
    validator = RequestValidator("", TOKEN, ("203.0.113.0/24",))
    asked = request(peer=peer, X_Forwarded_Proto="https, http", X_Forwarded_Host="bridge.example.com, other")
    assert validator.public_url(asked, "/twilio/next") == f"{origin}/twilio/next"
    scheme = "wss" if origin.startswith("https") else "ws"
    assert validator.stream_url(asked, "/m") == f"{scheme}://{origin.partition('://')[2]}/m"


def test_without_an_auth_token_nothing_is_checked():
    validator = RequestValidator("https://bridge.example.com", "")
    assert not validator.checks_signatures
    assert validator.is_twilio(request(), FIELDS, stream=False)


@pytest.mark.parametrize("headers", [{}, {"X_Twilio_Signature": ""}, {"X_Twilio_Signature": "x"}])
def test_a_missing_or_wrong_signature_is_refused(headers):
    assert not RequestValidator("https://bridge.example.com", TOKEN).is_twilio(request(**headers), FIELDS, stream=False)
