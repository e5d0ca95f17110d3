"""Engine: how connections to SQLite and PostgreSQL are made and proven right."""

from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from billing.domain.errors import InvalidValueError, MissingExtraError

SQLITE_BUSY_MS = 5_000
# WAL lets readers and one writer work side by side; FULL keeps every acknowledged commit even
# when the power goes; each is read back, for SQLite ignores what it cannot do.
_SQLITE_PRAGMAS = {
    "journal_mode": ("WAL", "wal"),
    "synchronous": ("FULL", 2),
    "foreign_keys": ("ON", 1),
    "busy_timeout": (str(SQLITE_BUSY_MS), SQLITE_BUSY_MS),
}
# No statement of ours runs long: bulk work comes in batches. A transaction that idles holds locks.
# Plans are made for the values at hand: one kept from when a table was small scanned all of it.
_POSTGRES_OPTIONS = (
    "-c statement_timeout=30s -c lock_timeout=3s -c idle_in_transaction_session_timeout=60s "
    "-c jit=off -c timezone=UTC -c plan_cache_mode=force_custom_plan"
)
# Whatever the server, the database or the role default to; a stricter choice of theirs stands.
_POSTGRES_DURABLE = (
    "SELECT CASE current_setting('synchronous_commit') WHEN 'off' "
    "THEN set_config('synchronous_commit', 'on', false) "
    "ELSE current_setting('synchronous_commit') END"
)
_POSTGRES_WARNED = (
    "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') "
    "AND setting = 'off' ORDER BY name"
)


def make_engine(url: str) -> Engine:
    """Return the engine of a database URL. Raises InvalidValueError or MissingExtraError."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidValueError("Not a database URL such as sqlite:///var/billing.db.") from None
    kind = parsed.get_backend_name()
    try:
        if kind == "sqlite":
            return _sqlite(url, parsed.database)
        if kind == "postgresql":
            return _postgres(url)
    except ModuleNotFoundError as error:
        raise MissingExtraError("PostgreSQL", "postgres") from error
    except NoSuchModuleError:
        pass
    raise InvalidValueError("Not a database that billing knows: SQLite or PostgreSQL.")


def connection_limit(engine: Engine) -> int:
    """Return how many connections the engine's pool opens at most."""
    pool = cast("QueuePool", engine.pool)  # Files and PostgreSQL have no other.
    return pool.size() + pool._max_overflow  # noqa: SLF001 there is no public way to ask


def durability_warnings(connection: Connection) -> list[str]:
    """Return what PostgreSQL is set to that may lose what it acknowledged, as sentences.

    These are the server's own settings; what a connection may choose, `make_engine` has chosen.
    """
    found = connection.execute(text(_POSTGRES_WARNED)).scalars()
    return [
        f"PostgreSQL runs with {name}=off: a crash of its machine may lose or spoil what is stored"
        for name in found
    ]


def _postgres(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=10,
        connect_args={"options": _POSTGRES_OPTIONS, "connect_timeout": 5},
    )
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_postgres(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(_POSTGRES_DURABLE)
    if cursor.fetchone()[0] == "off":
        raise InvalidValueError("PostgreSQL does not keep synchronous_commit=on.")
    cursor.close()
    connection.commit()


def _sqlite(url: str, database: str | None) -> Engine:
    if not database or database == ":memory:":
        raise InvalidValueError("SQLite needs a file; for a database in memory say memory://.")
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_MS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction control loses updates and commits before DDL: take it over.
    connection.isolation_level = None
    cursor = connection.cursor()
    for name, (value, expected) in _SQLITE_PRAGMAS.items():
        cursor.execute(f"PRAGMA {name}={value}")
        found = cursor.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected:
            raise InvalidValueError(f"SQLite does not keep {name}={value} on this file system.")
    cursor.close()
