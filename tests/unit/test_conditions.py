"""Conditions: three-valued groups over tests, what they miss and what they saw."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from billing.domain.conditions import read_condition, verdict_on
from billing.domain.errors import InvalidValueError
from tests.unit.examples import FALSE, TRUE, UNKNOWN, check, order

VERDICTS: dict[str, bool | None] = {"T": True, "F": False, "U": None}
LEAVES = {"T": TRUE, "F": FALSE, "U": UNKNOWN}
# For members TFU, then TT TF TU FT FF FU UT UF UU, then TTT TTF TTU TFT ... UUU, in that order.
TRUTH = {
    "all": ("TFU", "TFU FFF UFU", "TFUFFFUFU FFFFFFFFF UFUFFFUFU"),
    "any": ("TFU", "TTT TFU TUU", "TTTTTTTTT TTTTFUTUU TTTTUUTUU"),
    "none": ("FTU", "FFF FTU FUU", "FFFFFFFFF FFFFTUFUU FFFFUUFUU"),
    "one": ("TFU", "FTU TFU UUU", "FFFFTUFUU FTUTFUUUU FUUUUUUUU"),
}


def verdict(condition: Any) -> bool | None:
    """Return what a condition decides on an order that has nothing but itself."""
    return verdict_on(read_condition(condition), order(), {})


@pytest.mark.parametrize("word", TRUTH)
@pytest.mark.parametrize("length", [1, 2, 3])
def test_groups_decide_as_the_truth_table_says(word: str, length: int) -> None:
    """Every combination of true, false and unknown, to the last one."""
    expected = TRUTH[word][length - 1].replace(" ", "")
    members = list(product("TFU", repeat=length))
    assert len(expected) == len(members)
    for letters, answer in zip(members, expected, strict=True):
        condition = {word: [LEAVES[letter] for letter in letters]}
        assert verdict(condition) is VERDICTS[answer], (word, letters)


@pytest.mark.parametrize(("member", "answer"), ["TF", "FT", "UU"])
def test_not_turns_a_verdict_round(member: str, answer: str) -> None:
    """What is unknown stays unknown."""
    assert verdict({"not": LEAVES[member]}) is VERDICTS[answer]


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ({"not": {"not": UNKNOWN}}, "U"),
        ({"any": [FALSE, {"all": [TRUE, {"not": FALSE}]}]}, "T"),
        ({"all": [{"any": [UNKNOWN, TRUE]}, {"none": [FALSE, FALSE]}]}, "T"),
        ({"all": [{"any": [UNKNOWN, FALSE]}, {"none": [FALSE, FALSE]}]}, "U"),
        ({"all": [{"any": [UNKNOWN, FALSE]}, {"none": [UNKNOWN, TRUE]}]}, "F"),
        ({"not": {"one": [TRUE, UNKNOWN, TRUE]}}, "T"),
        ({"one": [{"all": [TRUE]}, {"not": TRUE}, {"none": [TRUE, UNKNOWN]}]}, "T"),
        ({"none": [{"one": [TRUE, TRUE, UNKNOWN]}, {"all": [UNKNOWN, FALSE]}]}, "T"),
    ],
)
def test_groups_nest_freely(condition: Any, answer: str) -> None:
    """A group is a member like any other; an unknown that decides nothing goes unnoticed."""
    assert verdict(condition) is VERDICTS[answer]


def test_one_with_two_trues_is_false_whatever_is_unknown() -> None:
    """Exactly one cannot become true again."""
    for members in ([TRUE, TRUE, UNKNOWN], [UNKNOWN, TRUE, TRUE], [TRUE, UNKNOWN, TRUE]):
        assert verdict({"one": members}) is False


def test_what_leaves_a_condition_unknown_is_named_once() -> None:
    """Only members that are undecided themselves are asked, each sentence once."""
    weight = check("weight_lb", "gt", 1)
    decided = {"any": [TRUE, check("packages", "gt", 1)]}
    condition = read_condition({"all": [weight, decided, {"not": weight}, UNKNOWN]})
    assert condition.missing(order(), {}) == ("weight_lb is missing", "volume_cuft is missing")
    assert condition.missing(order(weight_lb=Decimal(0)), {}) == ()
    assert read_condition(check("weight_lb", "missing")).missing(order(), {}) == ()


def test_a_trace_tells_what_each_test_saw_and_decided() -> None:
    """Text as the order has it, numbers exact, SKUs as the warehouse writes them."""
    condition = read_condition(
        {
            "all": [
                check("carrier", "eq", "ups"),
                {"not": check("weight_lb", "between", [1, Decimal("2.50")])},
                {"any": [check("sku", "contains", "ab1"), check("notes", "eq", "x")]},
            ]
        }
    )
    seen = order({"AB-1": "3", "C 2": "1", "D": "0"}, carrier="UPS", weight_lb=Decimal("12.5"))
    assert condition.trace(seen, {}) == {
        "all": [
            check("carrier", "eq", "ups") | {"saw": "UPS", "verdict": True},
            {
                "not": check("weight_lb", "between", [1, "2.50"])
                | {"saw": Decimal("12.5"), "verdict": False},
                "verdict": True,
            },
            {
                "any": [
                    check("sku", "contains", "ab1") | {"saw": ["AB-1", "C 2"], "verdict": True},
                    check("notes", "eq", "x") | {"saw": None, "verdict": None},
                ],
                "verdict": True,
            },
        ],
        "verdict": True,
    }


def test_conditions_write_themselves_as_they_were_read() -> None:
    """JSON in, JSON out; numbers that are no integers become their text."""
    data = {
        "one": [
            {"not": check("carrier", "in", ["UPS", " usps "])},
            {"none": [check("units", "between", [1, "2.50"]), check("sku", "only", "A")]},
            {"any": [check("notes", "missing")]},
        ]
    }
    assert read_condition(data).as_json() == data
    exact = read_condition(check("weight_lb", "eq", Decimal("1E+1")))
    assert exact.as_json() == check("weight_lb", "eq", "10")
    assert read_condition(exact.as_json()) == exact


def test_no_number_is_written_out_at_an_insane_length() -> None:
    """Few characters of JSON can stand for more digits than any memory holds."""
    huge = Decimal("1E+999999999999")
    for value in (huge, [huge], [1, huge]):
        for op in ("eq", "between", "missing"):
            with pytest.raises(InvalidValueError, match="value:"):
                read_condition(check("weight_lb", op, value))
    tiny = read_condition(check("weight_lb", "eq", Decimal("0E-999999999999")))
    assert tiny.as_json() == check("weight_lb", "eq", "0")


@pytest.mark.parametrize(
    ("condition", "place", "problem"),
    [
        (5, None, "Not a JSON object."),
        ({}, "field", "Missing data"),
        ({"all": []}, "all", "Not a list with at least one condition."),
        ({"none": {}}, "none", "Not a list with at least one"),
        ({"one": None}, "one", "Not a list with at least one"),
        ({"not": []}, "not", "Not a JSON object."),
        ({"not": [TRUE]}, "not", "Not a JSON object."),
        ({"all": [TRUE], "any": [TRUE]}, None, "A group holds one word alone"),
        ({"all": [TRUE], "field": "carrier"}, None, "A group holds one word alone"),
        ({"xor": [TRUE]}, "xor", "Unknown field."),
        ({"any": [TRUE, 5]}, "any[1]", "Not a JSON object."),
        ({"any": [{"not": check("carrier", "is", 1)}]}, "any[0].not.op", "Unknown operator"),
        ({"all": [TRUE, {"one": [check("mood", "eq", 1)]}]}, "all[1].one[0].field", "Unknown"),
    ],
)
def test_a_wrong_condition_is_refused_by_its_place(
    condition: Any, place: str | None, problem: str
) -> None:
    """Groups are never empty, hold one word alone, and everything in them can run."""
    with pytest.raises(InvalidValueError) as refused:
        read_condition(condition)
    assert refused.value.field == place
    assert refused.value.problem.startswith(problem)


@pytest.mark.parametrize(("word", "deepest"), [("not", 28), ("all", 14)])
def test_groups_nest_as_deep_as_json_of_32_levels_lets_them(word: str, deepest: int) -> None:
    """A list takes a level of its own; one group more is refused by its place."""

    def nested(depth: int) -> Any:
        condition: Any = TRUE
        for _ in range(depth):
            condition = {word: condition if word == "not" else [condition]}
        return condition

    assert verdict(nested(deepest)) is True
    with pytest.raises(InvalidValueError, match="Nested deeper than 32 levels") as refused:
        read_condition(nested(deepest + 1))
    place = "not" if word == "not" else "all[0]"
    assert refused.value.field == ".".join([place] * (deepest + 1))
