"""Run by alembic for every migration, on the connection that `telebridge.database.migration` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
