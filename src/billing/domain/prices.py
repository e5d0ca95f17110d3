"""Price models: what one service costs for a measured quantity.

To add one: a class with a `model` name and `read`, and its line in MODELS. Parameters are JSON
text in the rate card, so no migration is needed. Every class carries worked examples that run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple, Protocol

from billing.domain.errors import InvalidValueError
from billing.domain.fields import check_keys, read_decimal
from billing.domain.measures import MEASURES, Measure, measure_named
from billing.domain.money import MILLION, from_millionths, raw_text, to_millionths

MAX_PRICE = 999_999_999_999
MAX_SIZE = 999_999_999


class Step(NamedTuple):
    """One step of a price, in words. raw: its money (10^-12 of a currency unit); steps add up."""

    text: str
    raw: int


Pricer = Callable[[int], int | None]
"""Prices millionths of the measure, above 0: raw money, or None above the last closed tier."""


class PriceModel(Protocol):
    """How a quantity becomes a price, rounded once, later, in costs.

    model: its name in JSON. measure: what it counts.
    """

    model: ClassVar[str]

    @property
    def measure(self) -> Measure: ...

    def compile(self) -> Pricer:
        """Return the function that prices a quantity."""

    def steps(self, quantity: int, /) -> list[Step]:
        """Return how the price of a quantity comes about; their sum is the price."""

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read` takes."""


@dataclass(frozen=True, slots=True)
class Flat:
    """Charges one amount an order, whatever is on it.

    amount: currency units, up to 6 decimals, 0 or more.

    >>> worked(Flat.read({"model": "flat", "amount": "5.00"}), 1)
    1 -> 5
    """

    model: ClassVar[str] = "flat"
    amount: Decimal

    @classmethod
    def read(cls, data: dict[str, object]) -> "Flat":
        """Read `{"model": "flat", "amount": "5.00"}`."""
        check_keys(data, ("model", "amount"), ("amount",))
        return cls(read_price(data, "amount"))

    @property
    def measure(self) -> Measure:
        """A flat amount is due once an order."""
        return MEASURES["order"]

    def compile(self) -> Pricer:
        """Return the amount for one order."""
        amount = to_millionths(self.amount)
        return lambda quantity: amount * quantity

    def steps(self, quantity: int, /) -> list[Step]:
        """Return the one step."""
        return [Step(f"{self.amount:f} an order", to_millionths(self.amount) * quantity)]

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read` takes."""
        return {"model": self.model, "amount": f"{self.amount:f}"}


@dataclass(frozen=True, slots=True)
class Unit:
    """Charges every unit of a measure the same.

    unit_price: currency units a unit of the measure, up to 6 decimals, 0 or more.

    >>> price = Unit.read({"model": "unit", "measure": "units", "unit_price": "0.35"})
    >>> worked(price, 1, 30, "0.5")
    1 -> 0.35
    30 -> 10.5
    0.5 -> 0.175
    """

    model: ClassVar[str] = "unit"
    measure: Measure
    unit_price: Decimal

    @classmethod
    def read(cls, data: dict[str, object]) -> "Unit":
        """Read `{"model": "unit", "measure": "units", "unit_price": "0.35"}`."""
        check_keys(data, ("model", "measure", "unit_price"), ("measure", "unit_price"))
        return cls(read_measure(data), read_price(data, "unit_price"))

    def compile(self) -> Pricer:
        """Return quantity times unit price."""
        unit_price = to_millionths(self.unit_price)
        return lambda quantity: unit_price * quantity

    def steps(self, quantity: int, /) -> list[Step]:
        """Return the one step."""
        text = f"{from_millionths(quantity):f} {self.measure.name} at {self.unit_price:f}"
        return [Step(text, to_millionths(self.unit_price) * quantity)]

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read` takes."""
        price = f"{self.unit_price:f}"
        return {"model": self.model, "measure": self.measure.name, "unit_price": price}


@dataclass(frozen=True, slots=True)
class Package:
    """Charges every started package of a measure.

    package_size: units of the measure, above 0. package_price: currency units.

    >>> price = Package.read(
    ...     {"model": "package", "measure": "units", "package_size": "10", "package_price": "4.00"}
    ... )
    >>> worked(price, 1, 10, 11, "20.000001")
    1 -> 4
    10 -> 4
    11 -> 8
    20.000001 -> 12
    """

    model: ClassVar[str] = "package"
    measure: Measure
    package_size: Decimal
    package_price: Decimal

    @classmethod
    def read(cls, data: dict[str, object]) -> "Package":
        """Read the model, the measure, the size of a package and its price."""
        keys = ("measure", "package_size", "package_price")
        check_keys(data, ("model", *keys), keys)
        size = read_price(data, "package_size", high=MAX_SIZE)
        if not size:
            raise InvalidValueError("Must be above 0.", field="package_size")
        return cls(read_measure(data), size, read_price(data, "package_price"))

    def compile(self) -> Pricer:
        """Return started packages times package price."""
        size, price = to_millionths(self.package_size), to_millionths(self.package_price) * MILLION
        return lambda quantity: -(-quantity // size) * price

    def steps(self, quantity: int, /) -> list[Step]:
        """Return the one step."""
        packages = -(-quantity // to_millionths(self.package_size))
        text = (
            f"{from_millionths(quantity):f} {self.measure.name} are {packages} started packages "
            f"of {self.package_size:f} at {self.package_price:f}"
        )
        return [Step(text, packages * to_millionths(self.package_price) * MILLION)]

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read` takes."""
        return {
            "model": self.model,
            "measure": self.measure.name,
            "package_size": f"{self.package_size:f}",
            "package_price": f"{self.package_price:f}",
        }


def above_last_tier(price: PriceModel, quantity: int) -> str:
    """Return the problem of a quantity that no tier prices."""
    return f"{from_millionths(quantity):f} {price.measure.name} are above the last tier"


def read_measure(data: dict[str, object]) -> Measure:
    """Read the measure that a price counts."""
    try:
        return measure_named(data["measure"])
    except InvalidValueError as error:
        raise error.at("measure") from None


def read_price(data: dict[str, object], key: str, *, high: int = MAX_PRICE) -> Decimal:
    """Read one price or size: 0 or more, up to 6 decimals."""
    try:
        return read_decimal(data[key], places=6, low=0, high=high)
    except InvalidValueError as error:
        raise error.at(key) from None


def worked(price: PriceModel, *quantities: int | str) -> None:
    """Print what each quantity costs, unrounded: the tables of worked examples."""
    pricer = price.compile()
    for text in quantities:
        quantity = to_millionths(Decimal(text))
        raw = pricer(quantity)
        amount = "above the last tier" if raw is None else raw_text(raw)
        assert raw is None or raw == sum(step.raw for step in price.steps(quantity))
        print(f"{text} -> {amount}")  # noqa: T201 for documentation that runs
