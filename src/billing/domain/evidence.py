"""Evidence: what the pricing of an order could read, kept so that it can be priced again."""

from collections.abc import Mapping
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


def evidence_text(order: Order, pricing: Pricing) -> str:
    """Write what the pricing of this order could read, and nothing else of it."""
    parts = [
        f'{{"order_id":{order.order_id},"order_date":"{order.order_date}"',
        f'"card":{(pricing.card and pricing.card.id) or "null"}',
    ]
    if pricing.unpriced is not None:
        parts.append('"unpriced":true')
    if order.reference_number is not None:
        parts.append(f'"reference_number":{quote(order.reference_number)}')
    if order.status is not None:
        parts.append(f'"status":{quote(order.status)}')
    for name in pricing.evidence_fields:
        value = getattr(order, name)
        if value is not None:
            parts.append(f'"{name}":{_field_text(name, value)}')
    if order.charges:
        charges = ",".join(f"[{charge.service_id},{charge.amount:f}]" for charge in order.charges)
        parts.append(f'"charges":[{charges}]')
    if pricing.needs_products and order.items is not None:
        parts.append(f'"units_per_case":{{{_packing(order.items, pricing.products)}}}')
    return ",".join(parts) + "}"


def read_evidence(entry: Mapping[str, Any], customer_id: int) -> Evidence:
    """Read what evidence_text wrote, parsed as JSON with exact numbers or their text."""
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


def _field_text(name: str, value: Any) -> str:
    if name == "items":
        return str(value.text)
    if name in QUANTITY_FIELDS:
        return millionths_text(to_millionths(value))
    return quote(value)


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
