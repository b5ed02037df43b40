"""PostgreSQL as hosts hand it out: addresses, TLS, and poolers in front of it"""

import asyncio
import re
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from support.call_stores import record
from support.faults import fault
from support.pgbouncer import pgbouncer, pgbouncer_program
from support.running_cluster import running_cluster, running_tls_cluster

from telebridge.call.store.store import CallStore
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.database.failures import DatabaseUnusable
from telebridge.database.migration import migrate
from telebridge.errors import ConfigurationError
from telebridge.server.http.idempotency_store import SqlIdempotencyKeys


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL that takes TLS only, and its folder of certificates."""
    with running_tls_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def plain_server():
    """A PostgreSQL without TLS, as it stands behind a pooler."""
    with running_cluster() as cluster:
        yield cluster


@asynccontextmanager
async def opened(address, **options):
    engine = open_database(address, **options)
    try:
        yield engine
    finally:
        await engine.dispose()


IS_ENCRYPTED = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")


@fault(
    "The host of the database hands out an address with `sslmode=require`, or one that checks certificates.",
    caller="The flow.",
    operator="Nothing: it is as with libpq.",
    kept="The connection is encrypted, and to whom the mode says.",
)
@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    ["sslmode=require", "ssl=true", "sslmode=prefer", "", "sslmode=verify-ca&sslrootcert=CA/ca.crt",
     "sslmode=verify-full&sslrootcert=CA/ca.crt&channel_binding=require",
     "sslmode=require&keepalives_idle=30&tcp_user_timeout=9000&application_name=x&options=-c%20work_mem%3D4MB"],
)  # fmt: skip
async def test_addresses_with_tls_are_taken(server, query):
    address = f"{server.url.replace('127.0.0.1', 'localhost')}?{query}".replace("CA/", f"{server.tls}/")
    async with opened(address.rstrip("?")) as engine:
        await migrate(engine)
        assert await database_of(engine).read(lambda connection: connection.scalar(IS_ENCRYPTED)) is True
        if "work_mem" in query:
            asked = text("SELECT current_setting('work_mem') || ' ' || current_setting('application_name')")
            assert await database_of(engine).read(lambda connection: connection.scalar(asked)) == "4MB x"


@fault(
    "The server's certificate is another one than the address asks for, or the server takes no connection without TLS.",
    caller="Nothing: the bridge does not start.",
    operator="One line that names the setting and what to do.",
    kept="Nothing is sent to a server that may be another one.",
)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "query", "told"),
    [
        ("localhost", "sslmode=disable", "pg_hba.conf"),
        ("localhost", "sslmode=verify-ca&sslrootcert=CA/other.crt", "name the certificate of the authority"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=CA/ca.crt", "name the certificate of the authority"),
        ("localhost", "sslmode=verify-full&sslrootcert=system", "name the certificate of the authority"),
        ("localhost", "sslmode=require&target_session_attrs=standby", "database.url: the database cannot be used"),
    ],
)
async def test_a_server_that_is_not_the_right_one_is_refused(server, host, query, told):
    address = f"{server.url.replace('127.0.0.1', host)}?{query}".replace("CA/", f"{server.tls}/")
    async with opened(address) as engine:
        with pytest.raises(DatabaseUnusable, match=re.escape(told)) as raised:
            await migrate(engine)
    assert "\n" not in str(raised.value)


@fault(
    "The address of the database asks for what the driver cannot do, or for what nobody knows.",
    caller="Nothing: the bridge does not start.",
    operator="One line that names the keyword and what to do.",
    kept="Nothing is dropped that was relied on; the address with its password is not shown.",
)
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sslmode=require&channel_binding=require", "'channel_binding' is 'require', which the driver cannot do"),
        ("connection_limit=5", "'connection_limit' is no keyword of libpq's"),
        ("require_auth=scram-sha-256", "'require_auth' is not supported; leave it out, and use sslmode=verify-full"),
    ],
)
def test_a_keyword_that_cannot_be_done_is_named(query, told):
    with pytest.raises(ConfigurationError, match=re.escape(told)) as raised:
        open_database(f"postgresql://anna:s3cret@host/x?{query}")
    assert "s3cret" not in str(raised.value)


@fault(
    "PgBouncer in transaction mode stands in front of the database: each transaction gets another connection.",
    caller="The flow.",
    operator="A log line at the start that says that a pooler was noticed.",
    kept="Every statement: none is prepared for longer than its transaction. The suite of campaign stores runs so too.",
)
@pytest.mark.slow
async def test_many_processes_behind_a_pooler_in_transaction_mode(plain_server, tmp_path_factory):
    if pgbouncer_program() is None:
        pytest.skip("left out: pgbouncer is not installed here")
    with TemporaryDirectory(prefix="telebridge-pgbouncer-") as folder, pgbouncer(Path(folder), plain_server) as url:
        engines = [open_database(url) for _ in range(4)]
        with capture_logs() as logs:
            await asyncio.gather(
                *(migrate(engine) for engine in engines)
            )  # one at a time, by the lock of a transaction
        assert sum("behind a pooler" in log["event"] for log in logs) == 4
        stores = [CallStore(database_of(engine)) for engine in engines]
        keys = [SqlIdempotencyKeys(database_of(engine)) for engine in engines]
        for turn in range(10):
            for number, store in enumerate(stores):
                store.writer.began(record(f"CA{turn}-{number}"))
            await asyncio.gather(
                *(store.writer.write() for store in stores),
                *(each.claim("originate_call", f"k{turn}", "f") for each in keys),
                *(store.recent(5) for store in stores),
            )
        count = text("SELECT count(*) FROM call")
        assert await database_of(engines[0]).read(lambda connection: connection.scalar(count)) == 40
        prepared = text("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
        assert await database_of(engines[0]).read(lambda connection: connection.scalar(prepared)) == 0
        for engine in engines:
            await engine.dispose()


@fault(
    "The pooler is in statement mode, or knows a keyword of the address not.",
    caller="Nothing: the bridge does not start.",
    operator="One line that says what to set at the pooler or in the address.",
    kept="Transactions: none is cut into statements.",
)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "query", "told"),
    [
        ("statement", "", "set PgBouncer's pool_mode to transaction or session"),
        ("transaction", "?options=-c%20work_mem%3D4MB", "PgBouncer's ignore_startup_parameters"),
    ],
)
async def test_a_pooler_that_cannot_do_is_told_what_to_set(plain_server, mode, query, told):
    if pgbouncer_program() is None:
        pytest.skip("left out: pgbouncer is not installed here")
    with (
        TemporaryDirectory(prefix="telebridge-pgbouncer-") as folder,
        pgbouncer(Path(folder), plain_server, mode=mode) as url,
    ):
        async with opened(url + query) as engine:
            with pytest.raises(DatabaseUnusable, match=re.escape(told)):
                await migrate(engine)


@pytest.mark.slow
@fault(
    "PgBouncer is in session mode.",
    caller="The flow.",
    operator="Nothing, or the log line about a pooler.",
    kept="Every statement.",
)
async def test_a_pooler_in_session_mode(plain_server):
    if pgbouncer_program() is None:
        pytest.skip("left out: pgbouncer is not installed here")
    with (
        TemporaryDirectory(prefix="telebridge-pgbouncer-") as folder,
        pgbouncer(Path(folder), plain_server, mode="session", size=10) as url,
    ):
        async with opened(url) as engine:
            await migrate(engine)
            store = CallStore(database_of(engine))
            store.writer.began(record("CA-session"))
            await store.writer.write()
            assert await store.is_owned("CA-session")
