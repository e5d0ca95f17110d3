"""Rate cells: what each column of a flat CSV of rates says."""

from typing import Any

import pytest

from billing.domain.bulk_intake import Cells, InvalidRowError
from billing.domain.errors import InvalidValueError
from billing.domain.rate_cells import placed_in_row, rate_of_values, values_of_row
from billing.domain.rate_reading import read_rates


def rate(**cells: str) -> dict[str, Any]:
    """Return the JSON of a row's rate, without what it does not say."""
    values = values_of_row(Cells({"service_id": "1", **cells}), [])
    return {key: value for key, value in rate_of_values(values).items() if value is not None}


def refused_at(**cells: str) -> str:
    """Return the column that a row is refused for, and why."""
    row = Cells({"service_id": "1", **cells})
    try:
        values = values_of_row(row, [])
        read_rates([rate_of_values(values)])
    except InvalidRowError as error:
        return str(error)
    except InvalidValueError as error:
        return str(placed_in_row(error, values))
    raise AssertionError("taken")


@pytest.mark.parametrize(
    ("cells", "price"),
    [
        ({"model": "flat", "price": "5.00"}, {"model": "flat", "amount": "5.00"}),
        (
            {"model": "unit", "measure": "units", "price": " 0.35 "},
            {"model": "unit", "measure": "units", "unit_price": "0.35"},
        ),
        (
            {"model": "package", "measure": "units", "package_size": "10", "price": "4"},
            {"model": "package", "measure": "units", "package_size": "10", "package_price": "4"},
        ),
        (
            {"model": "graduated", "measure": "cases", "tiers": "3:2.00+1.00; : 1.50"},
            {
                "model": "graduated",
                "measure": "cases",
                "tiers": [
                    {"up_to": "3", "unit_price": "2.00", "flat_amount": "1.00"},
                    {"up_to": None, "unit_price": "1.50", "flat_amount": None},
                ],
            },
        ),
        (
            {"model": "volume", "measure": "units", "tiers": '[{"up_to": 5, "unit_price": "2"}]'},
            {"model": "volume", "measure": "units", "tiers": [{"up_to": 5, "unit_price": "2"}]},
        ),
        (
            {"model": "percentage", "percent": "8.64", "of": "2; 3"},
            {"model": "percentage", "percent": "8.64", "of": [2, 3]},
        ),
        ({"model": "markup", "percent": "10"}, {"model": "markup", "percent": "10"}),
    ],
)
def test_every_model_has_its_columns(cells: dict[str, str], price: dict[str, object]) -> None:
    """A row says what the JSON of a rate says, and is read as it."""
    data = rate(**cells)
    assert data == {"service_id": 1, "price": price}
    assert read_rates([data])


def test_bounds_and_skus_are_said_beside_the_price() -> None:
    """Lists are separated by semicolons; what is empty is not said."""
    data = rate(
        model="unit",
        measure="units",
        price="1",
        skus="A-1; A 2 ;",
        exclude_skus="",
        minimum="3.00",
        maximum="50",
    )
    assert {key: data.get(key) for key in ("skus", "exclude_skus", "minimum", "maximum")} == {
        "skus": ["A-1", "A 2"],
        "exclude_skus": None,
        "minimum": "3.00",
        "maximum": "50",
    }


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("carrier", "eq", "UPS; Ground", "UPS; Ground"),
        ("carrier", "in", "UPS;USPS", ["UPS", "USPS"]),
        ("weight_lb", "gt", "10", "10"),
        ("weight_lb", "between", "5; 10", ["5", "10"]),
        ("sku", "only", "A-1;B-2", ["A-1", "B-2"]),
        ("notes", "missing", "FALSE", False),
    ],
)
def test_a_condition_of_one_test_has_three_columns(
    field: str, op: str, value: str, expected: object
) -> None:
    """A value is a list where the operator takes one, otherwise the text as it is."""
    data = rate(model="flat", price="1", when_field=field, when_op=op, when_value=value)
    assert data["when"] == {"field": field, "op": op, "value": expected}
    assert read_rates([data])


def test_missing_needs_no_value() -> None:
    """`notes missing` asks whether there are none."""
    data = rate(model="flat", price="1", when_field="notes", when_op="missing")
    assert data["when"] == {"field": "notes", "op": "missing"}
    assert read_rates([data])


def test_any_other_condition_is_json_in_its_cell() -> None:
    """Groups, nested as deep as a card allows."""
    data = rate(model="flat", price="1", when='{"not": {"field": "notes", "op": "missing"}}')
    assert data["when"] == {"not": {"field": "notes", "op": "missing"}}


FLAT = {"model": "flat", "price": "1"}


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"service_id": "x"}, "service_id: Not a valid id"),
        ({"service_id": ""}, "service_id: Missing data"),
        ({"model": ""}, "model: Missing data"),
        ({"model": "Flat"}, "model: Unknown model"),
        ({"price": ""}, "price: Missing: a flat price needs it."),
        ({"price": "1.2345678"}, "price: Has more than 6 decimals."),
        ({"price": "-1"}, "price: Out of range"),
        ({"measure": "units"}, "measure: A flat price has none."),
        ({"percent": "5"}, "percent: A flat price has none."),
        ({"model": "unit", "measure": "pallets"}, "measure: Unknown measure"),
        ({"model": "unit"}, "measure: Missing: a unit price needs it."),
        ({"minimum": "5", "maximum": "4"}, "minimum: Is above the maximum."),
        ({"skus": "A-1"}, "skus: Only a measure of items"),
        ({"when_op": "eq"}, "when_field: Missing data"),
        ({"when_field": "weight"}, "when_op: Missing data"),
        ({"when_field": "colour", "when_op": "eq"}, "when_field: Unknown field"),
        (
            {"when_field": "carrier", "when_op": "matches", "when_value": "x"},
            "when_op: Unknown operator",
        ),
        (
            {"when_field": "weight_lb", "when_op": "gt", "when_value": "heavy"},
            "when_value: Not a valid number",
        ),
        ({"when_field": "carrier", "when_op": "eq", "when": "{}"}, "when: Give either"),
        ({"when": "{"}, "when: Malformed JSON"),
        ({"when": '{"all": [{"field": "x"}]}'}, "when.all[0].op: Missing data"),
    ],
)
def test_a_wrong_cell_is_refused_by_its_column(cells: dict[str, str], why: str) -> None:
    """Whoever mends the file finds the cell."""
    assert refused_at(**{**FLAT, **cells}).startswith(why)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"tiers": "5-0.40"}, "tiers: Write tiers as"),
        ({"tiers": "5:0.40;3:0.25"}, "tiers[1].up_to: Must be above"),
        ({"tiers": "5:"}, "tiers[0]: Missing: give unit_price"),
        ({"tiers": ":1;5:2"}, "tiers[1]: Follows an open tier"),
    ],
)
def test_wrong_tiers_are_refused_by_their_place(cells: dict[str, str], why: str) -> None:
    """Tiers count from 0, as everywhere."""
    assert refused_at(model="volume", measure="units", **cells).startswith(why)


def test_services_of_a_percentage_are_ids() -> None:
    """A list with something else in it is refused."""
    assert refused_at(model="percentage", percent="5", of="2;x").startswith("of: Not a valid id")


def test_unknown_columns_are_noted() -> None:
    """They are no error, but somebody should know."""
    ignored: list[str] = []
    values_of_row(Cells({"service_id": "1", "colour": "red", "customer_id": "1"}), ignored)
    assert ignored == ["colour"]
