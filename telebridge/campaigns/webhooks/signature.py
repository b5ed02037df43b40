"""Signatures of webhook requests, as Standard Webhooks specifies them, and the secrets they are made with.

Follows the Standard Webhooks specification, *Signature scheme* (symmetric, `v1`) and *Webhook headers*: the headers
`webhook-id`, `webhook-timestamp` and `webhook-signature`; the signature is the base64 of HMAC-SHA256 over
`id.timestamp.body`; a secret is written as `whsec_` and the base64 of 24 to 64 random bytes.

One rule: the body is signed as the bytes that are sent.
"""

import base64
import binascii
import hashlib
import hmac

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of every secret, no secret
SHORTEST_KEY_BYTES = 24
LONGEST_KEY_BYTES = 64


def is_standard_secret(secret: str) -> bool:
    """Whether a secret is written as the specification says, so that ready libraries of receivers accept it."""
    return secret.startswith(SECRET_PREFIX)


def secret_problem(secret: str) -> str:
    """Return what is wrong with a secret that begins with `whsec_`; empty when nothing is, and for other secrets."""
    if not is_standard_secret(secret):
        return ""
    key = _decoded(secret)
    if key is not None and SHORTEST_KEY_BYTES <= len(key) <= LONGEST_KEY_BYTES:
        return ""
    return (
        f"should have the base64 of {SHORTEST_KEY_BYTES} to {LONGEST_KEY_BYTES} random bytes behind '{SECRET_PREFIX}'"
    )


def signing_key(secret: str) -> bytes:
    """Return the key of a secret.

    The key of a `whsec_` secret is the decoded base64. Any other secret is used as its UTF-8 bytes, as is one whose
    base64 is wrong, which no campaign file has (see `secret_problem`).
    """
    key = _decoded(secret) if is_standard_secret(secret) else None
    return secret.encode() if key is None else key


def sign(secret: str, message_id: str, body: bytes, *, at_seconds: int) -> str:
    """Return the value of the header `webhook-signature`.

    Args:
        secret: The webhook's.
        message_id: The value of `webhook-id`; must not contain a dot.
        body: The body of the request.
        at_seconds: The value of `webhook-timestamp`: the time of the request in seconds since 1970.
    """
    signed = f"{message_id}.{at_seconds}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(signing_key(secret), signed, hashlib.sha256)).decode()}"


def _decoded(secret: str) -> bytes | None:
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
