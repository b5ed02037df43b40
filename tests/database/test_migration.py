"""A database is brought to today's tables, by whoever comes first."""

import asyncio
import sys

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from support.databases import make_migrated, transaction
from support.faults import fault

from telebridge.database.engine import open_database
from telebridge.database.migration import FOLDER, NEWEST, migrate
from telebridge.errors import ConfigurationError


async def test_an_empty_database_gets_the_tables_and_a_second_time_nothing_happens(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/new/telebridge.db")
    await migrate(engine)
    await migrate(engine)
    async with transaction(engine) as connection:
        tables = await connection.run_sync(lambda c: set(inspect(c).get_table_names()))
    await engine.dispose()
    assert "call" in tables


def test_the_newest_revision_is_the_only_head_of_the_migrations():
    assert ScriptDirectory(str(FOLDER)).get_heads() == [NEWEST]


async def test_a_database_that_is_up_to_date_needs_no_alembic(tmp_path):
    path = tmp_path / "telebridge.db"
    make_migrated(path)
    script = (
        "import asyncio, sys\n"
        "from telebridge.database.engine import open_database\n"
        "from telebridge.database.migration import migrate\n"
        f"asyncio.run(migrate(open_database('sqlite:///{path}')))\n"
        "assert 'alembic' not in sys.modules\n"
    )
    ended = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await ended.wait() == 0


async def test_two_that_start_at_once_do_not_disturb_each_other(tmp_path):
    engines = [open_database(f"sqlite:///{tmp_path}/telebridge.db") for _ in range(2)]
    await asyncio.gather(*(migrate(engine) for engine in engines))
    for engine in engines:
        await engine.dispose()


@fault(
    "An older release is started over the database of a newer one.",
    caller="Nothing: it does not start.",
    operator="One line: upgrade telebridge.",
    kept="The tables of the newer release.",
)
async def test_tables_of_a_newer_release_are_left_alone(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/telebridge.db")
    await migrate(engine)
    async with transaction(engine) as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    with pytest.raises(ConfigurationError, match=r"newer release .from-the-future.; upgrade telebridge"):
        await migrate(engine)
    await engine.dispose()


async def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "letter").write_text("Dear Sir or Madam, " * 100)
    engine = open_database(f"sqlite:///{tmp_path}/letter")
    with pytest.raises(ConfigurationError, match=r"database.url: the database cannot be used \(file is not a database"):
        await migrate(engine)
    await engine.dispose()
