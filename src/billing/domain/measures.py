"""Measures: what can be counted on an order, as a quantity, or what is missing for it.

To add one: write its function and its line in MEASURES.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from billing.domain.errors import InvalidValueError
from billing.domain.money import MILLION, to_millionths
from billing.domain.orders import Order


class Missing(NamedTuple):
    """Why a quantity cannot be known: one sentence a problem, never 0 and never 1."""

    problems: tuple[str, ...]


Quantity = int
"""A measured quantity in millionths."""

MeasureFunction = Callable[[Order], Quantity | Missing]


@dataclass(frozen=True, slots=True)
class Measure:
    """A named way to count. reads: the order's fields that `of` looks at."""

    name: str
    reads: frozenset[str]
    of: MeasureFunction


def normalise_sku(sku: str, /) -> str:
    """Return the form in which SKUs compare: without case, spaces and hyphens."""
    return sku.casefold().translate(_IGNORED_IN_SKUS)


_IGNORED_IN_SKUS = {ord(character): None for character in " -"}


def _one(_: Order) -> Quantity:
    return MILLION


def _lines(order: Order) -> Quantity | Missing:
    if order.items is not None:
        return len(order.items) * MILLION
    if order.line_items is not None:
        return to_millionths(order.line_items)
    return Missing(("items and line_items are missing",))


def _units(order: Order) -> Quantity | Missing:
    if order.items is not None:
        return to_millionths(sum(quantity for _, quantity in order.items.raw))
    if order.total_item_qty is not None:
        return to_millionths(order.total_item_qty)
    return Missing(("items and total_item_qty are missing",))


def _skus(order: Order) -> Quantity | Missing:
    if order.items is None:
        return Missing(("items are missing",))
    return len({normalise_sku(sku) for sku, quantity in order.items.raw if quantity}) * MILLION


def _recorded(field: str) -> Measure:
    missing = Missing((f"{field} is missing",))

    def measure(order: Order) -> Quantity | Missing:
        value = getattr(order, field)
        return missing if value is None else to_millionths(value)

    return Measure(field, frozenset({field}), measure)


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("order", frozenset(), _one),
        Measure("lines", frozenset({"items", "line_items"}), _lines),
        Measure("units", frozenset({"items", "total_item_qty"}), _units),
        Measure("skus", frozenset({"items"}), _skus),
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
