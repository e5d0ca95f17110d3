"""Schema: what the migrations make is what the tables say, on every database."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from billing.adapters.sql.engine import make_engine
from billing.adapters.sql.migrate import upgrade
from billing.adapters.sql.run_tables import runs


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_make_the_tables(
    kind: str, tmp_path: Path, postgres_url: Callable[[], str]
) -> None:
    """Tables, columns, types and indexes are the same in both."""
    engine = make_engine(f"sqlite:///{tmp_path}/billing.db" if kind == "sqlite" else postgres_url())
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, runs.metadata) == []
    engine.dispose()
