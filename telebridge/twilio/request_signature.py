"""The signature of Twilio's requests, `X-Twilio-Signature`: made as Twilio makes it, and checked.

Follows Twilio, "Security", *Validating requests are coming from Twilio*, through the validator of the `twilio` package.
This module adds what that validator leaves to its caller: a missing header, credentials and ports in addresses, IPv6
hosts, the body hash, and the slash at the end of the signed address of a stream's handshake.

One rule: a malformed request is answered False; checking a signature never raises.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from urllib.parse import SplitResult, parse_qs, urlsplit

from multidict import MultiMapping
from twilio.request_validator import RequestValidator

Fields = Mapping[str, str] | MultiMapping[str]

DEFAULT_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443"}
AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d*))?", re.ASCII)


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
        made = [webhook_signature(auth_token, candidate, fields).encode() for candidate in _candidates(url)]
    except ValueError:  # an address that cannot be parsed
        return False
    matches = [hmac.compare_digest(each, given) for each in made]
    return any(matches) and _body_matches(url, body)


def _candidates(url: str) -> Iterator[str]:
    """The forms of an address that Twilio may have signed.

    With and without port, and for a handshake with and without a slash at the end.
    """
    parts = _bare(url)
    host, port = _host_and_port(parts)
    spellings = dict.fromkeys((parts.netloc, host, f"{host}:{port or DEFAULT_PORTS.get(parts.scheme, '')}"))
    for netloc in spellings:
        candidate = parts._replace(netloc=netloc)
        yield candidate.geturl()
        if parts.scheme in ("ws", "wss"):
            slashed = parts.path.endswith("/")
            yield candidate._replace(path=parts.path[:-1] if slashed else f"{parts.path}/").geturl()


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
