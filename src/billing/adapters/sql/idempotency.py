"""SqlIdempotencyKeys: one row a request that was done, put in by the transaction that does it."""

import hashlib
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from billing.adapters.sql.catalog import SqlRepository
from billing.adapters.sql.request_tables import idempotency_keys
from billing.domain.idempotency import KEPT, EarlierRequest, KeyedRequest, RequestInFlightError

FORGOTTEN_AT_ONCE = 100
"""Keys past their time that go with each new one: more than one, so that they never pile up."""

_KEY = tuple(idempotency_keys.primary_key)


class SqlIdempotencyKeys(SqlRepository):
    """The keys of requests that were done."""

    def find(self, request: KeyedRequest, now: datetime, /) -> EarlierRequest | None:
        """Return the request that was done under this principal, operation and key."""
        statement = select(idempotency_keys.c.body_sha256, idempotency_keys.c.report_id)
        statement = statement.where(_is(request), idempotency_keys.c.created_at > now - KEPT)
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else EarlierRequest(row.body_sha256, row.report_id)

    def take(self, request: KeyedRequest, now: datetime, /) -> EarlierRequest | None:
        """Keep the key, or return the earlier request.

        SQLite's writers wait for each other in any case. On PostgreSQL whoever finds the same
        request under way is told so, instead of holding a connection until it is done.
        """
        if self._connection.dialect.name == "postgresql":
            lock = select(func.pg_try_advisory_xact_lock(_lock_number(request)))
            if not self._connection.execute(lock).scalar_one():
                raise RequestInFlightError
        values = {**request._asdict(), "report_id": None, "created_at": now}
        insert = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = insert(idempotency_keys).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=_KEY,
            set_={
                name: statement.excluded[name]
                for name in ("body_sha256", "report_id", "created_at")
            },
            where=idempotency_keys.c.created_at <= now - KEPT,
        )
        taken = self._connection.execute(statement.returning(idempotency_keys.c.key))
        if taken.one_or_none() is None:
            return self.find(request, now)
        self._forget(now)
        return None

    def settle(self, request: KeyedRequest, report_id: int, /) -> None:
        """Say which report the request has made."""
        self._connection.execute(
            update(idempotency_keys).where(_is(request)).values(report_id=report_id)
        )

    def _forget(self, now: datetime) -> None:
        """Delete a few keys past their time; what another transaction deletes is left to it."""
        past = (
            select(*_KEY)
            .where(idempotency_keys.c.created_at <= now - KEPT)
            .order_by(idempotency_keys.c.created_at)
            .limit(FORGOTTEN_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        self._connection.execute(delete(idempotency_keys).where(tuple_(*_KEY).in_(past)))


def _is(request: KeyedRequest) -> ColumnElement[bool]:
    values = (request.principal, request.operation, request.key)
    return and_(*(column == value for column, value in zip(_KEY, values, strict=True)))


def _lock_number(request: KeyedRequest) -> int:
    """Return the 64 bits that PostgreSQL locks for a key."""
    named = f"{request.principal}\n{request.operation}\n{request.key}"
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], signed=True)
