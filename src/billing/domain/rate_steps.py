"""Rate steps: each rate of a card, compiled into a function that adds its cost to an order's."""

from collections.abc import Callable
from typing import NamedTuple

from billing.domain.conditions import Check
from billing.domain.derived_prices import Markup, Percentage
from billing.domain.facts import Facts, Looks
from billing.domain.money import RAW_DECIMALS, raw_per_minor, round_raw, to_minor
from billing.domain.orders import Order
from billing.domain.prices import PriceModel, above_last_tier
from billing.domain.rates import Rate


class ServiceCost(NamedTuple):
    """One service on one order: one line of the bill.

    amount: minor units. rate_index: the rate's place in the card, None for a charge billed as
    it is. quantity: millionths of the measure, None where nothing is measured (charges,
    percentages, markups). charge_index: the recorded charge that the line comes from.
    """

    service_id: int
    amount: int
    quantity: int | None = None
    rate_index: int | None = None
    charge_index: int | None = None


class Problem(NamedTuple):
    """Why a cost is withheld. service_id: None when no card could be asked at all."""

    service_id: int | None
    text: str


Costs = list[ServiceCost]
Problems = list[Problem]
RateStep = Callable[[Order, Facts, Costs, Problems], None]
"""Adds what one rate makes of an order to its costs, or to its problems."""


def compile_rate(rate: Rate, index: int, decimals: int, looks: Looks) -> RateStep:
    """Compile the rate at a place of its card, for a currency; `looks` will see its facts."""
    if isinstance(rate.price, Markup):
        return _markup(rate, rate.price, index, decimals, looks)
    if isinstance(rate.price, Percentage):
        step = _percentage(rate, rate.price, index, decimals)
    else:
        step = _measured(rate, rate.price, index, decimals, looks)
    return step if rate.when is None else _guarded(rate, step, looks)


def bounded(rate: Rate, raw: int) -> int:
    """Hold a cost that is not zero between the rate's minimum and maximum."""
    if raw and rate.minimum is not None:
        raw = max(raw, to_minor(rate.minimum, RAW_DECIMALS))
    if raw and rate.maximum is not None:
        raw = min(raw, to_minor(rate.maximum, RAW_DECIMALS))
    return raw


def _guarded(rate: Rate, step: RateStep, looks: Looks) -> RateStep:
    when = rate.when
    assert when is not None  # Asked by the caller.
    check, products = when.compile(looks), looks.products

    def run(order: Order, facts: Facts, costs: Costs, problems: Problems) -> None:
        verdict = check(facts)
        if verdict:
            step(order, facts, costs, problems)
        elif verdict is None:
            missing = when.missing(order, products)
            problems.extend(Problem(rate.service_id, text) for text in missing)
            # What the price would miss as well: all is said at once.
            step(order, facts, [], problems)

    return run


def _measured(rate: Rate, price: PriceModel, index: int, decimals: int, looks: Looks) -> RateStep:
    service_id = rate.service_id
    place = looks.counter(price.measure, rate.sku_filter)
    price_of = price.compile()
    is_bounded = rate.minimum is not None or rate.maximum is not None
    minor_unit = raw_per_minor(decimals)
    half = minor_unit // 2

    def run(_order: Order, facts: Facts, costs: Costs, problems: Problems) -> None:
        quantity = facts[place]
        if not isinstance(quantity, int):
            problems.extend(Problem(service_id, text) for text in quantity.problems)
            return
        if not quantity:
            return  # Nothing measured costs nothing: no flat amount, no minimum.
        raw = price_of(quantity)
        if raw is None:
            problems.append(Problem(service_id, above_last_tier(price, quantity)))
            return
        if is_bounded:
            raw = bounded(rate, raw)
        amount = (raw + half) // minor_unit  # round_raw, inlined: a measured price is never < 0.
        if amount:
            costs.append(ServiceCost(service_id, amount, quantity, index))

    return run


def _percentage(rate: Rate, price: Percentage, index: int, decimals: int) -> RateStep:
    service_id, of, factor = rate.service_id, price.of, price.factor(decimals)

    def run(_order: Order, _facts: Facts, costs: Costs, problems: Problems) -> None:
        unknown = [problem.text for problem in problems if problem.service_id in of]
        if unknown:  # What is missing for a part is missing for the percentage.
            problems.extend([Problem(service_id, text) for text in unknown])
            return
        base = sum([cost.amount for cost in costs if cost.service_id in of])
        amount = round_raw(bounded(rate, base * factor), decimals)
        if amount:
            costs.append(ServiceCost(service_id, amount, None, index))

    return run


def _markup(rate: Rate, price: Markup, index: int, decimals: int, looks: Looks) -> RateStep:
    service_id, when, products = rate.service_id, rate.when, looks.products
    check: Check = when.compile(looks) if when is not None else (lambda _: True)

    def run(order: Order, facts: Facts, costs: Costs, problems: Problems) -> None:
        mine = [
            (place, to_minor(charge.amount, decimals))
            for place, charge in enumerate(order.charges)
            if charge.service_id == service_id
        ]
        if not mine:
            return
        verdict = check(facts)
        if verdict is None and when is not None:
            missing = when.missing(order, products)
            problems.extend(Problem(service_id, text) for text in missing)
            return
        for place, charge in mine:
            amount = round_raw(price.raw(charge, decimals), decimals) if verdict else charge
            if amount:
                rate_index = index if verdict else None
                costs.append(ServiceCost(service_id, amount, None, rate_index, place))

    return run


def in_bill_order(cost: ServiceCost) -> tuple[int, bool, int]:
    """Return what lines are ordered by: the service, its charges as given, its rates."""
    if cost.charge_index is not None:
        return cost.service_id, False, cost.charge_index
    return cost.service_id, True, cost.rate_index or 0
