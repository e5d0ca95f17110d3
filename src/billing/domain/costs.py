"""Costs: the only place where an amount is made, one order at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from billing.domain.errors import AmountTooLargeError
from billing.domain.measures import Missing
from billing.domain.money import MAX_MINOR_UNITS, round_raw, to_minor
from billing.domain.orders import Order
from billing.domain.rates import Rate, RateCard


class ServiceCost(NamedTuple):
    """One service on one order: one line of the bill.

    amount: minor units. quantity: millionths of the measure, and rate_index: its place in the
    card; both None for a recorded charge.
    """

    service_id: int
    amount: int
    quantity: int | None = None
    rate_index: int | None = None


class Problem(NamedTuple):
    """Why a cost is withheld. service_id: None when no card could be asked at all."""

    service_id: int | None
    text: str


class OrderCost(NamedTuple):
    """What one order costs (amount: minor units) and what could not be said of it."""

    amount: int
    service_costs: list[ServiceCost]
    problems: list[Problem]


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
    so that storage fetches, and evidence keeps, exactly those. unpriced: said of every order
    because no card is in force on its day.
    """

    decimals: int
    card: RateCard | None
    reads: frozenset[str]
    steps: tuple["RateStep", ...]
    unpriced: str | None = None


RateStep = Callable[[Order, list[ServiceCost], list[Problem]], None]


def compile_card(card: RateCard | None, decimals: int, *, unpriced: str | None = None) -> Pricing:
    """Compile a card for a currency of so many decimals."""
    rates = list(enumerate(card.rates)) if card else []
    rates.sort(key=lambda pair: pair[1].service_id)  # Stable: of one service, as in the card.
    return Pricing(
        decimals=decimals,
        card=card,
        reads=frozenset().union(*(rate.price.measure.reads for _, rate in rates)),
        steps=tuple(_compile_rate(rate, index, decimals) for index, rate in rates),
        unpriced=unpriced,
    )


def _compile_rate(rate: Rate, index: int, decimals: int) -> RateStep:
    service_id = rate.service_id
    measure = rate.price.measure.of
    price = rate.price.price

    def add_cost(order: Order, costs: list[ServiceCost], problems: list[Problem]) -> None:
        quantity = measure(order)
        if isinstance(quantity, Missing):
            problems.extend(Problem(service_id, text) for text in quantity.problems)
            return
        amount = round_raw(price(quantity), decimals) if quantity else 0
        if amount:
            costs.append(ServiceCost(service_id, amount, quantity, index))

    return add_cost


def cost_order(order: Order, pricing: Pricing) -> OrderCost:
    """Return what the order costs: recorded charges as they are, then what the card says.

    Costs come by service id; of one service the recorded charges first, then the rates as in
    the card. A cost of zero makes no line. A cost whose data is missing is withheld and said.
    Raises AmountTooLargeError past 999,999,999,999,999 minor units.
    """
    costs: list[ServiceCost] = []
    problems: list[Problem] = []
    for charge in order.charges:
        amount = to_minor(charge.amount, pricing.decimals)
        if amount:
            costs.append(ServiceCost(charge.service_id, amount))
    for step in pricing.steps:
        step(order, costs, problems)
    if pricing.unpriced is not None:
        problems.append(Problem(None, pricing.unpriced))
    if order.charges:
        costs.sort(key=attrgetter("service_id"))
    total = 0
    for cost in costs:
        total += cost.amount
        if not -MAX_MINOR_UNITS <= cost.amount <= MAX_MINOR_UNITS:
            raise AmountTooLargeError(f"Order {order.order_id}, service {cost.service_id}")
    return OrderCost(total, costs, problems)


def total_by_service(
    amounts: Mapping[int, int], names: Mapping[int, str], decimals: int
) -> tuple[ServiceTotal, ...]:
    """Return the totals of a report by ascending service id, from minor units."""
    return tuple(
        ServiceTotal(service_id, names[service_id], Decimal(amount).scaleb(-decimals))
        for service_id, amount in sorted(amounts.items())
    )
