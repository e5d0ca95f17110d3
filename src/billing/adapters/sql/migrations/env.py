"""Alembic's environment: migrate over the connection that was handed in."""

from alembic import context

from billing.adapters.sql import (  # noqa: F401  Their tables join the metadata.
    lifecycle_tables,
    request_tables,
    run_tables,
)
from billing.adapters.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
# The caller owns the transaction: SQLite and PostgreSQL both roll DDL back with it.
context.run_migrations()
