"""Migrations: bringing a database to the newest revision, and telling where it stands."""

import functools

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

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
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database says it has, None when it has none."""
    return MigrationContext.configure(connection).get_current_revision()


@functools.cache
def head_revision() -> str | None:
    """Return the newest revision that this version of the code brings."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def configuration() -> Config:
    """Return Alembic's configuration; the scripts lie in the wheel."""
    config = Config()
    config.set_main_option("script_location", "billing.adapters.sql:migrations")
    return config
