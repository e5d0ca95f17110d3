"""Tiered price models: graduated, where each tier prices its part, and volume, where one does."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from billing.domain.errors import InvalidValueError
from billing.domain.fields import check_keys
from billing.domain.measures import Measure
from billing.domain.money import MILLION, from_millionths, to_millionths
from billing.domain.prices import MAX_SIZE, Pricer, Step, read_measure, read_price

MAX_TIERS = 100


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier. up_to: its last quantity, included; None: open, only for the last tier.

    unit_price: for each unit in it; flat_amount: once, when the tier is entered.
    """

    up_to: Decimal | None
    unit_price: Decimal
    flat_amount: Decimal

    @property
    def end(self) -> int | None:
        """The last quantity in millionths."""
        return None if self.up_to is None else to_millionths(self.up_to)

    def raw(self, quantity: int) -> int:
        """Return what this tier charges for millionths of the measure within it."""
        return to_millionths(self.unit_price) * quantity + to_millionths(self.flat_amount) * MILLION

    def step(self, quantity: int, name: str, measure: str) -> Step:
        """Return the tier's step in words."""
        text = f"{name}: {from_millionths(quantity):f} {measure} at {self.unit_price:f}"
        if self.flat_amount:
            text += f" and {self.flat_amount:f} for the tier"
        return Step(text, self.raw(quantity))

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read_tiers` takes."""
        tier = {
            "up_to": None if self.up_to is None else f"{self.up_to:f}",
            "unit_price": f"{self.unit_price:f}",
        }
        return tier | ({"flat_amount": f"{self.flat_amount:f}"} if self.flat_amount else {})


@dataclass(frozen=True, slots=True)
class Graduated:
    """Each tier prices its own part of the quantity.

    tiers: by ascending up_to. A quantity above a closed last tier has no price.

    >>> from billing.domain.prices import worked
    >>> price = Graduated.read({"model": "graduated", "measure": "cases", "tiers": [
    ...     {"up_to": "3", "unit_price": "2.00", "flat_amount": "1.00"},
    ...     {"up_to": "10", "unit_price": "1.50"}]})
    >>> worked(price, 1, 3, 4, 10, "10.5")
    1 -> 3
    3 -> 7
    4 -> 8.5
    10 -> 17.5
    10.5 -> above the last tier
    """

    model: ClassVar[str] = "graduated"
    measure: Measure
    tiers: tuple[Tier, ...]

    @classmethod
    def read(cls, data: dict[str, object]) -> "Graduated":
        """Read the model, the measure and its tiers."""
        check_keys(data, ("model", "measure", "tiers"), ("measure", "tiers"))
        return cls(read_measure(data), read_tiers(data["tiers"]))

    def compile(self) -> Pricer:
        """Return the sum over the tiers that the quantity enters."""
        tiers = [
            (start, end, to_millionths(tier.unit_price), to_millionths(tier.flat_amount) * MILLION)
            for start, end, tier in bounds(self.tiers)
        ]

        def price(quantity: int) -> int | None:
            total = 0
            for start, end, unit_price, flat_amount in tiers:
                if end is None or quantity <= end:
                    return total + unit_price * (quantity - start) + flat_amount
                total += unit_price * (end - start) + flat_amount
            return None

        return price

    def steps(self, quantity: int, /) -> list[Step]:
        """Return one step for each tier entered."""
        steps = []
        for number, (start, end, tier) in enumerate(bounds(self.tiers), start=1):
            if quantity > start:
                part = (quantity if end is None else min(quantity, end)) - start
                steps.append(tier.step(part, f"tier {number}", self.measure.name))
        return steps

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read` takes."""
        return _tiered_json(self)


@dataclass(frozen=True, slots=True)
class Volume:
    """The tier that the whole quantity reaches prices all of it.

    >>> from billing.domain.prices import worked
    >>> price = Volume.read({"model": "volume", "measure": "units", "tiers": [
    ...     {"up_to": "10", "unit_price": "2.00"},
    ...     {"up_to": None, "unit_price": "1.50", "flat_amount": "1.00"}]})
    >>> worked(price, 10, "10.5", 20)
    10 -> 20
    10.5 -> 16.75
    20 -> 31
    """

    model: ClassVar[str] = "volume"
    measure: Measure
    tiers: tuple[Tier, ...]

    @classmethod
    def read(cls, data: dict[str, object]) -> "Volume":
        """Read the model, the measure and its tiers."""
        check_keys(data, ("model", "measure", "tiers"), ("measure", "tiers"))
        return cls(read_measure(data), read_tiers(data["tiers"]))

    def compile(self) -> Pricer:
        """Return what the tier reached charges for all of the quantity."""
        tiers = [(tier.end, tier.raw) for tier in self.tiers]

        def price(quantity: int) -> int | None:
            for end, raw in tiers:
                if end is None or quantity <= end:
                    return raw(quantity)
            return None

        return price

    def steps(self, quantity: int, /) -> list[Step]:
        """Return the one step of the tier reached."""
        for number, tier in enumerate(self.tiers, start=1):
            if tier.end is None or quantity <= tier.end:
                return [tier.step(quantity, f"tier {number}", self.measure.name)]
        return []

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read` takes."""
        return _tiered_json(self)


def bounds(tiers: tuple[Tier, ...]) -> list[tuple[int, int | None, Tier]]:
    """Return each tier with where it starts (not included) and ends, in millionths."""
    starts = [0, *(tier.end or 0 for tier in tiers)]
    return [(start, tier.end, tier) for start, tier in zip(starts, tiers, strict=False)]


def read_tiers(data: object) -> tuple[Tier, ...]:
    """Read tiers; a refusal names the place, such as `tiers[1].up_to`."""
    if not isinstance(data, list) or not 0 < len(data) <= MAX_TIERS:
        raise InvalidValueError(f"Not a list of 1 to {MAX_TIERS} tiers.", field="tiers")
    tiers: list[Tier] = []
    for index, item in enumerate(data):
        try:
            tier = _read_tier(item)
            _check_follows(tier, tiers)
        except InvalidValueError as error:
            raise error.at(f"tiers[{index}]") from None
        tiers.append(tier)
    return tuple(tiers)


def _read_tier(data: object) -> Tier:
    fields = check_keys(data, ("up_to", "unit_price", "flat_amount"))
    prices = {key: fields.get(key) for key in ("unit_price", "flat_amount")}
    if all(price is None for price in prices.values()):
        raise InvalidValueError("Missing: give unit_price, flat_amount or both.")
    given = {key: 0 if price is None else price for key, price in prices.items()}
    up_to = None if fields.get("up_to") is None else read_price(fields, "up_to", high=MAX_SIZE)
    return Tier(up_to, read_price(given, "unit_price"), read_price(given, "flat_amount"))


def _check_follows(tier: Tier, before: list[Tier]) -> None:
    previous = before[-1].up_to if before else Decimal(0)
    if previous is None:
        raise InvalidValueError("Follows an open tier: only the last up_to may be null.")
    if tier.up_to is not None and tier.up_to <= previous:
        raise InvalidValueError("Must be above the tier before.", field="up_to")


def _tiered_json(price: Graduated | Volume) -> dict[str, Any]:
    tiers = [tier.as_json() for tier in price.tiers]
    return {"model": price.model, "measure": price.measure.name, "tiers": tiers}
