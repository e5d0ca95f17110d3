"""SqlAuditTrail: entries are inserted and read, never changed."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, func, insert, select

from billing.adapters.sql.catalog import SqlRepository, sliced, visible
from billing.adapters.sql.lifecycle_tables import audit_entries
from billing.domain.audit import AuditAct, AuditEntry, AuditQuery, Author
from billing.domain.errors import CustomerNotFoundError
from billing.domain.report_query import Slice

_EQUAL = {
    "actor": audit_entries.c.actor,
    "action": audit_entries.c.action,
    "object_kind": audit_entries.c.object_kind,
    "object_id": audit_entries.c.object_id,
    "customer_id": audit_entries.c.customer_id,
}


class SqlAuditTrail(SqlRepository):
    """What was done to the objects that this transaction may see."""

    def record(self, act: AuditAct, /) -> AuditEntry:
        """Add an entry, in this transaction."""
        statement = insert(audit_entries).values(self._row(act)).returning(audit_entries.c.id)
        number = self._connection.execute(statement).scalar_one()
        return AuditEntry(id=number, **_fields(act))

    def record_all(self, acts: Sequence[AuditAct], /) -> None:
        """Add entries, in their order."""
        if acts:
            self._connection.execute(insert(audit_entries), [self._row(act) for act in acts])

    def page(self, query: AuditQuery, part: Slice, /) -> Iterator[AuditEntry]:
        """Stream the entries that the query asks for, newest first."""
        statement = select(audit_entries).where(self._asked(query))
        statement = sliced(statement.order_by(audit_entries.c.id.desc()), part)
        for row in self._connection.execute(statement).mappings():
            yield _entry_from(row)

    def count(self, query: AuditQuery, /) -> int:
        """Return how many entries the query asks for."""
        counted = select(func.count()).select_from(audit_entries).where(self._asked(query))
        return self._connection.execute(counted).scalar_one()

    def _row(self, act: AuditAct) -> dict[str, Any]:
        if act.customer_id is not None and not self._access.allows(act.customer_id):
            raise CustomerNotFoundError(act.customer_id)
        values = {name: value for name, value in _fields(act).items() if name != "author"}
        return values | {
            "actor": act.author.name,
            "request_id": act.author.request_id,
            "details": json.dumps(act.details, ensure_ascii=False),
        }

    def _asked(self, query: AuditQuery) -> ColumnElement[bool]:
        # An entry of no customer is in no list of customers: its NULL is never true.
        conditions = [visible(audit_entries.c.customer_id, self._access)]
        for name, column in _EQUAL.items():
            value = getattr(query, name)
            if value is not None:
                conditions.append(column == value)
        if query.since is not None:
            conditions.append(audit_entries.c.at >= _midnight(query.since))
        if query.until is not None and query.until < date.max:
            following = query.until + timedelta(days=1)
            conditions.append(audit_entries.c.at < _midnight(following))
        return and_(*conditions)


def _fields(act: AuditAct) -> dict[str, Any]:
    return {name: getattr(act, name) for name in AuditAct.__dataclass_fields__}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _entry_from(row: RowMapping) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        author=Author(row["actor"], row["request_id"]),
        action=row["action"],
        object_kind=row["object_kind"],
        object_id=row["object_id"],
        customer_id=row["customer_id"],
        hash_before=row["hash_before"],
        hash_after=row["hash_after"],
        details=json.loads(row["details"]),
    )
