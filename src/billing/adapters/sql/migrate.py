"""Migrations: bringing a database to the newest revision, and telling where it stands."""

import functools

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from billing.domain.errors import StorageUnavailableError

POSTGRES_LOCK = 0x62696C6C
"""The advisory lock that lets one of several starting processes migrate while others wait."""


def upgrade(engine: Engine) -> None:
    """Run what is missing in one transaction; concurrent calls wait for each other."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({POSTGRES_LOCK})"))
        _check_known(current_revision(connection))
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def check_revision(connection: Connection) -> None:
    """Raise StorageUnavailableError unless the database is at the newest revision."""
    current = current_revision(connection)
    _check_known(current)
    if current != head_revision():
        raise StorageUnavailableError(
            f"The database is at revision {current or 'none'}, not at {head_revision()}: "
            "run billing db upgrade"
        )


def _check_known(revision: str | None) -> None:
    """Refuse a database that a newer version of this code has upgraded: it would be misread."""
    if revision is not None and revision not in _known_revisions():
        raise StorageUnavailableError(
            f"The database is at revision {revision}, which this version of billing does not "
            "know: a newer version upgraded it; run that one"
        )


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database says it has, None when it has none."""
    return MigrationContext.configure(connection).get_current_revision()


@functools.cache
def head_revision() -> str | None:
    """Return the newest revision that this version of the code brings."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


@functools.cache
def _known_revisions() -> frozenset[str]:
    scripts = ScriptDirectory.from_config(configuration())
    return frozenset(script.revision for script in scripts.walk_revisions())


def configuration() -> Config:
    """Return Alembic's configuration; the scripts lie in the wheel."""
    config = Config()
    config.set_main_option("script_location", "billing.adapters.sql:migrations")
    return config
