"""Stores to test campaigns with."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from support.campaigns import SteeredClock, memory_store, postgresql_store, sqlite_store
from support.pgbouncer import pgbouncer, pgbouncer_program
from support.running_cluster import running_tls_cluster


@pytest.fixture(scope="session")
def postgresql_cluster():
    """One cluster for each process that runs tests; it takes TLS only, as hosted ones do."""
    with running_tls_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def pgbouncer_url(postgresql_cluster):
    """The same cluster behind PgBouncer in transaction mode, with few connections for many clients."""
    if pgbouncer_program() is None:
        pytest.skip("left out: pgbouncer is not installed here")
    with (
        TemporaryDirectory(prefix="telebridge-pgbouncer-") as folder,
        pgbouncer(Path(folder), postgresql_cluster) as url,
    ):
        yield url


@pytest.fixture
def clock():
    return SteeredClock()


@pytest_asyncio.fixture(
    params=["memory", "sqlite", *(pytest.param(name, marks=pytest.mark.slow) for name in ("postgresql", "pgbouncer"))]
)
async def store(request, tmp_path, clock):
    match request.param:
        case "memory":
            opened = memory_store(clock)
        case "sqlite":
            opened = sqlite_store(tmp_path, clock)
        case "pgbouncer":
            opened = postgresql_store(request.getfixturevalue("pgbouncer_url"), clock)
        case _:
            address = f"{request.getfixturevalue('postgresql_cluster').url}?sslmode=require"
            opened = postgresql_store(address, clock)
    async with opened as made:
        yield made
