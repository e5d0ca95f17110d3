"""Costs: the only place where an amount is made, one order at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from billing.domain.condition_tests import reads_of
from billing.domain.derived_prices import Markup
from billing.domain.errors import AmountTooLargeError
from billing.domain.facts import Facts, Look, Looks
from billing.domain.measures import MEASURES, UnitsPerCase
from billing.domain.money import MAX_MINOR_UNITS, to_minor
from billing.domain.orders import Order
from billing.domain.rate_steps import (
    Problem,
    RateStep,
    ServiceCost,
    compile_rate,
    in_bill_order,
)
from billing.domain.rates import Rate, RateCard, evaluation_order

COSTS_KEPT = 4_000
"""Costs kept for orders with equal facts; of real orders, 84 in 100 find theirs there."""


class OrderCost(NamedTuple):
    """What one order costs (amount: minor units) and what could not be said of it."""

    amount: int
    service_costs: tuple[ServiceCost, ...]
    problems: tuple[Problem, ...]


NOTHING = OrderCost(0, (), ())


@dataclass(frozen=True, slots=True)
class ServiceTotal:
    """One service over a whole report. amount: currency units with the currency's decimals."""

    service_id: int
    service_name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Pricing:
    """A customer's card, compiled once into functions over plain integers.

    card: None prices recorded charges only. reads: the order's fields that pricing looks at,
    so that storage fetches, and evidence keeps, exactly those; evidence_fields: those of them
    that evidence does not keep in any case, sorted. products: looked at only if
    needs_products. marked_up: the services whose recorded charges a markup bills. looks: see the
    order's facts, on which the steps work. sorts: tells whether the steps' lines come out of the
    bill's order. unpriced: said of every order because no card is in force on its day.
    known: what orders cost by their facts, see cost_order.
    """

    decimals: int
    card: RateCard | None
    products: UnitsPerCase
    reads: frozenset[str]
    needs_products: bool
    marked_up: frozenset[int]
    looks: tuple[Look, ...]
    steps: tuple[RateStep, ...]
    sorts: bool
    evidence_fields: tuple[str, ...]
    unpriced: str | None = None
    known: dict[Facts, OrderCost] = field(default_factory=dict, compare=False, repr=False)


def compile_card(
    card: RateCard | None,
    decimals: int,
    *,
    products: UnitsPerCase | None = None,
    unpriced: str | None = None,
) -> Pricing:
    """Compile a card for a currency of so many decimals and a customer's products."""
    rates = card.rates if card else ()
    looks_at: frozenset[str] = frozenset().union(*(rate.looks_at for rate in rates))
    products = products or {}
    reads: frozenset[str] = frozenset().union(*(reads_of(name) for name in looks_at))
    evaluated = evaluation_order(rates)
    billed = [(rates[index].service_id, index) for index in evaluated]
    looks = Looks(products)
    steps = tuple(compile_rate(rates[index], index, decimals, looks) for index in evaluated)
    return Pricing(
        decimals=decimals,
        card=card,
        products=products,
        reads=reads,
        needs_products=needs_products(rates),
        marked_up=frozenset(r.service_id for r in rates if isinstance(r.price, Markup)),
        looks=looks.all(),
        steps=steps,
        evidence_fields=tuple(sorted(reads - {"reference_number", "status"})),
        sorts=any(before > after for before, after in pairwise(billed)),
        unpriced=unpriced,
    )


def needs_products(rates: Iterable[Rate]) -> bool:
    """Tell whether pricing by these rates looks at the customer's products."""
    names = frozenset().union(*(rate.looks_at for rate in rates))
    return any(MEASURES[name].needs_products for name in names if name in MEASURES)


def cost_order(order: Order, pricing: Pricing) -> OrderCost:
    """Return what the order costs: recorded charges as they are, then what the card says.

    Costs come by service id; of one service the recorded charges first, then the rates as in
    the card. A cost of zero makes no line. A cost whose data is missing is withheld and said,
    with every percentage of it. A cancelled order costs nothing.
    Raises AmountTooLargeError past 999,999,999,999,999 minor units.

    Without recorded charges an order's cost depends on its facts alone, and warehouses pack the
    same again and again: such a cost is kept if it misses nothing, and rating real orders takes
    half the time.
    """
    if order.status is not None and order.is_cancelled:
        return NOTHING
    facts = tuple([look(order) for look in pricing.looks])
    if order.charges:
        return _cost(order, facts, pricing)
    cost = pricing.known.get(facts)
    if cost is None:
        cost = _cost(order, facts, pricing)
        if not cost.problems:  # They may name every SKU of an order: as long as it likes.
            if len(pricing.known) >= COSTS_KEPT:
                pricing.known.clear()
            pricing.known[facts] = cost
    return cost


def _cost(order: Order, facts: Facts, pricing: Pricing) -> OrderCost:
    costs: list[ServiceCost] = []
    problems: list[Problem] = []
    for index, charge in enumerate(order.charges):
        amount = to_minor(charge.amount, pricing.decimals)
        if amount and charge.service_id not in pricing.marked_up:
            costs.append(ServiceCost(charge.service_id, amount, charge_index=index))
    for step in pricing.steps:
        step(order, facts, costs, problems)
    if pricing.unpriced is not None:
        problems.append(Problem(None, pricing.unpriced))
    if order.charges or pricing.sorts:
        costs.sort(key=in_bill_order)
    return OrderCost(_total(order, costs), tuple(costs), tuple(problems))


def _total(order: Order, costs: Sequence[ServiceCost]) -> int:
    amounts = [cost.amount for cost in costs]
    if amounts and not -MAX_MINOR_UNITS <= min(amounts) <= max(amounts) <= MAX_MINOR_UNITS:
        large = max(costs, key=lambda cost: abs(cost.amount))
        raise AmountTooLargeError(f"Order {order.order_id}, service {large.service_id}")
    return sum(amounts)


def total_by_service(
    amounts: Mapping[int, int], names: Mapping[int, str], decimals: int
) -> tuple[ServiceTotal, ...]:
    """Return the totals of a report by ascending service id, from minor units."""
    return tuple(
        ServiceTotal(service_id, names[service_id], Decimal(amount).scaleb(-decimals))
        for service_id, amount in sorted(amounts.items())
    )
