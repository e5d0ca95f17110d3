"""Rate cells: how one row of a flat CSV becomes the JSON of a rate, and where a problem stands.

A flat file has one rate a row; whatever a column cannot say, the JSON form of a card can.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from billing.domain.bulk_intake import Cells, InvalidRowError
from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_id_text
from billing.domain.row_reading import cell_id, cell_json, values_of_cells

HEAD = ("customer_id", "effective_from")
COLUMNS = (
    "service_id",
    "model",
    "measure",
    "price",
    "package_size",
    "tiers",
    "percent",
    "of",
    "minimum",
    "maximum",
    "skus",
    "exclude_skus",
    "when_field",
    "when_op",
    "when_value",
    "when",
)
_TIERED = {"measure": "measure", "tiers": "tiers"}
_PRICES = {
    "flat": {"amount": "price"},
    "unit": {"measure": "measure", "unit_price": "price"},
    "package": {"measure": "measure", "package_size": "package_size", "package_price": "price"},
    "graduated": _TIERED,
    "volume": _TIERED,
    "percentage": {"percent": "percent", "of": "of"},
    "markup": {"percent": "percent"},
}
"""The members of each model's price, and the column that each is taken from."""
_PRICE_COLUMNS = ("measure", "price", "package_size", "tiers", "percent", "of")
_TEST = {"field": "when_field", "op": "when_op", "value": "when_value"}
_LISTED = frozenset({"in", "not_in", "between"})
_PLACE = re.compile(r"rates\[(\d+)\]\.?(?:price\.)?(.*)")
_COLUMN_OF = {
    "amount": "price",
    "unit_price": "price",
    "package_price": "price",
    "price": "model",
    "": "service_id",
}


def values_of_row(cells: Cells, ignored: list[str]) -> dict[str, Any]:
    """Return what a row says of its rate, by column; unknown columns are noted in `ignored`.

    Raises InvalidRowError, each problem at its column.
    """
    rate = Cells({name: cell for name, cell in cells.items() if name not in HEAD})
    return values_of_cells(rate, COLUMNS, _CELLS, ignored)


def rate_of_values(values: Mapping[str, Any]) -> dict[str, object]:
    """Return the JSON of a row's rate, to be read and checked as any other.

    Raises InvalidRowError for cells that do not go together.
    """
    try:
        rate = {"service_id": values.get("service_id"), "price": _price(values)}
        rate["when"] = _condition(values)
    except InvalidValueError as error:
        raise InvalidRowError(error) from None
    return rate | {name: values.get(name) for name in _AS_THEY_ARE}


def placed_in_row(error: InvalidValueError, values: Mapping[str, Any]) -> InvalidValueError:
    """Return a refusal of `rates[…]` as one of the row's column."""
    _, place = rate_place(error)
    if values.get("when") is None:
        place = place.replace("when.", "when_")
    return InvalidValueError(error.problem, field=_COLUMN_OF.get(place, place))


def rate_place(error: InvalidValueError) -> tuple[int, str]:
    """Return which rate of a card a refusal is about, and where in it."""
    match = _PLACE.fullmatch(error.field or "")
    return (int(match[1]), match[2]) if match else (0, error.field or "")


def _price(values: Mapping[str, Any]) -> dict[str, object]:
    model = values.get("model")
    if model is None:
        raise InvalidValueError("Missing data for required field.", field="model")
    if model not in _PRICES:
        return {"model": model}  # Refused, with the models there are, where it is read.
    members = _PRICES[model]
    for column in _PRICE_COLUMNS:
        if values.get(column) is not None and column not in members.values():
            raise InvalidValueError(f"A {model} price has none.", field=column)
    missing = next((name for name in members.values() if values.get(name) is None), None)
    if missing:
        raise InvalidValueError(f"Missing: a {model} price needs it.", field=missing)
    return {"model": model} | {key: values[column] for key, column in members.items()}


def _condition(values: Mapping[str, Any]) -> object:
    given = {key: values[column] for key, column in _TEST.items() if values.get(column)}
    if not given:
        return values.get("when")
    if values.get("when") is not None:
        raise InvalidValueError("Give either when, or when_field and what follows.", field="when")
    if "value" in given:
        given["value"] = _test_value(given)
    return given


def _test_value(test: Mapping[str, str]) -> object:
    """Read a test's value: a list where the operator takes one, otherwise the text itself."""
    op, value = test.get("op"), test["value"]
    if op == "missing":
        return {"true": True, "false": False}.get(value.casefold(), value)
    return _list(value) if op in _LISTED or test.get("field") == "sku" else value


def _list(cell: str) -> list[str]:
    return [text.strip() for text in cell.split(";") if text.strip()]


def _service_ids(cell: str) -> list[int]:
    return [read_id_text(text) for text in _list(cell)]


def _tiers(cell: str) -> object:
    """Read `5:0.40;:0.25`, or JSON; `3:2.00+1.00` has a flat amount of 1.00 for the tier."""
    if cell.startswith("["):
        return cell_json(cell)
    tiers = []
    for text in _list(cell):
        up_to, colon, price = text.partition(":")
        if not colon:
            raise InvalidValueError("Write tiers as up_to:unit_price, such as 5:0.40;:0.25.")
        unit_price, _, flat_amount = price.partition("+")
        parts = {"up_to": up_to, "unit_price": unit_price, "flat_amount": flat_amount}
        tiers.append({key: part.strip() or None for key, part in parts.items()})
    return tiers


_AS_THEY_ARE = ("skus", "exclude_skus", "minimum", "maximum")
_CELLS: dict[str, Callable[[str], object]] = {
    "service_id": cell_id,
    "tiers": _tiers,
    "of": _service_ids,
    "skus": _list,
    "exclude_skus": _list,
    "when": cell_json,
}
