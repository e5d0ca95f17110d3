"""Comparison: what a draft card would change, by service and for the orders it changes most."""

import heapq
from collections import Counter
from collections.abc import Mapping
from typing import Any

from billing.domain.costs import OrderCost
from billing.domain.money import check_minor, to_amount

ORDERS_SHOWN = 10


class Comparison:
    """Folds, order by order, the card in force against a draft; amounts in minor units."""

    def __init__(self) -> None:
        self._current: Counter[int] = Counter()
        self._draft: Counter[int] = Counter()
        self._most: list[tuple[int, int, int, int]] = []

    def add(self, order_id: int, current: OrderCost, draft: OrderCost) -> None:
        """Take one order in."""
        for cost in current.service_costs:
            self._current[cost.service_id] += cost.amount
        for cost in draft.service_costs:
            self._draft[cost.service_id] += cost.amount
        change = abs(draft.amount - current.amount)
        if change:
            entry = (change, -order_id, current.amount, draft.amount)
            if len(self._most) < ORDERS_SHOWN:
                heapq.heappush(self._most, entry)
            else:
                heapq.heappushpop(self._most, entry)

    def as_json(self, names: Mapping[int, str], decimals: int) -> dict[str, Any]:
        """Return the totals, every service of either card, and the orders changed most."""
        services = sorted(self._current.keys() | self._draft.keys())
        return {
            **_difference(sum(self._current.values()), sum(self._draft.values()), decimals),
            "services": [
                {"service_id": service_id, "service_name": names[service_id]}
                | _difference(self._current[service_id], self._draft[service_id], decimals)
                for service_id in services
            ],
            "orders": [
                {"order_id": -negative} | _difference(current, draft, decimals)
                for _, negative, current, draft in sorted(self._most, reverse=True)
            ],
        }


def _difference(current: int, draft: int, decimals: int) -> dict[str, Any]:
    amounts = {"current_amount": current, "draft_amount": draft, "difference": draft - current}
    return {
        name: to_amount(check_minor(amount, f"The comparison's {name}"), decimals)
        for name, amount in amounts.items()
    }
