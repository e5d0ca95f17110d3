"""Migrations: bringing a database to the newest revision, and telling where it stands.

Every start asks where it stands, and few upgrade: Alembic, half a second to import, is loaded for
upgrades alone. The names of the scripts begin with their revisions, which count up.
"""

import functools
from importlib.resources import files

from sqlalchemy import Connection, Engine, inspect, text

from billing.domain.errors import StorageUnavailableError

_SCRIPTS = "billing.adapters.sql.migrations.versions"

POSTGRES_LOCK = 0x62696C6C
"""The advisory lock that lets one of several starting processes migrate while others wait."""


def upgrade(engine: Engine) -> None:
    """Run what is missing in one transaction; concurrent calls wait for each other."""
    from alembic import command
    from alembic.config import Config

    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({POSTGRES_LOCK})"))
        _check_known(current_revision(connection))
        config = Config()
        config.set_main_option("script_location", "billing.adapters.sql:migrations")
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
    if revision is not None and revision not in known_revisions():
        raise StorageUnavailableError(
            f"The database is at revision {revision}, which this version of billing does not "
            "know: a newer version upgraded it; run that one"
        )


def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database says it has, None when it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version"))
    revision: str | None = found.scalar_one_or_none()
    return revision


def head_revision() -> str:
    """Return the newest revision that this version of the code brings."""
    return max(known_revisions())


@functools.cache
def known_revisions() -> frozenset[str]:
    """Return the revisions that this version of the code knows."""
    names = (script.name for script in files(_SCRIPTS).iterdir())
    return frozenset(name.split("_")[0] for name in names if name[0].isdigit())
