"""Alembic's environment: migrate over the connection that was handed in."""

from alembic import context

from billing.adapters.sql import lifecycle_tables, run_tables  # noqa: F401 they register theirs
from billing.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
# The caller owns the transaction: SQLite and PostgreSQL both roll DDL back with it.
context.run_migrations()
