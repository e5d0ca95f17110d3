"""Examples: short ways to write rates, cards, products and orders in tests."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing.domain.catalog import normalise_sku
from billing.domain.costs import OrderCost, Pricing, compile_card, cost_order
from billing.domain.orders import Charge, Item, ItemLines, Order
from billing.domain.rate_reading import read_rates
from billing.domain.rates import RateCard

NOON = datetime(2023, 1, 1, 12, tzinfo=UTC)
NEW_YEAR = date(2023, 1, 1)
Row = dict[str, Any]


def flat(service_id: int, amount: str, **more: Any) -> Row:
    """Return a flat rate."""
    return {"service_id": service_id, "price": {"model": "flat", "amount": amount}, **more}


def unit(service_id: int, measure: str, unit_price: str, **more: Any) -> Row:
    """Return a unit rate."""
    price = {"model": "unit", "measure": measure, "unit_price": unit_price}
    return {"service_id": service_id, "price": price, **more}


def tiered(service_id: int, model: str, measure: str, *tiers: Row, **more: Any) -> Row:
    """Return a graduated or volume rate."""
    price = {"model": model, "measure": measure, "tiers": list(tiers)}
    return {"service_id": service_id, "price": price, **more}


def tier(up_to: str | None, unit_price: str, flat_amount: str | None = None) -> Row:
    """Return a tier."""
    more = {} if flat_amount is None else {"flat_amount": flat_amount}
    return {"up_to": up_to, "unit_price": unit_price, **more}


def percentage(service_id: int, percent: str, *of: int, **more: Any) -> Row:
    """Return a rate that is a percentage of services."""
    price = {"model": "percentage", "percent": percent, "of": list(of)}
    return {"service_id": service_id, "price": price, **more}


def markup(service_id: int, percent: str, **more: Any) -> Row:
    """Return a markup on the recorded charges of a service."""
    return {"service_id": service_id, "price": {"model": "markup", "percent": percent}, **more}


def check(field: str, op: str, value: object = None) -> Row:
    """Return a test of a condition."""
    return {"field": field, "op": op, "value": value}


# Three conditions that hold, do not hold, and are unknown on orders of `order()`.
TRUE = check("order", "eq", 1)
FALSE = check("order", "eq", 2)
UNKNOWN = check("volume_cuft", "gt", 1)


def card(*rates: Row, card_id: int = 7, day: date = NEW_YEAR) -> RateCard:
    """Return a card of these rates."""
    return RateCard(card_id, 1, day, NOON, read_rates(list(rates)))


def order(
    items: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    charges: Sequence[tuple[int, str]] = (),
    **more: Any,
) -> Order:
    """Return order 1 of customer 1; charges are pairs of service and amount."""
    pairs = items.items() if isinstance(items, Mapping) else items
    lines = None if pairs is None else ItemLines.of(Item(s, Decimal(q)) for s, q in pairs)
    known = tuple(Charge(service_id, Decimal(amount)) for service_id, amount in charges)
    return Order(customer_id=1, order_id=1, items=lines, charges=known, **more)


def pricing(*rates: Row, products: Mapping[str, int] | None = None, decimals: int = 2) -> Pricing:
    """Compile rates; products as the customer writes their SKUs."""
    normalised = {normalise_sku(sku): units for sku, units in (products or {}).items()}
    return compile_card(card(*rates), decimals, products=normalised)


def cost(
    priced: Order, *rates: Row, products: Mapping[str, int] | None = None, decimals: int = 2
) -> OrderCost:
    """Return what an order costs by these rates."""
    return cost_order(priced, pricing(*rates, products=products, decimals=decimals))


def lines(result: OrderCost) -> list[tuple[int, int]]:
    """Return service and amount of each line."""
    return [(line.service_id, line.amount) for line in result.service_costs]


NO_VOLUME = "volume_cuft is missing"
"""What UNKNOWN misses."""


def problems(result: OrderCost) -> list[tuple[int | None, str]]:
    """Return the problems as plain pairs."""
    return [(problem.service_id, problem.text) for problem in result.problems]
