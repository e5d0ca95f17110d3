"""An independent calculator of bills, in fractions; it shares no code with the domain.

It asks for a service's cost when somebody needs it, percentages too, where the domain works
services out in an order that it finds beforehand.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from tests.properties.oracle_conditions import truth
from tests.properties.oracle_quantities import DECIMALS, Row, measured, rounded


class Line(NamedTuple):
    """One line: of a recorded charge when rate is None."""

    service_id: int
    amount: Fraction
    quantity: Fraction | None
    rate: int | None


class Bill(NamedTuple):
    """What an order costs, and the services of which something is withheld.

    unpriced: cards exist, but none is in force on the order's day.
    """

    lines: list[Line]
    withheld: set[int]
    unpriced: bool = False

    @property
    def needs_attention(self) -> bool:
        """Tell whether anything is missing."""
        return bool(self.withheld) or self.unpriced


class UnknownCostError(Exception):
    """A cost that cannot be known."""


def bill(row: Row, rates: Sequence[Row], currency: str, products: Mapping[str, int]) -> Bill:
    """Return what an order's row costs by these rates."""
    order = _Order(row, rates, DECIMALS[currency], products)
    named = {rate["service_id"] for rate in rates} | {c["service_id"] for c in row["charges"]}
    lines = [line for service_id in sorted(named) for line in order.costs_of(service_id)[0]]
    return Bill(lines, {service_id for service_id in named if not order.costs_of(service_id)[1]})


def bill_by_cards(row: Row, cards: Sequence[Row], currency: str, products: Any) -> Bill:
    """Return what it costs by the card in force on its day: of two for a day the later one."""
    started = [card for card in cards if card["effective_from"] <= row["order_date"]]
    if not started:
        return bill(row, [], currency, products)._replace(unpriced=bool(cards))
    latest = max(card["effective_from"] for card in started)
    in_force = [card for card in started if card["effective_from"] == latest][-1]
    return bill(row, in_force["rates"], currency, products)


class _Order:
    """One order under one card; costs are worked out when asked for, once."""

    def __init__(
        self, row: Row, rates: Sequence[Row], decimals: int, products: Mapping[str, int]
    ) -> None:
        self.row, self.rates, self.decimals, self.products = row, rates, decimals, products
        self.known: dict[int, tuple[list[Line], bool]] = {}

    def costs_of(self, service_id: int) -> tuple[list[Line], bool]:
        """Return a service's lines, and whether all of its cost is known."""
        if service_id not in self.known:
            parts = [self.charges(service_id)]
            parts += [
                self.cost(rate, place)
                for place, rate in enumerate(self.rates)
                if rate["service_id"] == service_id and rate["price"]["model"] != "markup"
            ]
            lines = [line for part in parts for line in part or () if line.amount]
            self.known[service_id] = lines, None not in parts
        return self.known[service_id]

    def charges(self, service_id: int) -> list[Line] | None:
        """Return the recorded charges of a service, marked up if so; None: that is unknown."""
        amounts = [
            Fraction(charge["amount"])
            for charge in self.row["charges"]
            if charge["service_id"] == service_id
        ]
        for place, rate in enumerate(self.rates):
            mine = rate["service_id"] == service_id and rate["price"]["model"] == "markup"
            if mine and amounts:
                holds = self.holds(rate)
                if holds == 1:
                    return None
                if holds == 2:
                    factor = 1 + Fraction(rate["price"]["percent"]) / 100
                    marked = [rounded(amount * factor, self.decimals) for amount in amounts]
                    return [Line(service_id, amount, None, place) for amount in marked]
        return [Line(service_id, amount, None, None) for amount in amounts]

    def cost(self, rate: Row, place: int) -> list[Line] | None:
        """Return a rate's line, none where it does not apply; None: that is unknown."""
        holds = self.holds(rate)
        if holds < 2:
            return None if holds else []
        try:
            exact, quantity = self.exact(rate)
        except UnknownCostError:
            return None
        if exact and rate.get("minimum") is not None:
            exact = max(exact, Fraction(rate["minimum"]))
        if exact and rate.get("maximum") is not None:
            exact = min(exact, Fraction(rate["maximum"]))
        return [Line(rate["service_id"], rounded(exact, self.decimals), quantity, place)]

    def holds(self, rate: Row) -> int:
        """Return what a rate's condition comes to."""
        when = rate.get("when")
        return 2 if when is None else truth(when, self.row, self.products)

    def exact(self, rate: Row) -> tuple[Fraction, Fraction | None]:
        """Return a cost before bounds and rounding, and its quantity."""
        price = rate["price"]
        if price["model"] == "percentage":
            return self.part(price), None
        measure = "order" if price["model"] == "flat" else price["measure"]
        only, without = rate.get("skus"), rate.get("exclude_skus")
        quantity = measured(self.row, measure, self.products, only, without)
        if quantity is None:
            raise UnknownCostError
        return exact_price(price, quantity) if quantity else Fraction(0), quantity

    def part(self, price: Row) -> Fraction:
        """Return a percentage of what other services cost."""
        costs = [self.costs_of(service_id) for service_id in set(price["of"])]
        if not all(whole for _, whole in costs):
            raise UnknownCostError
        base = sum((line.amount for lines, _ in costs for line in lines), Fraction(0))
        return base * Fraction(price["percent"]) / 100


def exact_price(price: Row, quantity: Fraction) -> Fraction:
    """Return what a quantity above 0 costs, unrounded."""
    if price["model"] == "flat":
        return Fraction(price["amount"])
    if price["model"] == "unit":
        return quantity * Fraction(price["unit_price"])
    if price["model"] == "package":
        return math.ceil(quantity / Fraction(price["package_size"])) * Fraction(
            price["package_price"]
        )
    return _tiered(price, quantity)


def _tiered(price: Row, quantity: Fraction) -> Fraction:
    total, start = Fraction(0), Fraction(0)
    for tier in price["tiers"]:
        end = None if tier["up_to"] is None else Fraction(tier["up_to"])
        unit_price, fee = Fraction(tier["unit_price"]), Fraction(tier.get("flat_amount") or 0)
        last = end is None or quantity <= end
        if price["model"] == "volume":
            if last:
                return quantity * unit_price + fee
            continue
        total += ((quantity if last or end is None else end) - start) * unit_price + fee
        if last or end is None:
            return total
        start = end
    raise UnknownCostError
