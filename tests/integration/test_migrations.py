"""Migrations: what they make is what the code believes to be there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from billing.adapters.sql.engine import make_engine
from billing.adapters.sql.migrate import head_revision, known_revisions
from billing.adapters.sql.storage import SqlStorage
from billing.adapters.sql.tables import metadata


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_make_the_tables(
    kind: str, tmp_path: Path, postgres_url: Callable[[], str]
) -> None:
    """Columns, types, keys and indexes of a migrated database are those of the metadata."""
    url = f"sqlite:///{tmp_path}/billing.db" if kind == "sqlite" else postgres_url()
    storage = SqlStorage.open(url)  # Its module brings every table into the metadata.
    storage.upgrade()
    storage.close()
    engine = make_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        inspector = inspect(connection)
        for table in metadata.tables.values():
            found = inspector.get_pk_constraint(table.name)
            assert found["constrained_columns"] == list(table.primary_key.columns.keys())
    engine.dispose()


def test_the_revisions_are_those_of_the_scripts() -> None:
    """Their files' names say them, so that a start need not load Alembic; it says the same."""
    config = Config()
    config.set_main_option("script_location", "billing.adapters.sql:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert known_revisions() == {script.revision for script in scripts.walk_revisions()}
    assert head_revision() == scripts.get_current_head()
