"""The migrations make the tables that the stores declare."""

import msgspec
from sqlalchemy import inspect, text
from support.campaigns import plan
from support.databases import migrate_to, transaction

from telebridge.campaigns.store import tables
from telebridge.campaigns.store.sql_store import sql_campaign_store
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
    async with transaction(declared) as connection:
        await connection.run_sync(tables.metadata.create_all, tables=OURS)
        expected = await connection.run_sync(shape)
    async with transaction(migrated) as connection:
        assert await connection.run_sync(shape) == expected
    await migrated.dispose()
    await declared.dispose()


async def test_of_campaigns_with_one_name_the_newest_keeps_it(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/a.db")
    await migrate_to(engine, "0005")
    store = sql_campaign_store(engine)
    values = {"account": "AC1", "name": "spring", "status_at": 0, "reason": "", "tat": 0, "turn": 0}
    async with transaction(engine) as connection:
        for at, status in enumerate(["running", "done", "draft"]):
            row = {**values, "id": f"{at}bcdefghij", "created_at": at, "status": status}
            row["plan"] = msgspec.json.encode(plan(webhook=None)).decode()
            names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
            await connection.execute(text(f"INSERT INTO campaign ({names}) VALUES ({places})"), row)
    await migrate(engine)
    names = {one.status.value: one.plan.name for one in await store.campaigns.all()}
    assert names == {"running": "spring-0bcdefgh", "done": "spring", "draft": "spring"}
    await engine.dispose()
