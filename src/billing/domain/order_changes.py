"""Change: what an order is now that it was not when it was billed."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from billing.domain.money import millionths_text, to_millionths
from billing.domain.orders import PERSONAL_FIELDS, Charge, ItemLines, Order

ALWAYS_KEPT = ("order_date", "reference_number", "status", "charges")
"""What evidence keeps of every order, whatever its card reads."""


class Change(NamedTuple):
    """One field of an order, as text, when it was billed and now; None where it is missing."""

    field: str
    billed: str | None
    now: str | None


def changes_since(billed: Order, now: Order, read: Iterable[str]) -> tuple[Change, ...]:
    """Compare an order with its evidence, field by field.

    read: the fields that the pricing read; what it did not is not in the evidence, and had no
    part in the bill. A personal field that is missing now was purged, which is no change.
    """
    return tuple(
        Change(name, _text(before), _text(after))
        for name in dict.fromkeys((*ALWAYS_KEPT, *read))
        if (before := getattr(billed, name)) != (after := getattr(now, name))
        and not (after is None and name in PERSONAL_FIELDS)
    )


def _text(value: Any) -> str | None:
    if value is None or value == ():
        return None
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value)
    return str(value)


def _quantity(value: Decimal) -> str:
    return millionths_text(to_millionths(value))


def _charges(charges: Iterable[Charge]) -> str:
    return ", ".join(f"service {charge.service_id}: {charge.amount:f}" for charge in charges)


def _items(items: ItemLines) -> str:
    return ", ".join(f"{_quantity(quantity)} of {sku}" for sku, quantity in items)


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (date, date.isoformat),
    (Decimal, _quantity),
    (ItemLines, _items),
    (tuple, _charges),
)
