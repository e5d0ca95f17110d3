"""Catalog: customers, the services they are billed for, and the products in their orders."""

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


MAX_UNITS_PER_CASE = 999_999_999


@dataclass(frozen=True, slots=True)
class Product:
    """How one of a customer's SKUs is packed.

    sku: as the customer writes it; SKUs compare by `normalise_sku`. units_per_case: 1 and more;
    a product with 1 has no cases, it is all loose.
    """

    customer_id: int
    sku: str
    units_per_case: int

    def __post_init__(self) -> None:
        if not 1 <= self.units_per_case <= MAX_UNITS_PER_CASE:
            raise InvalidValueError(
                f"Out of range: give 1 to {MAX_UNITS_PER_CASE:,}.", field="units_per_case"
            )


@functools.lru_cache(maxsize=32_768)
def normalise_sku(sku: str, /) -> str:
    """Return the form in which SKUs compare: without case, spaces and hyphens."""
    return sku.casefold().translate(_IGNORED_IN_SKUS)


_IGNORED_IN_SKUS = {ord(character): None for character in " -"}


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
