"""Evidence: what the pricing of an order could read, kept so that it can be priced again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from json.encoder import encode_basestring as quote
from typing import Any

from billing.domain.costs import Pricing
from billing.domain.money import millionths_text, to_millionths
from billing.domain.orders import QUANTITY_FIELDS, Charge, Item, ItemLines, Order


@dataclass(frozen=True, slots=True)
class Evidence:
    """One order as it was priced.

    card_id: the immutable card, None when none applied. products: units per case by normalised
    SKU. unpriced: the customer had cards, but none in force on the order's day.
    """

    order: Order
    card_id: int | None
    products: Mapping[str, int]
    unpriced: bool


def evidence_writer(pricing: Pricing) -> Callable[[Order, str], str]:
    """Return the function that writes what a pricing could read of an order, and nothing else.

    It takes the order and its date as text; made once a pricing, for it runs once an order.
    """
    head = f',"card":{(pricing.card and pricing.card.id) or "null"}'
    if pricing.unpriced is not None:
        head += ',"unpriced":true'
    fields = [
        (Order._fields.index(name), f',"{name}":', _WRITERS.get(name, quote))
        for name in ("reference_number", "status", *pricing.evidence_fields)
    ]
    packed = pricing.products if pricing.needs_products else None

    def write(order: Order, day: str) -> str:
        text = f'{{"order_id":{order.order_id},"order_date":"{day}"{head}'
        for place, label, written in fields:
            value = order[place]
            if value is not None:
                text += label + written(value)
        if order.charges:
            text += f',"charges":{_charges_text(order.charges)}'
        if packed is not None and order.items is not None:
            text += f',"units_per_case":{{{_packing(order.items, packed)}}}'
        return text + "}"

    return write


def read_evidence(entry: Mapping[str, Any], customer_id: int) -> Evidence:
    """Read one entry of evidence, parsed as JSON with exact numbers or their text."""
    fields = {
        name: _field(name, value) for name, value in entry.items() if name not in _NOT_OF_THE_ORDER
    }
    return Evidence(
        order=Order(customer_id=customer_id, **fields),
        card_id=entry["card"],
        products=entry.get("units_per_case", {}),
        unpriced=entry.get("unpriced", False),
    )


_NOT_OF_THE_ORDER = frozenset({"card", "unpriced", "units_per_case"})


def _items_text(items: ItemLines) -> str:
    return items.text


def _quantity_text(quantity: Decimal) -> str:
    return millionths_text(to_millionths(quantity))


_WRITERS: dict[str, Callable[[Any], str]] = {
    "items": _items_text,
    **dict.fromkeys(QUANTITY_FIELDS, _quantity_text),
}


def _charges_text(charges: Sequence[Charge]) -> str:
    return f"[{','.join(f'[{charge.service_id},{charge.amount:f}]' for charge in charges)}]"


def _packing(items: ItemLines, products: Mapping[str, int]) -> str:
    return ",".join(f"{quote(sku)}:{products[sku]}" for sku in items.by_sku if sku in products)


def _field(name: str, value: Any) -> Any:
    if name == "items":
        return ItemLines.of(Item(sku, Decimal(quantity)) for sku, quantity in value)
    if name == "charges":
        return tuple(Charge(service_id, Decimal(amount)) for service_id, amount in value)
    if name == "order_date":
        return date.fromisoformat(value)
    return Decimal(value) if name in QUANTITY_FIELDS else value
