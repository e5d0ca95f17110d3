"""Price models: what one service costs for a measured quantity.

To add one: a class with a `model` name and `read`, and its line in MODELS. Parameters are JSON
text in the rate card, so no migration is needed.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol

from billing.domain.errors import InvalidValueError
from billing.domain.fields import check_keys, read_decimal
from billing.domain.measures import MEASURES, Measure, measure_named
from billing.domain.money import to_millionths

MAX_PRICE = 999_999_999_999


class PriceModel(Protocol):
    """How a quantity becomes a price.

    model: its name in JSON. measure: what it counts. `price` takes millionths of the measure
    and returns raw money (10^-12 of a currency unit), rounded once later, in costs.
    """

    model: ClassVar[str]

    @property
    def measure(self) -> Measure: ...

    def price(self, quantity: int, /) -> int: ...

    def as_json(self) -> dict[str, object]: ...


@dataclass(frozen=True, slots=True)
class Flat:
    """Charges one amount an order, whatever is on it.

    amount: currency units, up to 6 decimals, 0 or more.
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

    def price(self, quantity: int, /) -> int:
        """Return the amount once: the quantity is one order."""
        return to_millionths(self.amount) * quantity

    def as_json(self) -> dict[str, object]:
        """Return the form that `read` takes."""
        return {"model": self.model, "amount": f"{self.amount:f}"}


@dataclass(frozen=True, slots=True)
class Unit:
    """Charges every unit of a measure the same: 30 units at 0.35 are 10.50.

    unit_price: currency units a unit of the measure, up to 6 decimals, 0 or more.
    """

    model: ClassVar[str] = "unit"
    measure: Measure
    unit_price: Decimal

    @classmethod
    def read(cls, data: dict[str, object]) -> "Unit":
        """Read `{"model": "unit", "measure": "units", "unit_price": "0.35"}`."""
        check_keys(data, ("model", "measure", "unit_price"), ("measure", "unit_price"))
        return cls(read_measure(data), read_price(data, "unit_price"))

    def price(self, quantity: int, /) -> int:
        """Return quantity times unit price."""
        return to_millionths(self.unit_price) * quantity

    def as_json(self) -> dict[str, object]:
        """Return the form that `read` takes."""
        return {
            "model": self.model,
            "measure": self.measure.name,
            "unit_price": f"{self.unit_price:f}",
        }


MODELS = {model.model: model for model in (Flat, Unit)}


def read_price_model(data: object, /) -> PriceModel:
    """Read a rate's price, or refuse it with the place of what is wrong."""
    if not isinstance(data, dict):
        raise InvalidValueError("Not a JSON object.")
    name = data.get("model")
    if not isinstance(name, str) or name not in MODELS:
        raise InvalidValueError(f"Unknown model: use one of {', '.join(MODELS)}.", field="model")
    return MODELS[name].read(data)


def read_measure(data: dict[str, object]) -> Measure:
    """Read the measure that a price counts."""
    try:
        return measure_named(data["measure"])
    except InvalidValueError as error:
        raise error.at("measure") from None


def read_price(data: dict[str, object], key: str) -> Decimal:
    """Read one price: 0 or more, up to 6 decimals."""
    try:
        return read_decimal(data[key], places=6, low=0, high=MAX_PRICE)
    except InvalidValueError as error:
        raise error.at(key) from None
