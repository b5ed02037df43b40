"""Idempotency keys in the database, so that they hold behind a load balancer and after a restart.

One rule: what a request gets is decided in `telebridge.server.http.idempotency`; this only reads and writes rows.
"""

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Integer, Table, Text, and_, func, select
from typing_extensions import override

from telebridge.database.database import Database
from telebridge.database.schema import metadata
from telebridge.server.http.idempotency import (
    KEPT_KEYS,
    LIFETIME_MS,
    IdempotencyKeys,
    KeyClaim,
    KeyVerdict,
    StoredRequest,
    StoredResponse,
    judge,
)

IN_PROGRESS, ANSWERED = "in-progress", "answered"

IDEMPOTENCY_KEY = Table(
    "idempotency_key",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("status", Integer),
    Column("body", Text),
    Column("created_at", BigInteger, nullable=False, index=True),
)
"""`state` is `in-progress` or `answered`; `status` and `body` are the response; `created_at` is epoch milliseconds."""


class SqlIdempotencyKeys(IdempotencyKeys):
    """The keys of all processes that share a database.

    Args:
        database: Where they are.
        limit: How many keys are kept; beyond it the oldest that are answered are forgotten.
    """

    def __init__(self, database: Database, *, limit: int = KEPT_KEYS) -> None:
        self._database = database
        self._limit = limit

    @override
    async def claim(self, scope: str, key: str, fingerprint: str) -> KeyClaim:
        return await self._database.write(lambda connection: self._claim(connection, scope, key, fingerprint))

    def _claim(self, connection: Connection, scope: str, key: str, fingerprint: str) -> KeyClaim:
        now = self._database.now(connection)
        self._forget(connection, now)
        row = {
            "scope": scope,
            "key": key,
            "fingerprint": fingerprint,
            "state": IN_PROGRESS,
            "status": None,
            "body": None,
            "created_at": now,
        }
        if self._database.insert_new(connection, IDEMPOTENCY_KEY, [row]):
            return KeyClaim(KeyVerdict.FIRST)
        found = connection.execute(select(IDEMPOTENCY_KEY).where(_is(scope, key)).with_for_update()).one()
        response = StoredResponse(found.status, found.body) if found.state == ANSWERED else None
        return judge(StoredRequest(found.fingerprint, found.created_at, response), fingerprint, now=now)

    def _forget(self, connection: Connection, now: int) -> None:
        """Delete keys that are expired, and the oldest answered ones beyond the limit."""
        table = IDEMPOTENCY_KEY
        connection.execute(table.delete().where(table.c.created_at <= now - LIFETIME_MS))
        count = select(func.count()).select_from(table).where(table.c.scope != TOKENS)
        excess = connection.execute(count).scalar_one() + 1 - self._limit
        if excess > 0:
            oldest = select(table.c.scope, table.c.key).where(table.c.state == ANSWERED)
            for row in connection.execute(oldest.order_by(table.c.created_at).limit(excess)).all():
                connection.execute(table.delete().where(_is(row.scope, row.key)))

    @override
    async def answered(self, scope: str, key: str, response: StoredResponse) -> None:
        values = {"state": ANSWERED, "status": response.status, "body": response.body}
        statement = IDEMPOTENCY_KEY.update().where(_is(scope, key)).values(**values)
        await self._database.write(lambda connection: connection.execute(statement).rowcount)

    @override
    async def release(self, scope: str, key: str) -> None:
        statement = IDEMPOTENCY_KEY.delete().where(_is(scope, key))
        await self._database.write(lambda connection: connection.execute(statement).rowcount)


TOKENS = "stream-token"
"""The scope of the rows that say which stream tokens were used; they are answered to no request."""
TOKEN_ROW_MS = 10 * 60_000
"""How long such a row is kept; a token has expired long before."""


class UsedTokens:
    """The stream tokens that any process has redeemed.

    Args:
        database: Where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, name: str) -> bool:
        """Whether no process has used this token before; it is used now.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable.
        """
        return await self._database.write(lambda connection: self._claim(connection, name))

    def _claim(self, connection: Connection, name: str) -> bool:
        table, now = IDEMPOTENCY_KEY, self._database.now(connection)
        connection.execute(
            table.delete().where(and_(table.c.scope == TOKENS, table.c.created_at <= now - TOKEN_ROW_MS))
        )
        row = {"scope": TOKENS, "key": name, "fingerprint": "", "state": IN_PROGRESS, "created_at": now}
        return bool(self._database.insert_new(connection, table, [{**row, "status": None, "body": None}]))


def _is(scope: str, key: str) -> ColumnElement[bool]:
    return and_(IDEMPOTENCY_KEY.c.scope == scope, IDEMPOTENCY_KEY.c.key == key)
