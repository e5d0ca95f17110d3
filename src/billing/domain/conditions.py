"""Conditions: when a rate applies; three-valued, as SQL's: true, false, or None for unknown.

A condition is read and checked once, when a card is saved, and compiled once per pricing into a
function over an order's facts. `trace` tells what it saw, by the very tests that decided.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from billing.domain.condition_tests import Test, read_test
from billing.domain.errors import InvalidValueError
from billing.domain.facts import Facts, Looks
from billing.domain.measures import UnitsPerCase
from billing.domain.orders import Order
from billing.domain.strict_json import MAX_DEPTH

WHEN_LEVEL = 4
"""The JSON level of a rate's condition in the body that it comes in: body, rates, rate, when."""

Verdict = bool | None
"""True, False, or None when missing data leaves it unknown."""
Check = Callable[[Facts], Verdict]


class Condition(Protocol):
    """A test or a group of conditions."""

    def compile(self, looks: Looks, /) -> Check:
        """Return the function that decides over the facts that `looks` will see."""

    def tests(self) -> Iterator[Test]:
        """Return every test in it."""

    def missing(self, order: Order, products: UnitsPerCase, /) -> tuple[str, ...]:
        """Return what leaves it unknown on an order; nothing when it is decided."""

    def trace(self, order: Order, products: UnitsPerCase, /) -> dict[str, Any]:
        """Return the condition as data with each part's verdict and what the tests saw."""

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read_condition` takes."""


def _all(checks: Sequence[Check]) -> Check:
    def decide(facts: Facts) -> Verdict:
        unknown = False
        for check in checks:
            verdict = check(facts)
            if verdict is False:
                return False
            if verdict is None:
                unknown = True
        return None if unknown else True

    return decide


def _any(checks: Sequence[Check]) -> Check:
    def decide(facts: Facts) -> Verdict:
        unknown = False
        for check in checks:
            verdict = check(facts)
            if verdict:
                return True
            if verdict is None:
                unknown = True
        return None if unknown else False

    return decide


def _none(checks: Sequence[Check]) -> Check:
    some = _any(checks)

    def decide(facts: Facts) -> Verdict:
        verdict = some(facts)
        return None if verdict is None else not verdict

    return decide


def _one(checks: Sequence[Check]) -> Check:
    """Exactly one: two trues are false, whatever else is unknown."""

    def decide(facts: Facts) -> Verdict:
        verdicts = [check(facts) for check in checks]
        trues = verdicts.count(True)
        if trues > 1:
            return False
        return None if None in verdicts else trues == 1

    return decide


GROUPS: dict[str, Callable[[Sequence[Check]], Check]] = {
    "all": _all,
    "any": _any,
    "none": _none,
    "one": _one,
    "not": _none,
}


@dataclass(frozen=True, slots=True)
class Group:
    """Several conditions under one word; `not` holds exactly one."""

    word: str
    members: tuple[Condition, ...]

    def compile(self, looks: Looks, /) -> Check:
        """Return the function that decides over facts."""
        return GROUPS[self.word]([member.compile(looks) for member in self.members])

    def tests(self) -> Iterator[Test]:
        """Return every test in it."""
        for member in self.members:
            yield from member.tests()

    def missing(self, order: Order, products: UnitsPerCase, /) -> tuple[str, ...]:
        """Return what leaves it unknown: what its undecided members miss."""
        if verdict_on(self, order, products) is not None:
            return ()
        missing = (text for member in self.members for text in member.missing(order, products))
        return tuple(dict.fromkeys(missing))

    def trace(self, order: Order, products: UnitsPerCase, /) -> dict[str, Any]:
        """Return the group with its verdict and those of its members."""
        members = [member.trace(order, products) for member in self.members]
        return {self.word: self._shaped(members), "verdict": verdict_on(self, order, products)}

    def as_json(self) -> dict[str, Any]:
        """Return the form that `read_condition` takes."""
        return {self.word: self._shaped([member.as_json() for member in self.members])}

    def _shaped(self, members: list[dict[str, Any]]) -> Any:
        return members[0] if self.word == "not" else members


def verdict_on(condition: Condition, order: Order, products: UnitsPerCase) -> Verdict:
    """Decide one condition over one order."""
    looks = Looks(products)
    check = condition.compile(looks)
    return check(looks.facts(order))


def read_condition(data: object, level: int = WHEN_LEVEL) -> Condition:
    """Read a condition; a refusal names its place, such as `all[0].op`.

    level: how deep in JSON it stands; nothing may stand deeper than level 32.
    """
    if not isinstance(data, dict):
        raise InvalidValueError("Not a JSON object.")
    if level + isinstance(data.get("value"), list) > MAX_DEPTH:
        raise InvalidValueError(f"Nested deeper than {MAX_DEPTH} levels of JSON.")
    words = [key for key in data if key in GROUPS]
    if not words:
        return read_test(data)
    if len(data) != 1:
        raise InvalidValueError(f"A group holds one word alone: {', '.join(GROUPS)}.")
    word = words[0]
    if word == "not":
        return Group(word, (_placed(data[word], level + 1, word),))
    members = data[word]
    if not isinstance(members, list) or not members:
        raise InvalidValueError("Not a list with at least one condition.", field=word)
    return Group(
        word,
        tuple(_placed(member, level + 2, f"{word}[{i}]") for i, member in enumerate(members)),
    )


def _placed(data: object, level: int, place: str) -> Condition:
    try:
        return read_condition(data, level)
    except InvalidValueError as error:
        raise error.at(place) from None
