"""Faults: what a database says when it cannot do its work now, as the domain's own refusals."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from billing.domain.errors import (
    OutcomeUnknownError,
    StorageBusyError,
    StorageUnavailableError,
)

_CONFLICTS = frozenset({"40001", "40P01"})
"""PostgreSQL: could not serialize, deadlock. The whole transaction was rolled back."""

_AWAY = frozenset({"25006", "0A000", "25P03"})
"""PostgreSQL: read-only (a standby, after a failover), and idle for too long.

0A000, not supported, is what a standby answers on a connection that has read before.
"""

_SQLITE_BUSY = frozenset({5, 6})
"""SQLite's primary codes: another connection, or another part of this one, holds a lock."""

_SQLITE_FULL = 13
_COPY_FAULTS = frozenset({"OperationalError", "InterfaceError"})


@contextmanager
def faults_told() -> Iterator[None]:
    """Turn a database that cannot do its work now into StorageUnavailableError; others pass."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StorageUnavailableError from error
    except DBAPIError as error:
        refusal = _refusal(error.orig, lost=error.connection_invalidated)
        if refusal is None and isinstance(error, OperationalError | InterfaceError):
            refusal = StorageUnavailableError()
        if refusal is None:
            raise
        raise refusal from error
    except Exception as error:
        # COPY runs on the driver's own cursor, behind SQLAlchemy.
        if not type(error).__module__.startswith("psycopg"):
            raise
        kinds = {kind.__name__ for kind in type(error).__mro__}
        refusal = _refusal(error, lost=bool(kinds & _COPY_FAULTS))
        if refusal is None:
            raise
        raise refusal from error


def commit(connection: Connection) -> None:
    """Commit; raise OutcomeUnknownError when the connection was lost while it did.

    Whoever tried that again could store it twice.
    """
    try:
        connection.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise OutcomeUnknownError from error
        raise


def _refusal(error: BaseException | None, *, lost: bool) -> StorageUnavailableError | None:
    state = getattr(error, "sqlstate", None)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if state in _CONFLICTS or code in _SQLITE_BUSY:
        return StorageBusyError()
    if code == _SQLITE_FULL:
        return StorageUnavailableError("The storage is full; nothing was changed")
    if lost or state in _AWAY or "file is not a database" in str(error):
        return StorageUnavailableError()
    return None
