"""The signature of Twilio's requests, `X-Twilio-Signature`: made as Twilio makes it, and checked.

Follows Twilio, "Security", *Validating requests are coming from Twilio*, through the validator of the `twilio` package.
This module adds what that validator leaves to its caller: a missing header, credentials and ports in addresses, IPv6
hosts, the body hash, the slash at the end of the signed address of a stream's handshake, and characters such as `:` and
`@`, which Twilio signs bare or percent-encoded (its Node library calls the latter the legacy query string).

One rule: a malformed request is answered False; checking a signature never raises. Two spellings of an address count as
one only when they hold the same path, names and values.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from itertools import product
from urllib.parse import SplitResult, parse_qs, quote, urlparse, urlsplit

from multidict import MultiMapping
from twilio.request_validator import RequestValidator, add_port, remove_port

Fields = Mapping[str, str] | MultiMapping[str]

DEFAULT_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}
AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d*))?", re.ASCII)
ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
BARE_IN_PATH = UNRESERVED | frozenset("!$&'()*+,:;=@")
BARE_IN_QUERY = UNRESERVED | frozenset("!$'()*,/:;?@")
BARE_IN_VALUE = BARE_IN_QUERY | {"="}
"""What may stand bare and mean itself. Source: RFC 3986, 3.3 and 3.4; in a form `&`, `=` and `+` have a meaning."""
KEPT_BARE = "!~*'()"
"""What JavaScript's `encodeURIComponent`, and so Twilio's Node library, leaves bare beside letters, digits, `-_.`."""


def signed_url(url: str) -> str:
    """The address in the form that Twilio signs for a voice request.

    Credentials and fragment are dropped; over https the port too, over http it is kept.
    """
    parts = _bare(url)
    if parts.scheme == "https":
        parts = parts._replace(netloc=_host_and_port(parts)[0])
    return parts.geturl()


def webhook_signature(auth_token: str, url: str, fields: Fields) -> str:
    """The value of `X-Twilio-Signature` for a request to `url` with this form (empty for GET and handshakes)."""
    return str(RequestValidator(auth_token).compute_signature(url, fields))


def is_signed(auth_token: str, url: str, fields: Fields, signature: str | None, *, body: bytes | None = None) -> bool:
    """Whether `signature` is Twilio's for this request; False for anything malformed.

    Args:
        auth_token: The primary auth token of the account; an API key's secret signs nothing.
        url: The public address that Twilio called, percent-encoded as it was received.
        fields: The form of a POST, with its empty values; nothing else.
        signature: The value of `X-Twilio-Signature`; None when the header is missing.
        body: The raw body of a request that is not a form; the query carries its hash as `bodySHA256`.
    """
    if not signature or not auth_token:
        return False
    given = signature.encode("utf-8", "replace")
    try:
        made = [
            webhook_signature(auth_token, candidate, fields).encode() for candidate in dict.fromkeys(_candidates(url))
        ]
    except ValueError:  # an address that cannot be parsed
        return False
    matches = [hmac.compare_digest(each, given) for each in made]
    return any(matches) and _body_matches(url, body)


def _candidates(url: str) -> Iterator[str]:
    """The forms of an address that Twilio may have signed.

    With and without port, with characters bare and percent-encoded, and for a handshake with and without a slash at the
    end. What the validator of the `twilio` package makes of each spelling is among them.
    """
    parts = _bare(url)
    host, port = _host_and_port(parts)
    netlocs = dict.fromkeys((parts.netloc, host, f"{host}:{port or DEFAULT_PORTS.get(parts.scheme, '')}"))
    for path, query in product(_paths(parts), _queries(parts.query)):
        for netloc in netlocs:
            yield parts._replace(netloc=netloc, path=path, query=query).geturl()
        official = urlparse(parts._replace(path=path, query=query).geturl())
        yield from (add_port(official), remove_port(official))


def _paths(parts: SplitResult) -> Iterator[str]:
    """The path as it came, with what may stand bare, and with that encoded; of a handshake with either ending."""
    spelled = dict.fromkeys(
        (parts.path, _with_bare(parts.path, BARE_IN_PATH), _encoded(_with_bare(parts.path, BARE_IN_PATH), "/"))
    )
    for path in spelled:
        yield path
        if parts.scheme in ("ws", "wss"):
            yield path[:-1] if path.endswith("/") else f"{path}/"


def _queries(query: str) -> Iterator[str]:
    """The query as it came, with what may stand bare, and as Twilio's Node library encodes its names and values."""
    pairs = []
    for each in query.split("&"):
        name, equals, value = each.partition("=")
        pairs.append((_with_bare(name, BARE_IN_QUERY), equals, _with_bare(value, BARE_IN_VALUE)))
    bare = "&".join("".join(pair) for pair in pairs)
    but_equals = "&".join(f"{name}{equals}{value.replace('=', '%3D')}" for name, equals, value in pairs)
    encoded = "&".join(f"{_form_encoded(name)}={_form_encoded(value)}" for name, _, value in pairs if name or value)
    yield from dict.fromkeys((query, bare, but_equals, encoded))


def _with_bare(text: str, bare: frozenset[str]) -> str:
    """A text whose percent-encoded characters are bare if they are in `bare`, and have digits in upper case if not."""

    def spelled(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if character in bare else escape[0].upper()

    return ESCAPE.sub(spelled, text)


def _form_encoded(text: str) -> str:
    return _encoded(text.replace("+", "%20"), KEPT_BARE)


def _encoded(text: str, kept: str) -> str:
    """A text with all percent-encoded that is not yet, but letters, digits, `-._~` and the characters of `kept`."""
    return quote(text, safe=f"%{kept}")


def _bare(url: str) -> SplitResult:
    """The address without credentials and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")


def _host_and_port(parts: SplitResult) -> tuple[str, str]:
    found = AUTHORITY.fullmatch(parts.netloc)
    if found is None:
        raise ValueError(f"{parts.netloc!r} is not a host with an optional port")
    return found["host"], found["port"] or ""


def _body_matches(url: str, body: bytes | None) -> bool:
    """Whether the body is the one whose hash was signed. A hash without a body proves nothing."""
    hashes = parse_qs(urlsplit(url).query).get("bodySHA256")
    if hashes is None:
        return not body
    return body is not None and hmac.compare_digest(hashlib.sha256(body).hexdigest(), hashes[0].lower())
