"""The card that is measured: six services at six rates, with two conditions each."""

from datetime import date
from typing import Any

from billing import BillingPeriod

YEAR = BillingPeriod(date(2017, 1, 1), date(2017, 12, 31))
SERVICES = ("Picking", "Packing", "Cartons", "Order handling", "Shelf space", "Paperwork")
"""The names of services 1 to 6."""


def _rate(service_id: int, price: dict[str, Any], **when: list[dict[str, Any]]) -> dict[str, Any]:
    return {"service_id": service_id, "price": price, "when": when}


def _test(field: str, op: str, value: object) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def _per(measure: str, unit_price: str) -> dict[str, Any]:
    return {"model": "unit", "measure": measure, "unit_price": unit_price}


RATES = [
    _rate(
        1,
        _per("units", "0.35"),
        all=[_test("units", "le", 500), _test("lines", "between", [1, 60])],
    ),
    _rate(
        2,
        {"model": "flat", "amount": "1.75"},
        all=[_test("units", "ge", 1), _test("reference_number", "starts_with", "HH-")],
    ),
    _rate(
        3,
        {"model": "package", "measure": "units", "package_size": "10", "package_price": "0.40"},
        any=[_test("units", "gt", 2), _test("lines", "gt", 1)],
    ),
    _rate(
        4,
        {
            "model": "graduated",
            "measure": "lines",
            "tiers": [
                {"up_to": "3", "unit_price": "0.50", "flat_amount": "1.00"},
                {"up_to": "12", "unit_price": "0.30"},
                {"up_to": None, "unit_price": "0.125"},
            ],
        },
        none=[_test("reference_number", "eq", "HH-1"), _test("units", "gt", 100_000)],
    ),
    _rate(
        5,
        {
            "model": "volume",
            "measure": "units",
            "tiers": [
                {"up_to": "100", "unit_price": "0.012"},
                {"up_to": None, "unit_price": "0.0045"},
            ],
        },
        all=[_test("units", "gt", 5), _test("reference_number", "missing", value=False)],
    ),
    _rate(6, _per("lines", "0.055"), all=[_test("lines", "ge", 1), _test("lines", "lt", 500)]),
]
"""A card such as a warehouse has: most orders have four to six of its costs."""

SKU_RATES = [
    *RATES[:4],
    _rate(
        5, _per("skus", "0.02"), all=[_test("sku", "not_contains", ["1"]), _test("units", "gt", 5)]
    ),
    RATES[5],
]
"""The same, but two looks at every SKU of an order."""
