"""Measures: what can be counted on an order, as a quantity, or what is missing for it.

To add one: write the function that makes its counter, and its line in MEASURES.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from billing.domain.errors import InvalidValueError
from billing.domain.money import MILLION, to_millionths
from billing.domain.orders import ItemLines, Order

UnitsPerCase = Mapping[str, int]
"""A customer's products: units per case by normalised SKU."""


class Missing(NamedTuple):
    """Why a quantity cannot be known: one sentence a problem, never 0 and never 1."""

    problems: tuple[str, ...]


Counter = Callable[[Order], int | Missing]
"""Counts one order: millionths of the measure, or what is missing."""


@dataclass(frozen=True, slots=True)
class SkuFilter:
    """Which normalised SKUs a measure looks at. only: None means all; then `without` go."""

    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    def __contains__(self, sku: str) -> bool:
        """Tell whether the measure looks at this SKU."""
        return (self.only is None or sku in self.only) and sku not in self.without


@dataclass(frozen=True, slots=True)
class Measure:
    """A named way to count.

    reads: the order's fields it looks at. counter: makes the function that counts, for a filter
    (None counts all; only item measures can be narrowed) and the customer's products (looked at
    only if needs_products).
    """

    name: str
    reads: frozenset[str]
    counter: Callable[[SkuFilter | None, UnitsPerCase], Counter]
    of_items: bool = False
    needs_products: bool = False


NO_ITEMS = Missing(("items are missing",))


def _order(_filter: SkuFilter | None, _products: UnitsPerCase) -> Counter:
    return lambda _: MILLION


def _lines(sku_filter: SkuFilter | None, _products: UnitsPerCase) -> Counter:
    missing = Missing(("items and line_items are missing",))

    def count(order: Order) -> int | Missing:
        if order.items is not None:
            return len(order.items.lines) * MILLION
        return missing if order.line_items is None else to_millionths(order.line_items)

    return count if sku_filter is None else _of_items(_narrowed_lines(sku_filter))


def _narrowed_lines(sku_filter: SkuFilter) -> Callable[[ItemLines], int]:
    return lambda items: sum(sku in sku_filter for sku, _ in items.lines) * MILLION


def _units(sku_filter: SkuFilter | None, _products: UnitsPerCase) -> Counter:
    missing = Missing(("items and total_item_qty are missing",))

    def count(order: Order) -> int | Missing:
        if order.items is not None:
            return order.items.units
        return missing if order.total_item_qty is None else to_millionths(order.total_item_qty)

    return count if sku_filter is None else _of_items(_narrowed_units(sku_filter))


def _narrowed_units(sku_filter: SkuFilter) -> Callable[[ItemLines], int]:
    return lambda items: to_millionths(
        sum(quantity for sku, quantity in items.by_sku.items() if sku in sku_filter)
    )


def _skus(sku_filter: SkuFilter | None, _products: UnitsPerCase) -> Counter:
    if sku_filter is None:
        return lambda order: NO_ITEMS if order.items is None else len(order.items.by_sku) * MILLION
    wanted = sku_filter
    return _of_items(lambda items: sum(sku in wanted for sku in items.by_sku) * MILLION)


def _of_items(count: Callable[[ItemLines], int | Missing]) -> Counter:
    """Return a counter that cannot do without the list of items."""
    return lambda order: NO_ITEMS if order.items is None else count(order.items)


def _packed(part: Callable[[int, int], int]) -> Callable[..., Counter]:
    """Return the maker of a counter over full cases or what is left of them.

    part: of an SKU's millionths over the whole order and its units per case.
    """

    def make(sku_filter: SkuFilter | None, products: UnitsPerCase) -> Counter:
        def count(items: ItemLines) -> int | Missing:
            total = 0
            unknown = []
            for sku, quantity in items.by_sku.items():
                if sku_filter is not None and sku not in sku_filter:
                    continue
                if sku in products:
                    total += part(to_millionths(quantity), products[sku])
                else:
                    unknown.append(f"SKU {items.as_written(sku)} has no product row")
            return Missing(tuple(unknown)) if unknown else total

        return _of_items(count)

    return make


def full_cases(units: int, units_per_case: int) -> int:
    """Return the full cases in millionths of units, in millionths; a case of 1 is no case."""
    return 0 if units_per_case == 1 else units // (units_per_case * MILLION) * MILLION


def loose_units(units: int, units_per_case: int) -> int:
    """Return what is left beside the full cases, in millionths."""
    return units - full_cases(units, units_per_case) * units_per_case


def _recorded(field: str) -> Measure:
    missing = Missing((f"{field} is missing",))

    def count(order: Order) -> int | Missing:
        value = getattr(order, field)
        return missing if value is None else to_millionths(value)

    return Measure(field, frozenset({field}), lambda _filter, _products: count)


_ITEMS = frozenset({"items"})

MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("order", frozenset(), _order),
        Measure("lines", frozenset({"items", "line_items"}), _lines, of_items=True),
        Measure("units", frozenset({"items", "total_item_qty"}), _units, of_items=True),
        Measure("skus", _ITEMS, _skus, of_items=True),
        Measure("cases", _ITEMS, _packed(full_cases), of_items=True, needs_products=True),
        Measure("loose_units", _ITEMS, _packed(loose_units), of_items=True, needs_products=True),
        _recorded("packages"),
        _recorded("weight_lb"),
        _recorded("volume_cuft"),
    )
}


def measure_named(name: object, /) -> Measure:
    """Return the measure, or refuse a name that nothing is counted by."""
    if isinstance(name, str) and name in MEASURES:
        return MEASURES[name]
    raise InvalidValueError(f"Unknown measure: use one of {', '.join(MEASURES)}.")
