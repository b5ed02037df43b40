"""Decides what a request with an `Idempotency-Key` gets: pure, without a database.

Follows draft-ietf-httpapi-idempotency-key-header, section 2: a key that comes again with the same body gets the first
response, 409 while the first request is in progress, and 422 with another body.

One rule: a request whose effect is unknown stays known; only one that surely had none is forgotten.
"""

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

LIFETIME_MS = 24 * 3600 * 1000
ABANDONED_MS = 120_000
"""A request in progress for so long has lost its process: no request to Twilio takes a quarter of it."""
KEPT_KEYS = 50_000
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to the first request with a key.

    Args:
        status: Its HTTP status.
        body: Its body, JSON.
    """

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """The first request with a key.

    Args:
        fingerprint: Of its body, as `fingerprint_of` makes it.
        created_at: When it came, epoch milliseconds.
        response: Its response; None while it is in progress.
    """

    fingerprint: str
    created_at: int
    response: StoredResponse | None = None

    def is_expired(self, now: int) -> bool:
        """Whether the key is known no longer: a day has passed. `now` is epoch milliseconds."""
        return self.created_at + LIFETIME_MS <= now


class KeyVerdict(Enum):
    """What a request with a key is.

    FIRST: the key is new: do the work, then call `IdempotencyKeys.answered` or `release`.

    IN_PROGRESS: the first request with the key is not answered yet.

    ABANDONED: the first request was never answered, because its process died: its effect is unknown.

    ANSWERED: the first response is there, to be sent again.

    MISMATCH: the first request had another body.
    """

    FIRST = "first"
    IN_PROGRESS = "in progress"
    ABANDONED = "abandoned"
    ANSWERED = "answered"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """What a request with a key is, and what it gets.

    Args:
        verdict: What it is.
        response: The first response, when that is what it gets.
    """

    verdict: KeyVerdict
    response: StoredResponse | None = None


def judge(stored: StoredRequest | None, fingerprint: str, *, now: int) -> KeyClaim:
    """Judge a request with a key.

    Args:
        stored: The first request with that key; None when there is none.
        fingerprint: Of this request's body.
        now: Epoch milliseconds.
    """
    if stored is None or stored.is_expired(now):
        return KeyClaim(KeyVerdict.FIRST)
    if stored.fingerprint != fingerprint:
        return KeyClaim(KeyVerdict.MISMATCH)
    if stored.response is not None:
        return KeyClaim(KeyVerdict.ANSWERED, stored.response)
    return KeyClaim(KeyVerdict.IN_PROGRESS if now < stored.created_at + ABANDONED_MS else KeyVerdict.ABANDONED)


class IdempotencyKeys(Protocol):
    """The keys of all processes, and the responses to their first requests.

    Every method raises `SQLAlchemyError` or `OSError` when the database is unreachable.
    """

    async def claim(self, scope: str, key: str, fingerprint: str) -> KeyClaim:
        """Judge a request; one that is the first is in progress from now on.

        Args:
            scope: The operation that the key is for; the same key in another scope is another key.
            key: The header's value.
            fingerprint: Of the request's body.
        """
        ...

    async def answered(self, scope: str, key: str, response: StoredResponse) -> None:
        """The request had its effect, or may have had it: keep the response for every further one."""
        ...

    async def release(self, scope: str, key: str) -> None:
        """The request surely had no effect: the key is new again."""
        ...


def fingerprint_of(body: bytes) -> str:
    """The fingerprint of a body: SHA-256, hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def is_key(text: str) -> bool:
    """Whether a header's value can be a key: 1 to 255 printable ASCII characters."""
    return 0 < len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()
