"""Prices derived from other costs of the order: a percentage of services, a markup on charges."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from billing.domain.errors import InvalidValueError
from billing.domain.fields import check_keys, read_id
from billing.domain.money import RAW_DECIMALS, to_millionths
from billing.domain.prices import read_price

MAX_PERCENT = 1_000_000
MAX_SERVICES = 1_000


@dataclass(frozen=True, slots=True)
class Percentage:
    """Charges a part of what other services cost on the same order.

    percent: up to 6 decimals, 0 or more. of: service ids; their rounded costs, recorded charges
    and credits included, are added up first.

    >>> from billing.domain.money import raw_text
    >>> fuel = Percentage.read({"model": "percentage", "percent": "8.64", "of": [2, 3]})
    >>> raw_text(fuel.raw(388, 2))  # 8.64 % of 3.88
    '0.335232'
    >>> raw_text(fuel.raw(-100, 2))
    '-0.0864'
    """

    model: ClassVar[str] = "percentage"
    percent: Decimal
    of: frozenset[int]

    @classmethod
    def read(cls, data: dict[str, object]) -> "Percentage":
        """Read `{"model": "percentage", "percent": "12.5", "of": [2, 3]}`."""
        check_keys(data, ("model", "percent", "of"), ("percent", "of"))
        services = data["of"]
        if not isinstance(services, list) or not 0 < len(services) <= MAX_SERVICES:
            raise InvalidValueError("Not a list of service ids.", field="of")
        return cls(
            read_price(data, "percent", high=MAX_PERCENT),
            frozenset(_read_service(value, index) for index, value in enumerate(services)),
        )

    def factor(self, decimals: int) -> int:
        """Return the raw money of one minor unit's part."""
        return to_millionths(self.percent) * _raw_per_minor(decimals)

    def raw(self, base: int, decimals: int) -> int:
        """Return the part of minor units, as raw money."""
        return base * self.factor(decimals)

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read` takes."""
        return {"model": self.model, "percent": f"{self.percent:f}", "of": sorted(self.of)}


@dataclass(frozen=True, slots=True)
class Markup:
    """Charges each recorded charge of the rate's service at cost plus a percentage; credits too.

    >>> from billing.domain.money import raw_text
    >>> raw_text(Markup.read({"model": "markup", "percent": "10"}).raw(420, 2))  # 4.20 plus 10 %
    '4.62'
    """

    model: ClassVar[str] = "markup"
    percent: Decimal

    @classmethod
    def read(cls, data: dict[str, object]) -> "Markup":
        """Read `{"model": "markup", "percent": "10"}`."""
        check_keys(data, ("model", "percent"), ("percent",))
        return cls(read_price(data, "percent", high=MAX_PERCENT))

    def raw(self, charge: int, decimals: int) -> int:
        """Return a charge of minor units at cost plus percent, as raw money."""
        return charge * to_millionths(100 + self.percent) * _raw_per_minor(decimals)

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read` takes."""
        return {"model": self.model, "percent": f"{self.percent:f}"}


def _raw_per_minor(decimals: int) -> int:
    """Return what a millionth of a percent (10^-8) of a minor unit is in raw money (10^-12)."""
    return int(10 ** (RAW_DECIMALS - 8 - decimals))


def _read_service(value: object, index: int) -> int:
    try:
        return read_id(value)
    except InvalidValueError as error:
        raise error.at(f"of[{index}]") from None
