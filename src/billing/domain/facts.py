"""Facts: all that a card looks at on an order, each looked up once, whoever asks for it."""

from collections.abc import Callable, Hashable
from typing import Any

from billing.domain.measures import Counter, Measure, SkuFilter, UnitsPerCase
from billing.domain.orders import Order

Facts = tuple[Any, ...]
"""What was seen on one order, by place: a quantity in millionths, a test's verdict, or Missing."""

Look = Callable[[Order], Any]
"""Sees one fact of an order."""


class Looks:
    """The looks of one card, in the order in which its rates and conditions first asked.

    Measures are facts as quantities, since many rates count the same. Tests of text and of SKUs
    are facts as verdicts: two orders with equal facts cost the same, and texts differ.
    """

    def __init__(self, products: UnitsPerCase) -> None:
        self.products = products
        self._places: dict[Hashable, int] = {}
        self._looks: list[Look] = []

    def counter(self, measure: Measure, sku_filter: SkuFilter | None = None) -> int:
        """Return the place of a measure's quantity."""
        count: Counter = measure.counter(sku_filter, self.products)
        return self.place((measure.name, sku_filter), count)

    def place(self, key: Hashable, look: Look) -> int:
        """Return the place of the fact with this key; the first look given for it sees it."""
        place = self._places.setdefault(key, len(self._looks))
        if place == len(self._looks):
            self._looks.append(look)
        return place

    def all(self) -> tuple[Look, ...]:
        """Return the looks by place."""
        return tuple(self._looks)

    def facts(self, order: Order) -> Facts:
        """Return what they see on an order."""
        return tuple([look(order) for look in self._looks])
