import hashlib
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
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


@pytest.mark.slow
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


# Spellings: `:`, `@` and others may be signed bare or percent-encoded.

NODE = "!~*'()"  # what JavaScript's encodeURIComponent leaves bare

PAIRS = st.lists(
    st.tuples(st.text("ab:@/?!$'()*,;+ %=&~é", min_size=1, max_size=6), st.text("cd:@/?!$'()*,;+ %=&~ü", max_size=6)),
    max_size=3,
)
HOSTS = st.sampled_from(["example.com", "example.com:443", "example.com:8443", "example.com:80", "192.0.2.1:8080"])
SCHEMES = st.sampled_from(["https", "http", "wss", "ws"])
PATHS = st.sampled_from(["/twilio/voice", "/twilio/voice/a:b@c", "/twilio/voice/a%3Ab%40c", "/x/twilio/next", "/"])


def spelled(pairs, safe, space="%20"):
    return "&".join(f"{quote(name, safe=safe)}={quote(value, safe=safe)}" for name, value in pairs).replace(
        "%20", space
    )


@settings(max_examples=50)
@example("https", "example.com", "/twilio/voice", [(":", "=")], "", "%20")
@given(SCHEMES, HOSTS, PATHS, PAIRS, st.sampled_from([NODE, "!$'()*,/:;?@", ""]), st.sampled_from(["%20", "+"]))
def test_whatever_the_official_validator_accepts_of_either_spelling_is_accepted(scheme, host, path, pairs, safe, space):
    """The official validator is asked about the address as it came, bare, and as Twilio's Node library encodes it."""
    query = spelled(pairs, safe, space)
    came = f"{scheme}://{host}{path}" + (f"?{query}" if query else "")
    form = {} if scheme.startswith("ws") else FIELDS
    spellings = [spelled(pairs, NODE), spelled(pairs, "!$'()*,/:;?@", space), query]
    for each in spellings:
        asked = f"{scheme}://{host}{path}" + (f"?{each}" if each else "")
        for signed in (asked, asked.replace(host, host.partition(":")[0]), asked.replace(host, f"{host}:443")):
            signature = webhook_signature(TOKEN, signed, form)
            if RequestValidator(TOKEN).validate(asked, form, signature):
                assert is_signed(TOKEN, came, form, signature), signed


def meaning(url):
    parts = urlsplit(url)
    return unquote(parts.path), parse_qsl(parts.query, keep_blank_values=True, errors="surrogateescape")


@settings(max_examples=50)
@given(PATHS, PATHS, PAIRS, PAIRS, st.sampled_from([NODE, "", "!$'()*,/:;?@"]))
@example("/", "/", [("a", "c+d")], [("a", "c d")], "")
@example("/", "/", [("a", "c%3Ad")], [("a", "c:d")], "!$'()*,/:;?@")
@example("/", "/", [("a", "c"), ("b", "d")], [("a", "c&b=d")], NODE)
@example("/", "/", [("a", "c=d")], [("a=c", "d")], NODE)
def test_a_signature_counts_for_no_other_path_name_or_value(path, other_path, pairs, others, safe):
    came = f"https://example.com{path}?{spelled(pairs, safe)}"
    signed = f"https://example.com{other_path}?{spelled(others, safe)}"
    if meaning(came) != meaning(signed):
        assert not is_signed(TOKEN, came, FIELDS, webhook_signature(TOKEN, signed, FIELDS))


def test_bytes_that_are_no_text_are_not_taken_for_others():
    signature = webhook_signature(TOKEN, "https://example.com/?a=%EF%BF%BD", {})
    assert not is_signed(TOKEN, "https://example.com/?a=%FF", {}, signature)
    assert is_signed(
        TOKEN, "https://example.com/?a=%ff", {}, webhook_signature(TOKEN, "https://example.com/?a=%FF", {})
    )
