"""Catalog: the customers that are billed and the services they are billed for."""

import functools
import zoneinfo
from dataclasses import dataclass

from billing.domain.errors import InvalidValueError
from billing.domain.money import currency_decimals


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody whose orders are billed.

    id: the caller's own, 1 to 2^63-1. currency: ISO 4217, fixed from the first rate card or
    charge on. time_zone: IANA name; it decides on which day an order's instant falls.
    """

    id: int
    name: str
    currency: str = "USD"
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        currency_decimals(self.currency)
        if self.time_zone not in _time_zones():
            raise InvalidValueError(
                f"{self.time_zone[:50]!r} is no IANA time zone such as Europe/Warsaw.",
                field="time_zone",
            )

    @property
    def decimals(self) -> int:
        """The decimals of the customer's currency."""
        return currency_decimals(self.currency)


@dataclass(frozen=True, slots=True)
class Service:
    """Something done to an order that a rate or a charge puts a price on."""

    id: int
    name: str
    description: str | None = None


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
