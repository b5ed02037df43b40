"""Which requests were made before: `Idempotency-Key`, and what became of the first request that bore it.

Follows the draft "The Idempotency-Key HTTP Header Field": the same key with the same body is the same request, with
another body a mistake.

One rule: a request whose effect is unknown stays known; only one that surely had none is forgotten.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice

LIFETIME_SECONDS = 24 * 3600.0
KEPT_KEYS = 50_000
LONGEST_KEY = 255


class Seen(Enum):
    """What is known of a key that comes again."""

    NEVER = auto()  # it is new, and is being worked on from now
    RUNNING = auto()  # the first request is not done yet: wait for it
    DONE = auto()  # the answer is known
    OTHER = auto()  # it came with another body


@dataclass(slots=True)
class _Request:
    fingerprint: bytes
    since: float
    answer: str | None = None


class IdempotencyKeys:
    """The keys of this process, and the answers to their requests.

    Args:
        lifetime_seconds: How long a key is known.
        limit: How many keys are known at once; beyond it the oldest that is done is forgotten.
    """

    def __init__(self, *, lifetime_seconds: float = LIFETIME_SECONDS, limit: int = KEPT_KEYS) -> None:
        self._lifetime = lifetime_seconds
        self._limit = limit
        self._requests: OrderedDict[str, _Request] = OrderedDict()

    def __len__(self) -> int:
        return len(self._requests)

    def begin(self, key: str, body: bytes, *, now: float) -> Seen:
        """A request with a key arrives; a key that was never seen must be told `finish` or `forget` later."""
        self._expire(now)
        fingerprint = hashlib.sha256(body).digest()
        known = self._requests.get(key)
        if known is None:
            self._make_room()
            self._requests[key] = _Request(fingerprint, now)
            return Seen.NEVER
        if known.fingerprint != fingerprint:
            return Seen.OTHER
        return Seen.RUNNING if known.answer is None else Seen.DONE

    def finish(self, key: str, answer: str) -> None:
        """The request had its effect, or may have had it: this is the answer to every further one."""
        self._requests[key].answer = answer

    def forget(self, key: str) -> None:
        """The request surely had no effect: the key may be used again."""
        del self._requests[key]

    def answer(self, key: str) -> str | None:
        """The answer to a request that is done."""
        known = self._requests.get(key)
        return None if known is None else known.answer

    def _expire(self, now: float) -> None:
        while self._requests:
            key, oldest = next(iter(self._requests.items()))
            if oldest.since + self._lifetime > now or oldest.answer is None:
                return
            del self._requests[key]

    def _make_room(self) -> None:
        """A request that runs is never forgotten; there are only as many as there are connections."""
        excess = len(self._requests) + 1 - self._limit
        if excess > 0:
            done = (key for key, request in self._requests.items() if request.answer is not None)
            for key in list(islice(done, excess)):
                del self._requests[key]


def is_key(text: str) -> bool:
    """Whether a header's value can be a key: 1 to 255 printable ASCII characters."""
    return 0 < len(text) <= LONGEST_KEY and text.isascii() and text.isprintable()
