"""Addresses of databases, good and bad, and what a transaction on SQLite holds."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from telebridge.database.engine import READING, open_database
from telebridge.errors import ConfigurationError


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("telebridge.db", "database.url: 'telebridge.db' is no address of a database; sqlite:///var/telebridge.db and"),
        ("mysql://host/name", "database.url: 'mysql' is not supported; sqlite:///var/telebridge.db and"),
    ],
)
def test_an_address_that_cannot_be_is_named(address, problem):
    with pytest.raises(ConfigurationError) as raised:
        open_database(address)
    assert str(raised.value).startswith(problem)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        open_database(f"sqlite:///{tmp_path}/taken/telebridge.db")


async def test_a_transaction_on_sqlite_locks_before_it_reads_and_readers_go_on(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/telebridge.db")
    impatient = open_database(f"sqlite:///{tmp_path}/telebridge.db", busy_seconds=0)
    async with engine.begin() as writer:
        await writer.execute(text("SELECT 1"))
        with pytest.raises(OperationalError, match="locked"):
            async with impatient.begin() as second:
                await second.execute(text("SELECT 1"))
        async with impatient.connect() as reader:
            reader = await reader.execution_options(**READING)
            assert (await reader.execute(text("SELECT 1"))).scalar() == 1
    await engine.dispose()
    await impatient.dispose()
