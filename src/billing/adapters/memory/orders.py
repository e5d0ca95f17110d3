"""MemoryOrders: orders by customer, so that a customer's own are found without the others."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from billing.adapters.memory.state import MemoryRepository, part_of
from billing.domain.errors import OrderNotFoundError
from billing.domain.order_repository import OrderPlace
from billing.domain.orders import PERSONAL_FIELDS, Order
from billing.domain.period import BillingPeriod
from billing.domain.report_query import Slice
from billing.domain.repositories import Outcome

_NOTHING: dict[str, Any] = dict.fromkeys(PERSONAL_FIELDS)


class MemoryOrders(MemoryRepository):
    """The orders of the customers that this transaction may see."""

    def find(self, customer_id: int, order_id: int, /) -> Order:
        order = self._of(customer_id).get(order_id)
        if order is None:
            raise OrderNotFoundError(customer_id, order_id)
        return order

    def known(
        self, customer_id: int, order_ids: Collection[int], _fields: Collection[str], /
    ) -> dict[int, Order]:
        orders = self._of(customer_id)
        return {order_id: orders[order_id] for order_id in order_ids if order_id in orders}

    def placed_in(
        self,
        customer_id: int,
        period: BillingPeriod | None,
        _fields: Collection[str],
        /,
        *,
        unclaimed: bool = False,
    ) -> Iterator[Order]:
        claimed = self._claimed(customer_id) if unclaimed else ()
        placed = [
            (order.order_date or date.min, order.order_id, order)
            for order in self._of(customer_id).values()
            if _is_placed(order.order_date, period) and order.order_id not in claimed
        ]
        placed.sort(key=lambda entry: entry[:2])
        return (order for _, _, order in placed)

    def counts_in(self, period: BillingPeriod, /, *, unbilled: bool = False) -> dict[int, int]:
        placed = self.page(None, period.start, period.end, Slice(), unbilled=unbilled)
        return dict(Counter(order.customer_id for order in placed))

    def save(self, orders: Sequence[Order], /) -> list[Outcome]:
        state = self._unit.state
        everything = dict(state.orders)
        touched = {order.customer_id for order in orders}
        everything.update({key: dict(everything.get(key, {})) for key in touched})
        outcomes = []
        for order in orders:
            of_customer = everything[self._unit.require(order.customer_id).id]
            existing = of_customer.get(order.order_id)
            if existing == order:
                outcomes.append(Outcome.UNCHANGED)
            else:
                of_customer[order.order_id] = order
                outcomes.append(Outcome.UPDATED if existing else Outcome.CREATED)
        self._unit.state = replace(state, orders=everything)
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
        matching = self._matching(customer_id, start, end)
        return part_of(filter(self._is_unbilled, matching) if unbilled else matching, part)

    def count(
        self,
        customer_id: int | None,
        start: date | None,
        end: date | None,
        /,
        *,
        unbilled: bool = False,
    ) -> int:
        return sum(1 for _ in self.page(customer_id, start, end, Slice(), unbilled=unbilled))

    def purge(
        self, customer_id: int, before: date, after: OrderPlace, limit: int, /
    ) -> tuple[int, OrderPlace | None]:
        places = sorted(
            OrderPlace(order.order_date, order.order_id)
            for order in self._of(customer_id).values()
            if order.order_date is not None and order.order_date < before
        )
        behind = [place for place in places if place > after][:limit]
        changed = 0
        for place in behind:
            order = self._of(customer_id)[place.order_id]
            (outcome,) = self.save([order._replace(**_NOTHING)])
            changed += outcome is Outcome.UPDATED
        return changed, behind[-1] if len(behind) == limit else None

    def count_personal(self, customer_id: int, before: date, /) -> int:
        return sum(
            order.order_date is not None
            and order.order_date < before
            and any(getattr(order, name) is not None for name in PERSONAL_FIELDS)
            for order in self._of(customer_id).values()
        )

    def _of(self, customer_id: int) -> dict[int, Order]:
        allowed = self._unit.access.allows(customer_id)
        return self._unit.state.orders.get(customer_id, {}) if allowed else {}

    def _claimed(self, customer_id: int) -> Collection[int]:
        return self._unit.state.claims.get(customer_id, {})

    def _is_unbilled(self, order: Order) -> bool:
        return not order.is_cancelled and order.order_id not in self._claimed(order.customer_id)

    def _matching(
        self, customer_id: int | None, start: date | None, end: date | None
    ) -> Iterator[Order]:
        customers = sorted(self._unit.state.orders) if customer_id is None else [customer_id]
        dated = start is not None or end is not None
        for customer in customers:
            for _, order in sorted(self._of(customer).items()):
                day = order.order_date
                if not dated or (day is not None and (start or day) <= day <= (end or day)):
                    yield order


def _is_placed(day: date | None, period: BillingPeriod | None) -> bool:
    if day is None or period is None:
        return day is None and period is None
    return day in period
