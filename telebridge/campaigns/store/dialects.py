"""Campaign queries that SQLite and PostgreSQL need written differently, and nothing else.

One rule: the due contacts of hundreds of lanes are found by one statement.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, text

from telebridge.campaigns.store.tables import IS_READY, contact
from telebridge.database.database import Database, SqliteDatabase


def due_contacts(
    database: Database, connection: Connection, lanes: Sequence[int], *, now: int, limit: int
) -> Sequence[Row[Any]]:
    """Select contacts that are due, of the first lanes, in no order, and lock them until the commit.

    Those that come first, by lane and by time, are among them up to the limit; there may be more. SQLite has one writer
    and needs no row locks; on PostgreSQL contacts that another worker has locked are skipped.
    """
    if isinstance(database, SqliteDatabase):
        return connection.execute(_SQLITE_DUE, {"lanes": json.dumps(lanes), "now": now, "limit": limit}).all()
    found = connection.execute(_POSTGRESQL_DUE, {"lanes": lanes, "now": now, "limit": limit})
    ids = [row.id for row in found]
    rows = select(contact).where(database.among(contact.c.id, ids), IS_READY)
    return connection.execute(rows.with_for_update(skip_locked=True)).all() if ids else []


def variable_names(database: Database, connection: Connection, campaign_id: str) -> list[str]:
    """Select the names of all variables of a campaign's contacts, in the order of the first contacts."""
    query = _SQLITE_COLUMNS if isinstance(database, SqliteDatabase) else _POSTGRESQL_COLUMNS
    return list(connection.execute(query, {"campaign": campaign_id}).scalars())


# The lanes that have somebody due, at most as many as contacts are wanted, and then the contacts of those alone. An
# array is walked, and a cross join done, from the first on: nothing is sorted, no lane looked at beyond the limit. A
# lane's contacts come by their id, so the last lane is taken whole: twice the limit is room for it.
_SQLITE_DUE = text("""
    WITH open AS MATERIALIZED (
        SELECT l.value AS id FROM json_each(:lanes) AS l
        WHERE EXISTS (SELECT 1 FROM contact WHERE lane_id = l.value AND state = 'ready' AND due_at <= :now)
        LIMIT :limit
    )
    SELECT contact.* FROM open CROSS JOIN contact WHERE contact.id IN (
        SELECT id FROM contact WHERE lane_id = open.id AND state = 'ready' AND due_at <= :now
        ORDER BY due_at, id LIMIT :limit
    )
    LIMIT 2 * :limit
""").columns(**{column.name: column.type for column in contact.columns})

_SQLITE_COLUMNS = text("""
    SELECT one.key FROM contact JOIN json_each(contact.variables) AS one
    WHERE contact.campaign_id = :campaign GROUP BY one.key ORDER BY min(contact.id), min(one.id)
""")

_POSTGRESQL_COLUMNS = text("""
    SELECT one.key FROM contact
    CROSS JOIN LATERAL json_object_keys(contact.variables) WITH ORDINALITY AS one(key, place)
    WHERE contact.campaign_id = :campaign GROUP BY one.key ORDER BY min(contact.id), min(one.place)
""")


_POSTGRESQL_DUE = text("""
    SELECT due.id
    FROM unnest(CAST(:lanes AS bigint[])) WITH ORDINALITY AS open(id, place)
    CROSS JOIN LATERAL (
        SELECT contact.id, contact.due_at FROM contact
        WHERE contact.lane_id = open.id AND contact.state = 'ready' AND contact.due_at <= CAST(:now AS bigint)
        ORDER BY contact.due_at, contact.id LIMIT CAST(:limit AS bigint)
    ) AS due
    ORDER BY open.place, due.due_at, due.id LIMIT CAST(:limit AS bigint)
""")
