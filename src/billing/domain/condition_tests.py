"""Tests: one field of an order, one operator, one value; the leaves of a condition.

To add an operator: its line in TEXT_OPERATORS, NUMBER_OPERATORS or SKU_OPERATORS.
"""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter, methodcaller
from typing import Any, NamedTuple

from billing.domain.catalog import normalise_sku, read_sku
from billing.domain.errors import InvalidValueError
from billing.domain.facts import Facts, Look, Looks
from billing.domain.fields import check_keys, read_decimal, require_text
from billing.domain.measures import MEASURES, NO_ITEMS, Counter, Missing, UnitsPerCase
from billing.domain.money import from_millionths, to_millionths
from billing.domain.orders import TEXT_FIELDS, Order

MAX_VALUES = 1_000
MAX_NUMBER = 999_999_999_999


class Operator(NamedTuple):
    """How a value is read when the card is saved, and how it decides over what is seen.

    read: the operand, ready to compare. bind: makes, of the operand, the function that decides;
    a method of the operand itself where there is one, since it then runs without a frame.
    """

    read: Callable[[object], Any]
    bind: Callable[[Any], Callable[[Any], bool]]


@dataclass(frozen=True, slots=True)
class Test:
    """`{"field": f, "op": o, "value": v}`. operand: the value, ready to compare."""

    __test__ = False  # For pytest: a test of an order, not of the code.

    field: str
    op: str
    value: Any = dataclasses.field(compare=False)
    operand: Any

    def compile(self, looks: Looks, /) -> Callable[[Facts], bool | None]:
        """Return the function that decides over facts; None when what it needs is missing."""
        decide = _operators(self.field)[self.op].bind(self.operand)
        if self.field not in MEASURES:
            see = _seen(self.field, looks.products)
            expected = self.operand if self.op == "missing" else None
            look = _decided(see, decide, missing=expected)
            return itemgetter(looks.place((self.field, self.op, self.operand), look))
        place = looks.counter(MEASURES[self.field])
        if self.op == "missing":
            return lambda facts: isinstance(facts[place], Missing) is self.operand

        def check(facts: Facts) -> bool | None:
            seen = facts[place]
            return None if type(seen) is Missing else decide(seen)

        return check

    def tests(self) -> "Iterator[Test]":
        """Return the test itself."""
        yield self

    def missing(self, order: Order, products: UnitsPerCase, /) -> tuple[str, ...]:
        """Return what leaves this test unknown on an order; nothing when it is decided."""
        seen = _seen(self.field, products)(order)
        return seen.problems if isinstance(seen, Missing) and self.op != "missing" else ()

    def trace(self, order: Order, products: UnitsPerCase, /) -> dict[str, Any]:
        """Return the test with what it saw and its verdict."""
        looks = Looks(products)
        check = self.compile(looks)
        return {
            **self.as_json(),
            "saw": _shown(self.field, _seen(self.field, products)(order), order),
            "verdict": check(looks.facts(order)),
        }

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read_test` takes."""
        return {"field": self.field, "op": self.op, "value": self.value}


def reads_of(field: str) -> frozenset[str]:
    """Return the order's fields that a test on this field looks at."""
    if field == "sku":
        return frozenset({"items"})
    return MEASURES[field].reads if field in MEASURES else frozenset({field})


def read_test(data: dict[str, object]) -> Test:
    """Read a test; a refusal names the place: field, op or value."""
    check_keys(data, ("field", "op", "value"), ("field", "op"))
    field, op = data["field"], data["op"]
    if not isinstance(field, str) or field not in FIELDS:
        raise InvalidValueError(f"Unknown field: use one of {', '.join(FIELDS)}.", field="field")
    operators = _operators(field)
    if not isinstance(op, str) or op not in operators:
        raise InvalidValueError(
            f"Unknown operator for {field}: use one of {', '.join(operators)}.", field="op"
        )
    try:
        value = data.get("value")
        operand = operators[op].read(value)
        return Test(field, op, _plain(value), operand)
    except InvalidValueError as error:
        raise error.at("value") from None


def _read_text(value: object) -> str:
    return require_text(value).casefold()


def _read_number(value: object) -> int:
    return to_millionths(read_decimal(value, places=6, low=-MAX_NUMBER, high=MAX_NUMBER))


def _read_range(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 a range has two ends
        raise InvalidValueError("Not a list of two numbers, the low and the high end.")
    low, high = _read_number(value[0]), _read_number(value[1])
    if low > high:
        raise InvalidValueError("The low end is above the high end.")
    return low, high


def _listed(read: Callable[[object], Any]) -> Callable[[object], frozenset[Any]]:
    def read_list(value: object) -> frozenset[Any]:
        if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES:
            raise InvalidValueError(f"Not a list of 1 to {MAX_VALUES:,} values.")
        return frozenset(_placed(read, entry, index) for index, entry in enumerate(value))

    return read_list


def _placed(read: Callable[[object], Any], entry: object, index: int) -> Any:
    try:
        return read(entry)
    except InvalidValueError as error:
        raise error.at(f"[{index}]") from None


def read_skus(value: object) -> frozenset[str]:
    """Read one SKU or a list of them, normalised."""
    if not isinstance(value, list):
        return frozenset({normalise_sku(read_sku(value))})
    return _listed(lambda entry: normalise_sku(read_sku(entry)))(value)


def _read_flag(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, bool):
        raise InvalidValueError("Not true or false.")
    return value


_MISSING = Operator(_read_flag, lambda operand: lambda seen: seen is operand)
_TEXTS = _listed(_read_text)
_NUMBERS = _listed(_read_number)

TEXT_OPERATORS: dict[str, Operator] = {
    "eq": Operator(_read_text, lambda value: value.__eq__),
    "ne": Operator(_read_text, lambda value: value.__ne__),
    "in": Operator(_TEXTS, lambda values: values.__contains__),
    "not_in": Operator(_TEXTS, lambda values: lambda seen: seen not in values),
    "contains": Operator(_read_text, lambda value: lambda seen: value in seen),
    "not_contains": Operator(_read_text, lambda value: lambda seen: value not in seen),
    "starts_with": Operator(_read_text, lambda value: methodcaller("startswith", value)),
    "ends_with": Operator(_read_text, lambda value: methodcaller("endswith", value)),
    "missing": _MISSING,
}
# What is seen stands on the right: seen > 5 is asked as 5 < seen, of the number 5.
NUMBER_OPERATORS: dict[str, Operator] = {
    "eq": Operator(_read_number, lambda value: value.__eq__),
    "ne": Operator(_read_number, lambda value: value.__ne__),
    "gt": Operator(_read_number, lambda value: value.__lt__),
    "ge": Operator(_read_number, lambda value: value.__le__),
    "lt": Operator(_read_number, lambda value: value.__gt__),
    "le": Operator(_read_number, lambda value: value.__ge__),
    "between": Operator(_read_range, lambda ends: lambda seen: ends[0] <= seen <= ends[1]),
    "missing": _MISSING,
}
SKU_OPERATORS: dict[str, Operator] = {
    "contains": Operator(read_skus, lambda values: lambda seen: not values.isdisjoint(seen)),
    "not_contains": Operator(read_skus, lambda values: values.isdisjoint),
    "only": Operator(read_skus, lambda values: values.issuperset),
    "missing": _MISSING,
}
FIELDS = (*TEXT_FIELDS, *MEASURES, "sku")


def _decided(see: Look, decide: Callable[[Any], bool], *, missing: bool | None) -> Look:
    """Return the look that sees a test's verdict. missing: what a test for missing expects."""
    if missing is not None:
        return lambda order: isinstance(see(order), Missing) is missing

    def look(order: Order) -> bool | None:
        seen = see(order)
        return None if type(seen) is Missing else decide(seen)

    return look


def _operators(field: str) -> dict[str, Operator]:
    if field == "sku":
        return SKU_OPERATORS
    return NUMBER_OPERATORS if field in MEASURES else TEXT_OPERATORS


def _seen(field: str, products: UnitsPerCase) -> Look:
    """Return what looks a field up: casefolded text, millionths, or SKUs with quantity above 0."""
    if field in MEASURES:
        counter: Counter = MEASURES[field].counter(None, products)
        return counter
    if field == "sku":
        return lambda order: NO_ITEMS if order.items is None else order.items.by_sku
    missing = Missing((f"{field} is missing",))

    def text(order: Order) -> str | Missing:
        value = getattr(order, field)
        return missing if value is None else value.casefold()

    return text


def _shown(field: str, seen: Any, order: Order) -> Any:
    """Return what a test saw as an answer shows it: the text as written, a number, SKUs."""
    if isinstance(seen, Missing):
        return None
    if field in MEASURES:
        return from_millionths(seen)
    if field == "sku" and order.items is not None:
        return [order.items.as_written(sku) for sku in seen]
    return getattr(order, field)


def _plain(value: object) -> object:
    """Return a value that was read as the card keeps it: exact numbers as text.

    Only of what was read: 1E+999999999 would be a gigabyte, and so would 0E-999999999.
    """
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return f"{value or Decimal(0):f}" if isinstance(value, Decimal) else value
