"""The migrations make the tables that the stores declare."""

from sqlalchemy import inspect

from telebridge.campaigns import tables
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate

OURS = [
    tables.campaign,
    tables.lane,
    tables.contact,
    tables.attempt,
    tables.pacer,
    tables.do_not_call,
    tables.register_scrub,
    tables.task_lease,
    tables.import_position,
    tables.outbox,
]


def shape(connection):
    found = inspect(connection)
    return {
        table.name: (
            [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(table.name)],
            sorted((i["name"], i["column_names"], i["unique"]) for i in found.get_indexes(table.name)),
            sorted((u["name"], u["column_names"]) for u in found.get_unique_constraints(table.name)),
            found.get_pk_constraint(table.name)["constrained_columns"],
        )
        for table in OURS
    }


async def test_migrated_tables_are_the_declared_ones(tmp_path):
    migrated, declared = (open_database(f"sqlite:///{tmp_path}/{name}.db") for name in ("a", "b"))
    await migrate(migrated)
    async with declared.begin() as connection:
        await connection.run_sync(tables.metadata.create_all, tables=OURS)
        expected = await connection.run_sync(shape)
    async with migrated.begin() as connection:
        assert await connection.run_sync(shape) == expected
    await migrated.dispose()
    await declared.dispose()
