"""SqlStorage: transactions and snapshots over SQLite or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from billing.adapters.sql.audit import SqlAuditTrail
from billing.adapters.sql.catalog import SqlCustomers, SqlServices
from billing.adapters.sql.claims import SqlClaims
from billing.adapters.sql.engine import make_engine
from billing.adapters.sql.idempotency import SqlIdempotencyKeys
from billing.adapters.sql.migrate import current_revision, head_revision, upgrade
from billing.adapters.sql.orders import SqlOrders
from billing.adapters.sql.products import SqlProducts
from billing.adapters.sql.rate_cards import SqlRateCards
from billing.adapters.sql.reports import SqlReports
from billing.adapters.sql.run_work import SqlRunWork
from billing.adapters.sql.runs import SqlRuns
from billing.adapters.sql.tokens import SqlTokens
from billing.domain.access import Access
from billing.domain.errors import StorageUnavailableError


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

    @classmethod
    def open(cls, url: str) -> "SqlStorage":
        """Return the storage of a database URL; no connection is made yet."""
        return cls(make_engine(url))

    @contextmanager
    def transaction(self, access: Access, /) -> Iterator[SqlRepositories]:
        """Open a writing transaction: READ COMMITTED, or on SQLite the one writer's lock."""
        with _faults_told(), self._engine.connect() as connection:
            if self._is_sqlite:
                # A deferred BEGIN would fail with SQLITE_BUSY when it turns into a writer.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield SqlRepositories(connection, access)
            connection.commit()

    @contextmanager
    def snapshot(self, access: Access, /) -> Iterator[SqlRepositories]:
        """Open a reading view: one state of the database, whatever is written meanwhile."""
        with _faults_told(), self._engine.connect() as connection:
            if self._is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            yield SqlRepositories(connection, access)

    @property
    def is_embedded(self) -> bool:
        """Tell whether the database is a file of this application, which then migrates itself."""
        return self._is_sqlite

    def check(self) -> None:
        """Raise StorageUnavailableError unless the database answers and is migrated."""
        with _faults_told(), self._engine.connect() as connection:
            current = current_revision(connection)
        if current != head_revision():
            raise StorageUnavailableError(
                f"The database is at revision {current or 'none'}, not at {head_revision()}: "
                "run billing db upgrade"
            )

    def upgrade(self) -> None:
        """Bring the database to the newest revision; safe to repeat."""
        with _faults_told():
            upgrade(self._engine)

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


@contextmanager
def _faults_told() -> Iterator[None]:
    """Turn a database that cannot do its work now into the domain's own refusal."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise StorageUnavailableError from error
    except DBAPIError as error:
        if error.connection_invalidated or "file is not a database" in str(error.orig):
            raise StorageUnavailableError from error
        raise
