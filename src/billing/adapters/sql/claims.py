"""SqlClaims: the primary key of `claims` is what bills an order once."""

import json
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text

from billing.adapters.sql.catalog import SqlRepository, visible
from billing.adapters.sql.lifecycle_tables import claims
from billing.adapters.sql.tables import orders
from billing.domain.claims import Claim
from billing.domain.errors import CustomerNotFoundError
from billing.domain.period import BillingPeriod

# One statement for any number of orders; by ascending id, so that two at once wait instead of
# deadlocking. A row that another transaction is about to insert is waited for.
_ADD = {
    "sqlite": """
        INSERT INTO claims (customer_id, order_id, report_id)
        SELECT :customer, value, :report FROM json_each(:orders) WHERE true ORDER BY value
        ON CONFLICT DO NOTHING""",
    "postgresql": """
        INSERT INTO claims (customer_id, order_id, report_id)
        SELECT :customer, number, :report FROM unnest(CAST(:orders AS bigint[])) AS number
        ORDER BY number ON CONFLICT DO NOTHING""",
}
_KNOWN = {
    "sqlite": """
        SELECT order_id, report_id FROM claims
        WHERE customer_id = :customer AND order_id IN (SELECT value FROM json_each(:orders))""",
    "postgresql": """
        SELECT order_id, report_id FROM claims
        WHERE customer_id = :customer AND order_id = ANY (CAST(:orders AS bigint[]))""",
}


class SqlClaims(SqlRepository):
    """The claims on the orders of the customers that this transaction may see."""

    def add(self, customer_id: int, report_id: int, order_ids: Sequence[int], /) -> list[Claim]:
        """Claim orders for a report and return the claims that stand in the way."""
        if not self._access.allows(customer_id):
            raise CustomerNotFoundError(customer_id)
        values = {"customer": customer_id, "report": report_id, "orders": self._array(order_ids)}
        done = self._connection.execute(text(_ADD[self._dialect]), values)
        if done.rowcount == len(order_ids):
            return []
        held = self.known(customer_id, order_ids)
        return [
            Claim(order, holder) for order, holder in sorted(held.items()) if holder != report_id
        ]

    def release(self, report_id: int, /) -> int:
        """Free all orders that a report holds and return how many they were."""
        return self._connection.execute(delete(claims).where(self._of(report_id))).rowcount

    def known(self, customer_id: int, order_ids: Collection[int], /) -> dict[int, int]:
        """Return the reports that hold these orders, by order id."""
        if not self._access.allows(customer_id):
            return {}
        values = {"customer": customer_id, "orders": self._array(order_ids)}
        found = self._connection.execute(text(_KNOWN[self._dialect]), values)
        return {row.order_id: row.report_id for row in found}

    def holders(self, customer_id: int, period: BillingPeriod, /) -> list[int]:
        """Return the reports that hold orders now dated in a period, or not dated, by id."""
        statement = (
            select(claims.c.report_id)
            .distinct()
            .where(
                claims.c.customer_id == customer_id,
                orders.c.customer_id == claims.c.customer_id,
                orders.c.order_id == claims.c.order_id,
                or_(
                    orders.c.order_date.is_(None),
                    orders.c.order_date.between(period.start, period.end),
                ),
                visible(claims.c.customer_id, self._access),
            )
            .order_by(claims.c.report_id)
        )
        return list(self._connection.execute(statement).scalars())

    def count(self, report_id: int, /) -> int:
        """Return how many orders a report holds."""
        counted = select(func.count()).select_from(claims).where(self._of(report_id))
        return self._connection.execute(counted).scalar_one()

    @property
    def _dialect(self) -> str:
        return self._connection.dialect.name

    def _array(self, order_ids: Collection[int]) -> str | list[int]:
        return json.dumps(list(order_ids)) if self._dialect == "sqlite" else list(order_ids)

    def _of(self, report_id: int) -> ColumnElement[bool]:
        return and_(claims.c.report_id == report_id, visible(claims.c.customer_id, self._access))
