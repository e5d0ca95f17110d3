"""Rate reading: how the JSON of a rate card becomes rates, or is refused by its place."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from billing.domain.catalog import read_sku
from billing.domain.conditions import read_condition
from billing.domain.derived_prices import Markup, Percentage
from billing.domain.errors import InvalidValueError
from billing.domain.fields import check_keys, read_decimal, read_id
from billing.domain.money import MAX_MINOR_UNITS
from billing.domain.prices import Flat, Package, PriceModel, Unit
from billing.domain.rates import Rate, evaluation_order
from billing.domain.tiers import Graduated, Volume

MAX_RATES = 1_000
MAX_TESTS = 1_000
MAX_SKUS = 10_000
MOST_DECIMALS = 4
"""No currency has more; `check_decimals` holds the customer's own."""

MODELS = {
    model.model: model for model in (Flat, Unit, Package, Graduated, Volume, Percentage, Markup)
}
_KEYS = ("service_id", "price", "when", "skus", "exclude_skus", "minimum", "maximum")

T = TypeVar("T")


def read_rates(data: object) -> tuple[Rate, ...]:
    """Read the list of a card's rates; a refusal names its place, such as `rates[2].price`.

    Whatever could not run is refused here, so that pricing never fails: unknown names, wrong
    values, circles of percentages, two markups of a service, more than 1,000 tests.
    """
    if not isinstance(data, list):
        raise InvalidValueError("Not a list of rates.", field="rates")
    if len(data) > MAX_RATES:
        raise InvalidValueError(f"More than {MAX_RATES:,} rates.", field="rates")
    rates: list[Rate] = []
    tests = 0
    for index, item in enumerate(data):
        try:
            rate = _read_rate(item)
            tests += sum(1 for _ in rate.when.tests()) if rate.when else 0
            if tests > MAX_TESTS:
                raise InvalidValueError(f"More than {MAX_TESTS:,} tests a card.", field="when")
            _check_markup(rate, rates)
        except InvalidValueError as error:
            raise error.at(f"rates[{index}]") from None
        rates.append(rate)
    evaluation_order(rates)
    return tuple(rates)


def check_decimals(rates: Sequence[Rate], decimals: int) -> None:
    """Refuse a minimum or maximum with more decimals than the currency has."""
    for index, rate in enumerate(rates):
        for name in ("minimum", "maximum"):
            bound = getattr(rate, name)
            if bound is not None:
                try:
                    highest = Decimal(MAX_MINOR_UNITS).scaleb(-decimals)
                    read_decimal(bound, places=decimals, low=0, high=highest)
                except InvalidValueError as error:
                    raise error.at(f"rates[{index}].{name}") from None


def read_price_model(data: object, /) -> PriceModel | Percentage | Markup:
    """Read a rate's price, or refuse it with the place of what is wrong."""
    if not isinstance(data, dict):
        raise InvalidValueError("Not a JSON object.")
    name = data.get("model")
    if not isinstance(name, str) or name not in MODELS:
        raise InvalidValueError(f"Unknown model: use one of {', '.join(MODELS)}.", field="model")
    return MODELS[name].read(data)


def _read_rate(data: object) -> Rate:
    fields = check_keys(data, _KEYS, ("service_id", "price"))
    rate = Rate(
        service_id=_read(fields, "service_id", read_id),
        price=_read(fields, "price", read_price_model),
        when=_optional(fields, "when", read_condition),
        skus=_optional(fields, "skus", _read_skus),
        exclude_skus=_optional(fields, "exclude_skus", _read_skus),
        minimum=_optional(fields, "minimum", _read_bound),
        maximum=_optional(fields, "maximum", _read_bound),
    )
    _check_filter(rate)
    _check_bounds(rate)
    return rate


def _read(fields: Mapping[str, object], name: str, reader: Callable[[Any], T]) -> T:
    try:
        return reader(fields[name])
    except InvalidValueError as error:
        raise error.at(name) from None


def _optional(fields: Mapping[str, object], name: str, reader: Callable[[Any], T]) -> T | None:
    return None if fields.get(name) is None else _read(fields, name, reader)


def _read_skus(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_SKUS:
        raise InvalidValueError(f"Not a list of 1 to {MAX_SKUS:,} SKUs.")
    skus = []
    for index, sku in enumerate(value):
        try:
            skus.append(read_sku(sku))
        except InvalidValueError as error:
            raise error.at(f"[{index}]") from None
    return tuple(skus)


def _read_bound(value: object) -> Decimal:
    return read_decimal(value, places=MOST_DECIMALS, low=0, high=MAX_MINOR_UNITS)


def _check_filter(rate: Rate) -> None:
    if rate.sku_filter is None:
        return
    if isinstance(rate.price, Percentage | Markup) or not rate.price.measure.of_items:
        name = "skus" if rate.skus is not None else "exclude_skus"
        raise InvalidValueError("Only a measure of items can be narrowed to SKUs.", field=name)


def _check_bounds(rate: Rate) -> None:
    if isinstance(rate.price, Markup) and (rate.minimum, rate.maximum) != (None, None):
        name = "minimum" if rate.minimum is not None else "maximum"
        raise InvalidValueError("A markup has no minimum or maximum.", field=name)
    if rate.minimum is not None and rate.maximum is not None and rate.minimum > rate.maximum:
        raise InvalidValueError("Is above the maximum.", field="minimum")


def _check_markup(rate: Rate, before: Sequence[Rate]) -> None:
    marked_up = {other.service_id for other in before if isinstance(other.price, Markup)}
    if isinstance(rate.price, Markup) and rate.service_id in marked_up:
        raise InvalidValueError("The service has a markup already: one a service.", field="price")
