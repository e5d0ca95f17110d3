"""The oracle's conditions: Kleene's logic as numbers, 0 false, 1 unknown, 2 true."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tests.properties.oracle_quantities import Row, by_sku, measured, sku_key

MEASURES = "order lines units skus cases loose_units packages weight_lb volume_cuft".split()
VERDICTS = (False, None, True)


def truth(condition: Any, row: Row, products: Mapping[str, int]) -> int:
    """Return 2 where the condition holds, 0 where it does not, 1 where that is unknown."""
    if "field" in condition:
        return _test(condition, row, products)
    ((word, members),) = condition.items()
    if word == "not":
        return 2 - truth(members, row, products)
    values = [truth(member, row, products) for member in members]
    if word == "one":
        if values.count(2) > 1:
            return 0
        return 1 if 1 in values else values.count(2) * 2
    return {"all": min(values), "any": max(values), "none": 2 - max(values)}[word]


def _test(test: Any, row: Row, products: Mapping[str, int]) -> int:
    field, op, value = test["field"], test["op"], test["value"]
    seen = _seen(field, row, products)
    if op == "missing":
        return 2 if (seen is None) is (value is not False) else 0
    if seen is None:
        return 1
    if field == "sku":
        return 2 if _skus(op, value, set(seen)) else 0
    if field in MEASURES:
        numbers = [Fraction(entry) for entry in (value if isinstance(value, list) else [value])]
        return 2 if _number(op, seen, numbers) else 0
    texts = [entry.casefold() for entry in (value if isinstance(value, list) else [value])]
    return 2 if _text(op, seen.casefold(), texts) else 0


def _seen(field: str, row: Row, products: Mapping[str, int]) -> Any:
    if field == "sku":
        return None if row.get("items") is None else by_sku(row).keys()
    return measured(row, field, products) if field in MEASURES else row.get(field)


def _skus(op: str, value: Any, seen: set[str]) -> bool:
    asked = {sku_key(sku) for sku in (value if isinstance(value, list) else [value])}
    if op == "only":
        return seen <= asked
    return bool(seen & asked) is (op == "contains")


def _number(op: str, seen: Fraction, numbers: list[Fraction]) -> bool:
    if op == "between":
        return min(numbers) <= seen <= max(numbers)
    (number,) = numbers
    return {
        "eq": seen == number,
        "ne": seen != number,
        "gt": seen > number,
        "ge": seen >= number,
        "lt": seen < number,
        "le": seen <= number,
    }[op]


def _text(op: str, seen: str, texts: list[str]) -> bool:
    if op in {"ne", "not_in"}:
        return seen not in texts
    if op in {"eq", "in"}:
        return seen in texts
    (text,) = texts
    return {
        "contains": text in seen,
        "not_contains": text not in seen,
        "starts_with": seen[: len(text)] == text,
        "ends_with": seen[len(seen) - len(text) :] == text if len(text) <= len(seen) else False,
    }[op]
