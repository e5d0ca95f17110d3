"""Rules of an export: how they and their groups become conditions."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from billing.adapters.legacy.tables import Record, list_of
from billing.domain.conditions import read_condition
from billing.domain.errors import InvalidValueError
from billing.domain.fields import shown

Condition = dict[str, Any]

_TEXTS = {
    **{
        name: name
        for name in (
            "reference_number status carrier notes ship_to_name ship_to_company ship_to_city "
            "ship_to_state ship_to_postal_code ship_to_country"
        ).split()
    },
    "ship_to_zip": "ship_to_postal_code",
}
_NUMBERS = {
    "weight_lb": "weight_lb",
    "volume_cuft": "volume_cuft",
    "packages": "packages",
    "line_items": "lines",
    "total_item_qty": "units",
    "sku_count": "skus",
}
_SKUS = "sku_quantity"
_SAME_OPERATOR = {
    "gte": "ge",
    "lte": "le",
    "not_in": "ni",
    "not_contains": "ncontains",
    "starts_with": "startswith",
    "ends_with": "endswith",
}
_CALCULATED = ("conditions", "calculations", "tier_config")
_ZERO = re.compile(r"[+-]?0+(\.0*)?", re.ASCII)
_NOTHING = frozenset({"", "{}", "[]", "null"})


def condition_of_rule(rule: Record) -> Condition:
    """Return the condition of one rule, or raise InvalidValueError with why there is none."""
    _check_changes_no_price(rule)
    field = rule.get("field", "").casefold()
    operator = rule.get("operator", "").casefold()
    operator = _SAME_OPERATOR.get(operator, operator)
    values = list_of(rule, "value")
    if not values:
        raise InvalidValueError("It has no value.")
    if field in _TEXTS:
        makers, name = _TEXT_OPERATORS, _TEXTS[field]
    elif field in _NUMBERS:
        makers, name = _NUMBER_OPERATORS, _NUMBERS[field]
    elif field == _SKUS:
        makers, name = _SKU_OPERATORS, "sku"
    else:
        raise InvalidValueError(f"There is no such field of an order: {shown(field)}.")
    if operator not in makers:
        raise InvalidValueError(f"{shown(operator) or 'No operator'} is none for {field}.")
    condition = makers[operator](name, values)
    read_condition(condition)
    return condition


def condition_of_group(operator: str, conditions: Sequence[Condition]) -> Condition:
    """Return the condition of a group of rules, or raise InvalidValueError."""
    try:
        return _GROUPS[operator.casefold()](list(conditions))
    except KeyError:
        raise InvalidValueError(
            f"There is no logic_operator {shown(operator)}: only {', '.join(_GROUPS).upper()}."
        ) from None


def together(word: str, conditions: Sequence[Condition]) -> Condition:
    """Return conditions under `all`, `any` or `one`, of which one alone is itself."""
    return conditions[0] if len(conditions) == 1 else {word: list(conditions)}


def _check_changes_no_price(rule: Record) -> None:
    text = rule.get("adjustment_amount", "")
    if text and not _ZERO.fullmatch(text):
        raise InvalidValueError(
            f"It adjusts the price by {shown(text)}, and no rate does that: write it as a rate."
        )
    for column in _CALCULATED:
        if rule.get(column, "") not in _NOTHING:
            raise InvalidValueError(f"It calculates with {column}: write it as a rate.")


Maker = Callable[[str, list[str]], Condition]


def _single(op: str) -> Maker:
    def make(field: str, values: list[str]) -> Condition:
        if len(values) > 1:
            raise InvalidValueError(
                f"{op} with several values compares with the first alone there: write one value."
            )
        return _test(field, op, values[0])

    return make


def _listed(op: str) -> Maker:
    return lambda field, values: _test(field, op, values)


def _each(op: str, word: str) -> Maker:
    """Return the maker of one test a value, for an operator that here takes one."""
    return lambda field, values: together(word, [_test(field, op, value) for value in values])


def _only(field: str, values: list[str]) -> Condition:
    """An order without any SKU contains nothing else either, but there it does not count."""
    return {"all": [_test(field, "only", values), _test("skus", "gt", "0")]}


def _test(field: str, op: str, value: object) -> Condition:
    return {"field": field, "op": op, "value": value}


_TEXT_OPERATORS: dict[str, Maker] = {
    "eq": _single("eq"),
    "ne": _single("ne"),
    "in": _listed("in"),
    "ni": _listed("not_in"),
    "contains": _each("contains", "any"),
    "ncontains": _each("not_contains", "all"),
    "startswith": _each("starts_with", "any"),
    "endswith": _each("ends_with", "any"),
}
_NUMBER_OPERATORS: dict[str, Maker] = {
    op: _single(op) for op in ("eq", "ne", "gt", "ge", "lt", "le")
}
_SKU_OPERATORS: dict[str, Maker] = {
    "contains": _listed("contains"),
    "ncontains": _listed("not_contains"),
    "ni": _listed("not_contains"),
    "only_contains": _only,
}
_GROUPS: dict[str, Callable[[list[Condition]], Condition]] = {
    "and": lambda conditions: together("all", conditions),
    "or": lambda conditions: together("any", conditions),
    "xor": lambda conditions: together("one", conditions),
    "not": lambda conditions: {"none": conditions},
    "nor": lambda conditions: {"none": conditions},
    "nand": lambda conditions: {"not": together("all", conditions)},
}
