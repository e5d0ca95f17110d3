"""Rates and rate cards: a customer's prices from a day on, validated when made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter
from typing import Any

from billing.domain.catalog import normalise_sku
from billing.domain.conditions import Condition
from billing.domain.derived_prices import Markup, Percentage
from billing.domain.errors import InvalidValueError
from billing.domain.measures import SkuFilter
from billing.domain.prices import PriceModel


@dataclass(frozen=True, slots=True)
class Rate:
    """A service at a price, under a condition.

    when: None applies always. skus, exclude_skus: narrow an item measure, as written; None
    counts all. minimum, maximum: hold for a cost that is not zero, before rounding; currency
    units with the currency's decimals.
    """

    service_id: int
    price: PriceModel | Percentage | Markup
    when: Condition | None = None
    skus: tuple[str, ...] | None = None
    exclude_skus: tuple[str, ...] | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    @property
    def sku_filter(self) -> SkuFilter | None:
        """The SKUs that the measure is narrowed to."""
        if self.skus is None and self.exclude_skus is None:
            return None
        only = None if self.skus is None else frozenset(map(normalise_sku, self.skus))
        return SkuFilter(only, frozenset(map(normalise_sku, self.exclude_skus or ())))

    @property
    def looks_at(self) -> frozenset[str]:
        """The measures and fields that the price and the condition look at, by name."""
        tested = (test.field for test in (self.when.tests() if self.when else ()))
        counted = () if isinstance(self.price, Percentage | Markup) else (self.price.measure.name,)
        return frozenset((*tested, *counted))

    @property
    def services(self) -> frozenset[int]:
        """The service that is charged and those that it is a percentage of."""
        of = self.price.of if isinstance(self.price, Percentage) else frozenset()
        return of | {self.service_id}

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read_rates` takes; what is not set is left out."""
        optional = {
            "when": self.when.as_json() if self.when else None,
            "skus": None if self.skus is None else list(self.skus),
            "exclude_skus": None if self.exclude_skus is None else list(self.exclude_skus),
            "minimum": None if self.minimum is None else f"{self.minimum:f}",
            "maximum": None if self.maximum is None else f"{self.maximum:f}",
        }
        given = {key: value for key, value in optional.items() if value is not None}
        return {"service_id": self.service_id, "price": self.price.as_json(), **given}


DRAFT = 0
"""The id of a card that is tried, not in force."""


@dataclass(frozen=True, slots=True)
class RateCard:
    """All rates of one customer from `effective_from` on; it never changes once it has an id."""

    id: int
    customer_id: int
    effective_from: date
    created_at: datetime
    rates: tuple[Rate, ...]


def card_in_force(cards: Iterable[RateCard], day: date) -> RateCard | None:
    """Return the card that prices an order of that day: the latest start, then the latest made."""
    started = [card for card in cards if card.effective_from <= day]
    return max(started, key=lambda card: (card.effective_from, card.id), default=None)


def evaluation_order(rates: Sequence[Rate]) -> list[int]:
    """Return the places of the rates in the order they are worked out: percentages last, each
    after all that it is a part of.

    Raises InvalidValueError when percentages go round in a circle.
    """
    depends: dict[int, set[int]] = {}
    for rate in rates:
        of = rate.price.of if isinstance(rate.price, Percentage) else frozenset()
        depends.setdefault(rate.service_id, set()).update(of)
    try:
        rank = {service: n for n, service in enumerate(TopologicalSorter(depends).static_order())}
    except CycleError as error:
        circle = error.args[1][::-1]  # Graphlib names first what the next one is a part of.
        first = next(
            index
            for index, rate in enumerate(rates)
            if isinstance(rate.price, Percentage)
            and rate.service_id in circle
            and not rate.price.of.isdisjoint(circle)
        )
        services = " of ".join(map(str, circle))
        raise InvalidValueError(
            f"Percentages go round in a circle: {services}.", field=f"rates[{first}].price.of"
        ) from None

    def place(index: int) -> tuple[bool, int, int, int]:
        service_id = rates[index].service_id
        derived = isinstance(rates[index].price, Percentage)
        return derived, rank[service_id] if derived else 0, service_id, index

    return sorted(range(len(rates)), key=place)
