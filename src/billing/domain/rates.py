"""Rates and rate cards: a customer's prices from a day on, validated when made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from billing.domain.errors import InvalidValueError
from billing.domain.fields import check_keys, read_id
from billing.domain.prices import PriceModel, read_price_model

MAX_RATES = 1_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A service at a price."""

    service_id: int
    price: PriceModel

    @classmethod
    def read(cls, data: object) -> "Rate":
        """Read `{"service_id": 2, "price": {...}}`; a refusal names the place."""
        fields = check_keys(data, ("service_id", "price"), ("service_id", "price"))
        try:
            service_id = read_id(fields["service_id"])
        except InvalidValueError as error:
            raise error.at("service_id") from None
        try:
            return cls(service_id, read_price_model(fields["price"]))
        except InvalidValueError as error:
            raise error.at("price") from None

    def as_json(self) -> dict[str, object]:
        """Return the form that `read` takes."""
        return {"service_id": self.service_id, "price": self.price.as_json()}


@dataclass(frozen=True, slots=True)
class RateCard:
    """All rates of one customer from `effective_from` on; it never changes once it has an id."""

    id: int
    customer_id: int
    effective_from: date
    created_at: datetime
    rates: tuple[Rate, ...]


def read_rates(data: object) -> tuple[Rate, ...]:
    """Read the list of a card's rates; a refusal names its place, such as `rates[2].price`."""
    if not isinstance(data, list):
        raise InvalidValueError("Not a list of rates.", field="rates")
    if len(data) > MAX_RATES:
        raise InvalidValueError(f"More than {MAX_RATES:,} rates.", field="rates")
    rates = []
    for index, item in enumerate(data):
        try:
            rates.append(Rate.read(item))
        except InvalidValueError as error:
            raise error.at(f"rates[{index}]") from None
    return tuple(rates)


def card_in_force(cards: Iterable[RateCard], day: date) -> RateCard | None:
    """Return the card that prices an order of that day: the latest start, then the latest made."""
    started = [card for card in cards if card.effective_from <= day]
    return max(started, key=lambda card: (card.effective_from, card.id), default=None)
