"""SqlStorage: transactions and snapshots over SQLite or PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, Engine, event

from billing.adapters.sql.audit import SqlAuditTrail
from billing.adapters.sql.backup import back_up_sqlite
from billing.adapters.sql.catalog import SqlCustomers, SqlServices
from billing.adapters.sql.claims import SqlClaims
from billing.adapters.sql.engine import (
    SQLITE_BUSY_MS,
    connection_limit,
    durability_warnings,
    make_engine,
)
from billing.adapters.sql.faults import commit, faults_told
from billing.adapters.sql.idempotency import SqlIdempotencyKeys
from billing.adapters.sql.migrate import check_revision, upgrade
from billing.adapters.sql.orders import SqlOrders
from billing.adapters.sql.products import SqlProducts
from billing.adapters.sql.rate_cards import SqlRateCards
from billing.adapters.sql.reports import SqlReports
from billing.adapters.sql.run_work import SqlRunWork
from billing.adapters.sql.runs import SqlRuns
from billing.adapters.sql.tokens import SqlTokens
from billing.adapters.sql.turns import Turns
from billing.domain.access import Access
from billing.domain.errors import InvalidValueError


class SqlRepositories:
    """The repositories of one transaction; they know the customers of its access only."""

    def __init__(self, connection: Connection, access: Access) -> None:
        self.customers = SqlCustomers(connection, access)
        self.services = SqlServices(connection, access)
        self.products = SqlProducts(connection, access)
        self.orders = SqlOrders(connection, access)
        self.rate_cards = SqlRateCards(connection, access)
        self.reports = SqlReports(connection, access)
        self.idempotency_keys = SqlIdempotencyKeys(connection, access)
        self.tokens = SqlTokens(connection, access)
        self.runs = SqlRuns(connection, access)
        self.run_work = SqlRunWork(connection, access)
        self.claims = SqlClaims(connection, access)
        self.audit = SqlAuditTrail(connection, access)


class SqlStorage:
    """Keeps everything in SQLite or PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._turns = Turns()

    @classmethod
    def open(cls, url: str) -> "SqlStorage":
        """Return the storage of a database URL; no connection is made yet."""
        return cls(make_engine(url))

    @contextmanager
    def transaction(self, access: Access, /) -> Iterator[SqlRepositories]:
        """Open a writing transaction: READ COMMITTED, or on SQLite the one writer's lock."""
        with faults_told(), self._turn(), self._engine.connect() as connection:
            if self._is_sqlite:
                # A deferred BEGIN would fail with SQLITE_BUSY when it turns into a writer.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield SqlRepositories(connection, access)
            commit(connection)

    @contextmanager
    def snapshot(self, access: Access, /) -> Iterator[SqlRepositories]:
        """Open a reading view: one state of the database, whatever is written meanwhile."""
        with faults_told(), self._engine.connect() as connection:
            if self._is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield SqlRepositories(connection, access)

    def _turn(self) -> AbstractContextManager[None]:
        """Queue for SQLite's one write lock; PostgreSQL's locks are queues by themselves."""
        return self._turns.one(SQLITE_BUSY_MS / 1000) if self._is_sqlite else nullcontext()

    @property
    def is_embedded(self) -> bool:
        """Tell whether the database is a file of this application, which then migrates itself."""
        return self._is_sqlite

    def check(self) -> None:
        """Raise StorageUnavailableError unless the database answers and is migrated."""
        with faults_told(), self._engine.connect() as connection:
            check_revision(connection)

    def upgrade(self) -> None:
        """Bring the database to the newest revision; safe to repeat."""
        with faults_told():
            upgrade(self._engine)

    def warnings(self) -> list[str]:
        """Return what makes the database lose what it acknowledged, one sentence each."""
        if self._is_sqlite:  # Each connection was refused unless it keeps what it acknowledges.
            return []
        with faults_told(), self._engine.connect() as connection:
            return durability_warnings(connection)

    def back_up(self, target: Path, /, *, replace: bool = False) -> None:
        """Copy the database to a file while it is in use; see `back_up_sqlite`.

        Raises InvalidValueError for PostgreSQL, whose own tools do this better.
        """
        if not self._is_sqlite:
            raise InvalidValueError(
                "PostgreSQL is backed up with its own pg_dump; see docs/operations.md."
            )
        with faults_told():
            back_up_sqlite(self._engine, target, replace=replace)

    def watch_connections(self, watcher: Callable[[int], None], /) -> int:
        """Tell the watcher of each connection taken (1) and given back (-1); return their limit."""
        event.listen(self._engine, "checkout", lambda *_: watcher(1))
        event.listen(self._engine, "checkin", lambda *_: watcher(-1))
        return connection_limit(self._engine)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()
