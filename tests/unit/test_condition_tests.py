"""Tests of conditions: every field and operator, and what each of them refuses."""

from decimal import Decimal
from typing import Any

import pytest

from billing.domain.condition_tests import FIELDS, NUMBER_OPERATORS, SKU_OPERATORS, TEXT_OPERATORS
from billing.domain.conditions import read_condition, verdict_on
from billing.domain.errors import InvalidValueError
from billing.domain.measures import MEASURES
from billing.domain.orders import TEXT_FIELDS, Order
from tests.unit.examples import check, order

PRODUCTS = {"ab1": 12, "c2": 5}
# 30 AB-1 at 12 a case and 7 C 2 at 5 a case; every field is there.
TEXTS: dict[str, Any] = dict.fromkeys(TEXT_FIELDS, "Straße 5")
FULL = order(
    {"AB-1": "30", "C 2": "7", "D-9": "0"},
    **TEXTS,
    weight_lb=Decimal("12.5"),
    volume_cuft=Decimal("0.000001"),
    packages=Decimal(2),
)
COUNTED = {
    "order": "1",
    "lines": "3",
    "units": "37",
    "skus": "2",
    "cases": "3",
    "loose_units": "8",
    "packages": "2",
    "weight_lb": "12.5",
    "volume_cuft": "0.000001",
}


def verdict(test: Any, seen: Order = FULL) -> bool | None:
    """Return what one test decides."""
    return verdict_on(read_condition(test), seen, PRODUCTS)


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("eq", "STRASSE 5", True),
        ("eq", " straße 5 ", True),
        ("eq", "straße", False),
        ("ne", "Strasse 5", False),
        ("ne", "straße", True),
        ("in", ["x", "STRASSE 5"], True),
        ("in", ["x", "straße"], False),
        ("not_in", ["x", "STRASSE 5"], False),
        ("not_in", ["x", "straße"], True),
        ("contains", "ASS", True),
        ("contains", "5 s", False),
        ("not_contains", "ASS", False),
        ("not_contains", "5 s", True),
        ("starts_with", "STRASSE", True),
        ("starts_with", "5", False),
        ("ends_with", "E 5", True),
        ("ends_with", "straße", False),
    ],
)
def test_text_is_compared_without_regard_to_case(op: str, value: object, expected: bool) -> None:
    """All ten text fields know all eight operators, full case folding included."""
    for field in TEXT_FIELDS:
        assert verdict(check(field, op, value)) is expected, field


@pytest.mark.parametrize("field", MEASURES)
def test_every_measure_can_be_tested(field: str) -> None:
    """Numbers compare exactly, at both sides of what was counted and on it."""
    here = COUNTED[field]
    above, below = (str(Decimal(here) + Decimal(step)) for step in ("0.000001", "-0.000001"))
    expected = {
        "eq": (False, True, False),
        "ne": (True, False, True),
        "gt": (True, False, False),
        "ge": (True, True, False),
        "lt": (False, False, True),
        "le": (False, True, True),
    }
    for op, verdicts in expected.items():
        found = [verdict(check(field, op, value)) for value in (below, here, above)]
        assert found == list(verdicts), op
    ranges = {(below, here): True, (here, above): True, (here, here): True, (above, above): False}
    for ends, inside in ranges.items():
        assert verdict(check(field, "between", list(ends))) is inside, ends
    assert verdict(check(field, "between", [below, below])) is False


def test_a_number_may_be_written_in_any_exact_way() -> None:
    """An integer, a decimal and text are one number."""
    for value in (30, "30", "30.000000", Decimal("3E+1")):
        assert verdict(check("units", "eq", value), order({"A": "30"})) is True


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("contains", "ab 1", True),
        ("contains", ["x", "C-2"], True),
        ("contains", ["x", "AB-12"], False),
        ("contains", "D-9", False),
        ("not_contains", ["x", "AB1"], False),
        ("not_contains", ["x", "d9"], True),
        ("only", ["A-B 1", "c2"], True),
        ("only", ["AB1", "C2", "x"], True),
        ("only", "AB1", False),
    ],
)
def test_skus_are_compared_without_case_spaces_and_hyphens(
    op: str, value: object, expected: bool
) -> None:
    """A line of quantity 0 brings no SKU into the order."""
    assert verdict(check("sku", op, value)) is expected


def test_an_order_without_lines_has_no_skus() -> None:
    """An empty list is known: it contains nothing, and all that it holds is among anything."""
    empty = order({})
    assert verdict(check("sku", "contains", "A"), empty) is False
    assert verdict(check("sku", "not_contains", "A"), empty) is True
    assert verdict(check("sku", "only", "A"), empty) is True


def values_of(field: str) -> list[tuple[str, object]]:
    """Return every operator of a field but `missing`, with a value it takes."""
    if field == "sku":
        return [(op, "A") for op in SKU_OPERATORS if op != "missing"]
    if field in MEASURES:
        return [
            (op, [1, 2] if op == "between" else 5) for op in NUMBER_OPERATORS if op != "missing"
        ]
    lists = {"in", "not_in"}
    return [(op, ["a"] if op in lists else "a") for op in TEXT_OPERATORS if op != "missing"]


@pytest.mark.parametrize("field", [field for field in FIELDS if field != "order"])
def test_a_test_on_a_missing_value_is_unknown(field: str) -> None:
    """For every operator, `ne`, `not_in` and `not_contains` too: unknown is not different."""
    for op, value in values_of(field):
        assert verdict(check(field, op, value), order()) is None, op


@pytest.mark.parametrize("field", FIELDS)
def test_missing_is_always_known(field: str) -> None:
    """`missing` asks whether a value is there; with false it asks the opposite."""
    always_there = field == "order"
    for value in (None, True):
        assert verdict(check(field, "missing", value)) is False
        assert verdict(check(field, "missing", value), order()) is not always_there
    assert verdict({"field": field, "op": "missing"}, order()) is not always_there
    assert verdict(check(field, "missing", False)) is True
    assert verdict(check(field, "missing", False), order()) is always_there


def test_a_product_without_a_row_leaves_cases_unknown() -> None:
    """The SKU is named; a measure that needs no products is known all the same."""
    unknown = order({"X-1": "3", "ab1": "24", "Y 2": "1"})
    test = read_condition(check("cases", "gt", 1))
    assert verdict_on(test, unknown, PRODUCTS) is None
    assert test.missing(unknown, PRODUCTS) == (
        "SKU X-1 has no product row",
        "SKU Y 2 has no product row",
    )
    assert verdict(check("cases", "missing"), unknown) is True
    assert verdict(check("skus", "eq", 3), unknown) is True


@pytest.mark.parametrize(
    ("test", "place", "problem"),
    [
        ({"field": "carrier"}, "op", "Missing data"),
        ({"op": "eq", "value": "x"}, "field", "Missing data"),
        ({"field": None, "op": "eq", "value": "x"}, "field", "Missing data"),
        (check("carrier", "eq", "x") | {"values": 1}, "values", "Unknown field."),
        (check("line_items", "eq", 1), "field", "Unknown field: use one of"),
        ({"field": ["carrier"], "op": "eq"}, "field", "Unknown field: use one of"),
        (check("carrier", "gt", "x"), "op", "Unknown operator for carrier: use one of eq, ne,"),
        (check("carrier", "matches", "x"), "op", "Unknown operator"),
        ({"field": "carrier", "op": {}}, "op", "Unknown operator"),
        (check("weight_lb", "contains", "1"), "op", "Unknown operator for weight_lb"),
        (check("sku", "eq", "x"), "op", "Unknown operator for sku: use one of contains,"),
        (check("carrier", "eq"), "value", "Missing"),
        (check("carrier", "eq", ""), "value", "Missing"),
        (check("carrier", "eq", 5), "value", "Not a valid string."),
        (check("carrier", "contains", "\x00"), "value", "Control characters"),
        (check("carrier", "in", "UPS"), "value", "Not a list of 1 to 1,000 values."),
        (check("carrier", "in", []), "value", "Not a list of 1 to 1,000"),
        (check("carrier", "not_in", ["UPS", None]), "value[1]", "Missing"),
        (check("carrier", "not_in", ["x"] * 1_001), "value", "Not a list of 1 to 1,000"),
        (check("weight_lb", "eq"), "value", "Not a valid number"),
        (check("weight_lb", "gt", "ten"), "value", "Not a valid number"),
        (check("weight_lb", "gt", True), "value", "Not a valid number"),
        (check("weight_lb", "gt", 1.5), "value", "Not a valid number"),
        (check("weight_lb", "gt", "0.0000001"), "value", "Has more than 6 decimals."),
        (check("weight_lb", "gt", 10**12), "value", "Out of range"),
        (check("weight_lb", "between", 5), "value", "Not a list of two numbers"),
        (check("weight_lb", "between", [1]), "value", "Not a list of two numbers"),
        (check("weight_lb", "between", [1, 2, 3]), "value", "Not a list of two numbers"),
        (check("weight_lb", "between", [2, 1]), "value", "The low end is above the high end."),
        (check("sku", "contains", []), "value", "Not a list of 1 to 1,000"),
        (check("sku", "contains", [5]), "value[0]", "Not a valid string."),
        (check("sku", "only"), "value", "Missing"),
        (check("carrier", "missing", "yes"), "value", "Not true or false."),
        (check("carrier", "missing", 1), "value", "Not true or false."),
    ],
)
def test_what_could_not_run_is_refused(test: Any, place: str, problem: str) -> None:
    """A test is checked when its card is saved, down to its value."""
    with pytest.raises(InvalidValueError) as refused:
        read_condition(test)
    assert refused.value.field == place
    assert refused.value.problem.startswith(problem)
