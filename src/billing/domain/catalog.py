"""Catalog: customers, the services they are billed for, and the products in their orders."""

import functools
import zoneinfo
from dataclasses import dataclass

from billing.domain.errors import InvalidValueError
from billing.domain.fields import require_text
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
        check_currency(self.currency)
        check_time_zone(self.time_zone)

    @property
    def decimals(self) -> int:
        """The decimals of the customer's currency."""
        return currency_decimals(self.currency)


def check_currency(code: str, /) -> str:
    """Return an ISO 4217 code, or refuse it."""
    currency_decimals(code)
    return code


def check_time_zone(name: str, /) -> str:
    """Return the name of an IANA time zone, or refuse it."""
    if name not in _time_zones():
        raise InvalidValueError(f"{name[:50]!r} is no IANA time zone such as Europe/Warsaw.")
    return name


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


def normalise_sku(sku: str, /) -> str:
    """Return the form in which SKUs compare: without case, spaces and hyphens.

    Also of a whole text that holds SKUs, as canonical item lines do.
    """
    return sku.casefold().replace("-", "").replace(" ", "")


def read_sku(value: object, /) -> str:
    """Return an SKU as written; text of nothing but spaces and hyphens is none."""
    sku = require_text(value)
    if not normalise_sku(sku):
        raise InvalidValueError("Nothing is left of it without spaces and hyphens.")
    return sku


@functools.cache
def _time_zones() -> frozenset[str]:
    # Two names of the database are no zones: the machine's own, and "not configured".
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})
