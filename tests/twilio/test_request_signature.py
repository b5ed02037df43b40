import hashlib

import pytest
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from telebridge.twilio.request_signature import is_signed, signed_url, webhook_signature

TOKEN = "12345"
URL = "https://example.com/myapp.php?foo=1&bar=2"
FIELDS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "+18005551212",
}
PUBLISHED = "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_the_published_example():
    assert webhook_signature(TOKEN, URL, FIELDS) == PUBLISHED
    assert is_signed(TOKEN, URL, FIELDS, PUBLISHED)


@pytest.mark.parametrize(
    "signature", [None, "", "x", PUBLISHED[:-1], PUBLISHED.lower(), "é" * 20, PUBLISHED + "=", "\udcff"]
)
def test_a_missing_or_wrong_signature_is_a_no(signature):
    assert not is_signed(TOKEN, URL, FIELDS, signature)


def test_without_a_token_nothing_is_signed():
    assert not is_signed("", URL, FIELDS, webhook_signature("", URL, FIELDS))


def test_a_changed_field_an_added_one_and_a_dropped_blank_are_noticed():
    signature = webhook_signature(TOKEN, URL, {**FIELDS, "FromCity": ""})
    assert is_signed(TOKEN, URL, {**FIELDS, "FromCity": ""}, signature)
    assert not is_signed(TOKEN, URL, {**FIELDS, "FromCity": "", "Digits": "9"}, signature)
    assert not is_signed(TOKEN, URL, {**FIELDS, "FromCity": "", "New": "1"}, signature)
    renamed = {("Digit" if name == "Digits" else name): value for name, value in FIELDS.items()}
    assert not is_signed(TOKEN, URL, renamed, signature)


def test_a_field_given_twice_counts_with_each_value_once():
    fields = MultiDict([("Event", "b"), ("Event", "a"), ("Event", "b")])
    assert is_signed(TOKEN, URL, fields, webhook_signature(TOKEN, URL, MultiDict([("Event", "a"), ("Event", "b")])))


@pytest.mark.parametrize(
    ("dialled", "signed"),
    [
        ("https://user:pass@example.com:8443/a?b=1#ct=2000", "https://example.com/a?b=1"),
        ("http://user:pass@example.com:8080/a", "http://example.com:8080/a"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]/a"),
        ("http://[2001:db8::1]:8080/a", "http://[2001:db8::1]:8080/a"),
        ("wss://example.com/media/t", "wss://example.com/media/t"),
        ("https://example.com/a%20b?c=%2B1", "https://example.com/a%20b?c=%2B1"),
    ],
)
def test_the_address_is_signed_as_twilio_does(dialled, signed):
    assert signed_url(dialled) == signed
    assert is_signed(TOKEN, dialled, FIELDS, webhook_signature(TOKEN, signed, FIELDS))


@pytest.mark.parametrize(
    "signed",
    [
        "wss://example.com/media",
        "wss://example.com/media/",
        "wss://example.com:443/media",
        "wss://example.com:443/media/",
    ],
)
def test_a_handshake_may_be_signed_with_port_and_with_slash(signed):
    for checked in ("wss://example.com/media", "wss://example.com/media/", "wss://example.com:443/media"):
        assert is_signed(TOKEN, checked, {}, webhook_signature(TOKEN, signed, {}))


def test_a_handshake_is_not_signed_over_another_scheme_or_path():
    signature = webhook_signature(TOKEN, "https://example.com/media", {})
    assert not is_signed(TOKEN, "wss://example.com/media", {}, signature)
    assert not is_signed(TOKEN, "wss://example.com/other", {}, webhook_signature(TOKEN, "wss://example.com/media", {}))


BODY = b'{"CallSid":"CA1234567890ABCDE","Caller":"+12349013030"}'
PUBLISHED_HASH = "5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9"


def test_a_body_counts_by_the_hash_in_the_signed_address():
    assert hashlib.sha256(BODY).hexdigest() == PUBLISHED_HASH
    url = f"https://example.com/hook?bodySHA256={PUBLISHED_HASH}"
    signature = webhook_signature(TOKEN, url, {})
    assert is_signed(TOKEN, url, {}, signature, body=BODY)
    assert not is_signed(TOKEN, url, {}, signature, body=BODY + b" ")
    assert not is_signed(TOKEN, url, {}, signature), "a hash with nothing to check it on proves nothing"
    bare = "https://example.com/hook"
    assert not is_signed(TOKEN, bare, {}, webhook_signature(TOKEN, bare, {}), body=BODY), "the body is not signed"


@pytest.mark.parametrize("url", ["", "https://", "https://[::1", "nonsense", "https://example.com:port/"])
def test_an_address_that_is_none_is_a_no(url):
    assert not is_signed(TOKEN, url, FIELDS, PUBLISHED)


def test_the_official_validator_agrees():
    validator = RequestValidator(TOKEN)
    for url in (URL, "http://example.com:8080/x", "wss://example.com/media/t"):
        assert validator.validate(url, FIELDS, webhook_signature(TOKEN, url, FIELDS))
        assert is_signed(TOKEN, url, FIELDS, validator.compute_signature(url, FIELDS))
