"""Legacy rules: each operator and group means here what it means there."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from billing.adapters.legacy.rules import condition_of_group, condition_of_rule
from billing.domain.conditions import read_condition, verdict_on
from billing.domain.errors import InvalidValueError
from billing.domain.orders import Order
from tests.unit.examples import check, order


def rule(field: str, operator: str, value: str, **more: str) -> dict[str, str]:
    """Return a row of the table of rules."""
    return {"id": "1", "field": field, "operator": operator, "value": value, **more}


def holds(condition: dict[str, Any], asked: Order) -> bool | None:
    """Return the verdict of a condition on an order."""
    return verdict_on(read_condition(condition), asked, {})


@pytest.mark.parametrize(
    ("field", "operator", "value", "condition"),
    [
        ("ship_to_name", "eq", "Łucja", check("ship_to_name", "eq", "Łucja")),
        ("ship_to_zip", "ne", "00-001", check("ship_to_postal_code", "ne", "00-001")),
        ("carrier", "in", "UPS; USPS;", check("carrier", "in", ["UPS", "USPS"])),
        ("ship_to_country", "ni", "US", check("ship_to_country", "not_in", ["US"])),
        ("notes", "contains", "RUSH", check("notes", "contains", "RUSH")),
        (
            "notes",
            "contains",
            "RUSH;URGENT",
            {"any": [check("notes", "contains", "RUSH"), check("notes", "contains", "URGENT")]},
        ),
        (
            "notes",
            "ncontains",
            "a;b",
            {"all": [check("notes", "not_contains", "a"), check("notes", "not_contains", "b")]},
        ),
        ("notes", "not_contains", "a", check("notes", "not_contains", "a")),
        ("reference_number", "startswith", "B2B", check("reference_number", "starts_with", "B2B")),
        (
            "reference_number",
            "starts_with",
            "A;B",
            {
                "any": [
                    check("reference_number", "starts_with", "A"),
                    check("reference_number", "starts_with", "B"),
                ]
            },
        ),
        ("ship_to_city", "endswith", "ville", check("ship_to_city", "ends_with", "ville")),
        ("weight_lb", "gt", "10", check("weight_lb", "gt", "10")),
        ("weight_lb", "gte", "10", check("weight_lb", "ge", "10")),
        ("volume_cuft", "le", "0.5", check("volume_cuft", "le", "0.5")),
        ("packages", "lte", "2", check("packages", "le", "2")),
        ("line_items", "lt", "3", check("lines", "lt", "3")),
        ("total_item_qty", "ge", "100", check("units", "ge", "100")),
        ("sku_count", "ne", "1", check("skus", "ne", "1")),
        ("sku_quantity", "contains", "A-1;B-2", check("sku", "contains", ["A-1", "B-2"])),
        ("sku_quantity", "ncontains", "A-1", check("sku", "not_contains", ["A-1"])),
        ("sku_quantity", "ni", "A-1", check("sku", "not_contains", ["A-1"])),
        (
            "sku_quantity",
            "only_contains",
            "A-1;B-2",
            {"all": [check("sku", "only", ["A-1", "B-2"]), check("skus", "gt", "0")]},
        ),
    ],
)
def test_a_rule_becomes_a_condition(
    field: str, operator: str, value: str, condition: dict[str, Any]
) -> None:
    """Values are separated by semicolons; where there any of several counts, it does here."""
    assert condition_of_rule(rule(field, operator, value)) == condition


@pytest.mark.parametrize(
    ("skus", "verdict"), [(["a 1"], True), (["A-1", "C-3"], False), ([], False), (None, None)]
)
def test_only_contains_takes_an_order_with_those_skus(
    skus: list[str] | None, verdict: bool | None
) -> None:
    """An order without any SKU is none of them; one whose items are unknown is undecided."""
    condition = condition_of_rule(rule("sku_quantity", "only_contains", "A-1;B-2"))
    asked = order(None if skus is None else [(sku, "2") for sku in skus])
    assert holds(condition, asked) is verdict


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (rule("notes", "matches", ".*"), "matches is none for notes."),
        (rule("notes", "", "x"), "No operator is none for notes."),
        (rule("notes", "gt", "x"), "gt is none for notes."),
        (rule("weight_lb", "in", "1;2"), "in is none for weight_lb."),
        (rule("sku_quantity", "in", "A-1"), "in is none for sku_quantity."),
        (rule("sku_quantity", "eq", "A-1"), "eq is none for sku_quantity."),
        (rule("sku_name", "eq", "A-1"), "There is no such field of an order: sku_name."),
        (rule("carrier", "eq", "UPS;USPS"), "eq with several values compares with the first"),
        (rule("weight_lb", "gt", "5;10"), "gt with several values compares with the first"),
        (rule("carrier", "in", " ; "), "It has no value."),
        (rule("weight_lb", "gt", "heavy"), "value: Not a valid number"),
        (rule("weight_lb", "gt", "1.2345678"), "value: Has more than 6 decimals."),
        (rule("notes", "eq", "x", adjustment_amount="1.50"), "It adjusts the price by 1.50"),
        (rule("notes", "eq", "x", adjustment_amount="-1"), "It adjusts the price by -1"),
        (rule("notes", "eq", "x", adjustment_amount="?"), "It adjusts the price by ?"),
        (rule("notes", "eq", "x", tier_config='{"ranges":[]}'), "It calculates with tier_config"),
    ],
)
def test_what_has_no_equal_here_is_refused(record: dict[str, str], why: str) -> None:
    """With the reason; nothing is turned into something similar."""
    with pytest.raises(InvalidValueError) as refused:
        condition_of_rule(record)
    assert str(refused.value).startswith(why)


@pytest.mark.parametrize(
    "more", [{"adjustment_amount": "0.00"}, {"adjustment_amount": ""}, {"calculations": "[]"}]
)
def test_an_adjustment_by_nothing_is_none(more: dict[str, str]) -> None:
    """Exports write what is not there in many ways."""
    assert condition_of_rule(rule("notes", "eq", "x", **more)) == check("notes", "eq", "x")


@pytest.mark.parametrize(
    ("operator", "meaning"),
    [
        ("AND", all),
        ("OR", any),
        ("NOT", lambda results: not any(results)),
        ("XOR", lambda results: sum(results) == 1),
        ("NAND", lambda results: not all(results)),
        ("NOR", lambda results: not any(results)),
        ("and", all),
    ],
)
@pytest.mark.parametrize("rules", [1, 2, 3])
def test_a_group_decides_as_there(operator: str, meaning: Any, rules: int) -> None:
    """On every combination of true and false; XOR is exactly one, also of three."""
    for results in product([True, False], repeat=rules):
        tests = [check("packages", "eq", 1 if result else 2) for result in results]
        condition = condition_of_group(operator, tests)
        assert holds(condition, order(packages=Decimal(1))) is meaning(results), condition


def test_an_unknown_group_is_refused() -> None:
    """The refusal names those there are."""
    with pytest.raises(InvalidValueError, match="IFF: only AND, OR, XOR, NOT, NOR, NAND"):
        condition_of_group("IFF", [check("packages", "eq", 1)])
    with pytest.raises(InvalidValueError, match="no logic_operator"):
        condition_of_group("", [check("packages", "eq", 1)])
