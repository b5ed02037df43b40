"""Idempotency keys in memory, judged as those of a database are."""

from telebridge.server.http.idempotency import IdempotencyKeys, KeyVerdict, StoredRequest, judge
from telebridge.timing.epoch import system_clock


class MemoryKeys(IdempotencyKeys):
    """The keys of one process; `failure` is raised instead of an answer."""

    def __init__(self, clock=system_clock):
        self.requests = {}
        self.failure = None
        self._clock = clock

    async def claim(self, scope, key, fingerprint):
        self._check()
        claim = judge(self.requests.get((scope, key)), fingerprint, now=self._clock())
        if claim.verdict is KeyVerdict.FIRST:
            self.requests[scope, key] = StoredRequest(fingerprint, self._clock())
        return claim

    async def answered(self, scope, key, response):
        self._check()
        first = self.requests[scope, key]
        self.requests[scope, key] = StoredRequest(first.fingerprint, first.created_at, response)

    async def release(self, scope, key):
        self._check()
        del self.requests[scope, key]

    def _check(self):
        if self.failure is not None:
            raise self.failure
