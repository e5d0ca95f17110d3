"""Products of an export: which of a product's labeling units is its case."""

from typing import Any

from billing.adapters.legacy.tables import LABELING, Record, number_of
from billing.domain.catalog import MAX_UNITS_PER_CASE
from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_decimal, require_text

CASE = "case"


def product_of(record: Record) -> dict[str, Any]:
    """Return the row of a product; one without a case is all loose, which is 1 a case.

    Raises InvalidValueError when its case cannot be told.
    """
    try:
        sku = require_text(record.get("sku"))
    except InvalidValueError as error:
        raise error.at("sku") from None
    return {
        "customer_id": number_of(record, "customer_id"),
        "sku": sku,
        "units_per_case": _units_per_case(record),
    }


def _units_per_case(record: Record) -> int:
    cases = {}
    for column, text in record.items():
        match = LABELING.fullmatch(column)
        if match and match[1] == "unit" and text.casefold() == CASE:
            cases[column] = _quantity(record, f"labeling_quantity_{match[2]}")
    if len(set(cases.values())) > 1:
        raise InvalidValueError(f"It has cases of different sizes: {', '.join(cases)}.")
    return next(iter(cases.values()), 1)


def _quantity(record: Record, column: str) -> int:
    if not record.get(column):
        raise InvalidValueError("Its case has no quantity.", field=column)
    try:
        return int(read_decimal(record[column], places=0, low=1, high=MAX_UNITS_PER_CASE))
    except InvalidValueError as error:
        raise error.at(column) from None
