"""Connections of asyncpg that work behind a pooler too, such as PgBouncer in transaction mode.

Such a pooler gives each transaction another connection to the server, so nothing may outlive a transaction: no prepared
statement, no session setting, no lock of a session. asyncpg looks up types when a connection is new; here that is done
in a transaction. Whether there is a pooler is seen by the server process: a pooler invents the number that it tells a
client when it connects. Then each statement is prepared without a name, within its transaction.

Sources: PgBouncer, "Feature matrix for pooling modes"; PostgreSQL, "54.2.3. Extended Query" for the unnamed statement
and "54.7 Message Formats" for BackendKeyData; SQLAlchemy, "Prepared Statement Name with PGBouncer".

One rule: what a statement needs lives as long as its transaction, and no longer.
"""

import socket
import ssl
from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import AdaptedConnection, Dialect, Engine

from telebridge.database.postgresql_address import PostgresqlAddress
from telebridge.logs import logger

log = logger(__name__)

UNNAMED: Mapping[str, Any] = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": lambda: ""}
"""Arguments of SQLAlchemy's dialect: each statement is prepared anew, and without a name."""
SOCKET_OPTIONS = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}
"""libpq's keywords and the system's options; the system's default is kept for 0."""


class TransactionalConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that looks up types in transactions."""

    async def set_type_codec(self, *args: Any, **options: Any) -> None:
        """Set a codec; the type is looked up in a transaction."""
        async with self.transaction():
            await super().set_type_codec(*args, **options)

    async def is_pooled(self) -> bool:
        """Whether the server process is another one than was told: a pooler stands between.

        The statement is sent as text (PostgreSQL, "Simple Query"), so nothing is prepared; its tag counts the rows.
        """
        told = int(self.get_server_pid())
        return bool(await self.execute(f"SELECT 1 WHERE pg_backend_pid() = {told}") == "SELECT 0")

    def keep_alive(self, options: Mapping[str, int]) -> None:
        """Set options of the socket, by libpq's keywords; of a Unix socket none is set."""
        connected = self._transport.get_extra_info("socket")
        if connected is None or connected.family == socket.AF_UNIX:
            return
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(options.get("keepalives", 1) != 0))
        for keyword, name in SOCKET_OPTIONS.items():
            if options.get(keyword, 0) > 0 and hasattr(socket, name):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), options[keyword])


def connect_arguments(address: PostgresqlAddress) -> dict[str, Any]:
    """The arguments of SQLAlchemy's `create_async_engine` named `connect_args`."""
    arguments: dict[str, Any] = {
        "dsn": address.dsn,
        "timeout": address.connect_seconds,
        "server_settings": dict(address.server_settings),
        "statement_cache_size": 0,  # asyncpg's own, for the types that it looks up
        "connection_class": TransactionalConnection,
    }
    return {**arguments, "ssl": ssl.create_default_context()} if address.system_certificates else arguments


class PoolerWatch:
    """Opens the connections of an engine: those behind a pooler prepare no statement that outlives its transaction.

    Args:
        address: What the address of the database says.
    """

    def __init__(self, address: PostgresqlAddress) -> None:
        self._keepalives = address.keepalives
        self._pooled = False

    def watch(self, engine: Engine) -> None:
        """Open the connections of this engine."""
        event.listen(engine, "do_connect", self._connect)

    def _connect(self, dialect: Dialect, _: object, args: list[Any], options: dict[str, Any]) -> AdaptedConnection:
        connection = self._open(dialect, args, {**options, **(UNNAMED if self._pooled else {})})
        try:
            if self._pooled or not connection.run_async(TransactionalConnection.is_pooled):
                return connection
        except BaseException:  # also when whoever waits for the connection is cancelled: nobody else closes it
            connection.driver_connection.terminate()
            raise
        self._pooled = True
        log.info("the database is behind a pooler: statements are prepared in each transaction")
        connection.run_async(TransactionalConnection.close)
        return self._open(dialect, args, {**options, **UNNAMED})

    def _open(self, dialect: Dialect, args: list[Any], options: dict[str, Any]) -> AdaptedConnection:
        connection: Any = dialect.connect(*args, **options)
        if self._keepalives:
            try:
                connection.driver_connection.keep_alive(self._keepalives)
            except OSError:
                connection.driver_connection.terminate()
                raise
        return connection  # type: ignore[no-any-return]
