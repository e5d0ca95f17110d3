"""SqlOrders: one row an order, items and charges as text in the row: one read, no join."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)

from billing.adapters.sql.bulk import BulkTable
from billing.adapters.sql.catalog import SqlRepository, sliced, visible
from billing.adapters.sql.lifecycle_tables import claims
from billing.adapters.sql.mapping import ORDER_CONVERTERS, order_columns, order_from, order_reader
from billing.adapters.sql.tables import orders
from billing.domain.access import Access
from billing.domain.errors import CustomerNotFoundError, OrderNotFoundError
from billing.domain.order_repository import OrderPlace
from billing.domain.orders import CANCELLED, PERSONAL_FIELDS, Order
from billing.domain.period import BillingPeriod
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome

_ALWAYS_READ = frozenset(
    {"customer_id", "order_id", "order_date", "reference_number", "status", "charges"}
)
_BULK = BulkTable(orders, ORDER_CONVERTERS)
# Every text that casefold makes one of these is ASCII, so lower() on any database does the same.
_NOT_CANCELLED = or_(
    orders.c.status.is_(None), func.lower(orders.c.status).not_in(sorted(CANCELLED))
)
_UNCLAIMED = ~exists().where(
    claims.c.customer_id == orders.c.customer_id, claims.c.order_id == orders.c.order_id
)
_IS_PERSONAL = or_(*(orders.c[name].is_not(None) for name in sorted(PERSONAL_FIELDS)))


class SqlOrders(SqlRepository):
    """The orders of the customers that this transaction may see."""

    def __init__(self, connection: Connection, access: Access) -> None:
        super().__init__(connection, access)
        self._were_new = False  # All orders of the last batch; then the next ones likely are.

    def find(self, customer_id: int, order_id: int, /) -> Order:
        """Return the order, or raise OrderNotFoundError."""
        mine = and_(
            orders.c.customer_id == customer_id, orders.c.order_id == order_id, self._visible
        )
        row = self._connection.execute(select(orders).where(mine)).one_or_none()
        if row is None:
            raise OrderNotFoundError(customer_id, order_id)
        return order_from(row)

    def known(
        self, customer_id: int, order_ids: Collection[int], fields: Collection[str], /
    ) -> dict[int, Order]:
        """Return those of the customer's orders that exist, by order id, in one statement."""
        wanted = _ALWAYS_READ | set(fields)
        statement = select(*order_columns(wanted)).where(
            orders.c.customer_id == customer_id, self._is_one_of(order_ids), self._visible
        )
        found = map(order_reader(wanted), self._connection.execute(statement))
        return {order.order_id: order for order in found}

    def placed_in(
        self,
        customer_id: int,
        period: BillingPeriod | None,
        fields: Collection[str],
        /,
        *,
        unclaimed: bool = False,
    ) -> Iterator[Order]:
        """Stream the customer's orders of a period, or undated, by order_date, then order_id."""
        wanted = _ALWAYS_READ | set(fields)
        day = orders.c.order_date
        statement = (
            select(*order_columns(wanted))
            .where(
                orders.c.customer_id == customer_id,
                day.is_(None) if period is None else day.between(period.start, period.end),
                self._visible,
                _UNCLAIMED if unclaimed else true(),
            )
            .order_by(day, orders.c.order_id)
            .execution_options(yield_per=500)
        )
        return map(order_reader(wanted), self._connection.execute(statement))

    def counts_in(self, period: BillingPeriod, /, *, unbilled: bool = False) -> dict[int, int]:
        """Return how many orders each customer has in the period."""
        asked = self._asked(None, period.start, period.end, unbilled=unbilled)
        statement = select(orders.c.customer_id, func.count().label("number")).where(asked)
        rows = self._connection.execute(statement.group_by(orders.c.customer_id))
        return {row.customer_id: row.number for row in rows}

    def save(self, values: Sequence[Order], /) -> list[Outcome]:
        """Insert or replace orders, none given twice; one outcome each, in their order."""
        for order in values:
            if not self._access.allows(order.customer_id):
                raise CustomerNotFoundError(order.customer_id)
        outcomes = _BULK.save(self._connection, values, expect_new=self._were_new)
        self._were_new = all(outcome is Outcome.CREATED for outcome in outcomes)
        return outcomes

    def page(
        self,
        customer_id: int | None,
        start: date | None,
        end: date | None,
        part: Slice,
        /,
        *,
        unbilled: bool = False,
    ) -> Iterator[Order]:
        """Return orders by customer_id, then order_id; dates include both ends."""
        statement = select(orders).where(self._asked(customer_id, start, end, unbilled=unbilled))
        statement = statement.order_by(orders.c.customer_id, orders.c.order_id)
        return map(order_from, self._connection.execute(sliced(statement, part)))

    def count(
        self,
        customer_id: int | None,
        start: date | None,
        end: date | None,
        /,
        *,
        unbilled: bool = False,
    ) -> int:
        """Return how many orders `page` would return in all."""
        asked = self._asked(customer_id, start, end, unbilled=unbilled)
        return self._connection.execute(
            select(func.count()).select_from(orders).where(asked)
        ).scalar_one()

    def purge(
        self, customer_id: int, before: date, after: OrderPlace, limit: int, /
    ) -> tuple[int, OrderPlace | None]:
        """Set the PERSONAL_FIELDS to None of a customer's orders dated before a day."""
        place = (orders.c.order_date, orders.c.order_id)
        found = select(*place).where(self._dated(customer_id, before), tuple_(*place) > after)
        found = found.order_by(*place).limit(limit)
        behind = [OrderPlace(*row) for row in self._connection.execute(found)]
        mine = and_(
            self._dated(customer_id, before),
            orders.c.order_id.in_([order_id for _, order_id in behind]),
            _IS_PERSONAL,
        )
        # In the order of their keys, as every writer of orders takes them.
        locked = select(orders.c.order_id).where(mine).order_by(orders.c.order_id)
        ids = self._connection.execute(locked.with_for_update()).scalars().all()
        changed = update(orders).where(
            orders.c.customer_id == customer_id, orders.c.order_id.in_(ids)
        )
        self._connection.execute(changed.values(dict.fromkeys(PERSONAL_FIELDS)))
        return len(ids), behind[-1] if len(behind) == limit else None

    def count_personal(self, customer_id: int, before: date, /) -> int:
        """Return how many orders `purge` would change in all."""
        counted = select(func.count()).select_from(orders)
        counted = counted.where(self._dated(customer_id, before), _IS_PERSONAL)
        return self._connection.execute(counted).scalar_one()

    def _dated(self, customer_id: int, before: date) -> ColumnElement[bool]:
        return and_(
            orders.c.customer_id == customer_id, orders.c.order_date < before, self._visible
        )

    @property
    def _visible(self) -> ColumnElement[bool]:
        return visible(orders.c.customer_id, self._access)

    def _is_one_of(self, order_ids: Collection[int]) -> ColumnElement[bool]:
        """Ask for any number of orders with one parameter."""
        if self._connection.dialect.name == "sqlite":
            numbers = func.json_each(json.dumps(list(order_ids))).table_valued("value")
            return orders.c.order_id.in_(select(numbers.c.value))
        return orders.c.order_id == func.any(cast(list(order_ids), ARRAY(BigInteger)))

    def _asked(
        self, customer_id: int | None, start: date | None, end: date | None, *, unbilled: bool
    ) -> ColumnElement[bool]:
        conditions = [self._visible]
        if unbilled:
            conditions += [_UNCLAIMED, _NOT_CANCELLED]
        if customer_id is not None:
            conditions.append(orders.c.customer_id == customer_id)
        if start is not None:
            conditions.append(orders.c.order_date >= start)
        if end is not None:
            conditions.append(orders.c.order_date <= end)
        return and_(*conditions)
