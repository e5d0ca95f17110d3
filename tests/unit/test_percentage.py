"""Percentages: of which costs, in what order, and withheld with what they are of."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.examples import (
    FALSE,
    NO_VOLUME,
    UNKNOWN,
    cost,
    flat,
    lines,
    order,
    percentage,
    problems,
    unit,
)


def test_a_percentage_takes_rounded_costs_charges_and_credits() -> None:
    """8.64 % of 1.38 and 2.50 is 0.34; of the unrounded 1.375 it would be 0.33."""
    rates = [unit(2, "weight_lb", "0.11"), flat(3, "2.50"), percentage(1, "8.64", 2, 3)]
    weighed = order(weight_lb=Decimal("12.5"))
    assert lines(cost(weighed, *rates)) == [(1, 34), (2, 138), (3, 250)]
    charged = order(weight_lb=Decimal("12.5"), charges=[(2, "10.00"), (3, "-20.00"), (9, "99.00")])
    assert lines(cost(charged, *rates))[0] == (1, -53)  # Of 1.38 + 10.00 + 2.50 - 20.00.


def test_percentages_of_percentages_are_worked_out_in_their_order() -> None:
    """Whatever their place in the card, each takes the rounded cost of the other."""
    rates = [
        percentage(1, "50", 2),
        percentage(2, "50", 3),
        percentage(3, "33.333333", 4),
        flat(4, "1.00"),
    ]
    assert lines(cost(order(), *rates)) == [(1, 9), (2, 17), (3, 33), (4, 100)]


def test_rates_of_one_service_stay_in_the_cards_order() -> None:
    """A percentage that is worked out last still stands where the card has it."""
    rates = [percentage(2, "10", 1), flat(2, "5"), flat(1, "1"), percentage(2, "20", 1)]
    result = cost(order(), *rates)
    assert lines(result) == [(1, 100), (2, 10), (2, 500), (2, 20)]
    assert [line.rate_index for line in result.service_costs] == [2, 0, 1, 3]


def test_what_depends_on_a_withheld_cost_is_withheld() -> None:
    """Through any number of percentages; of a service that is billed in part, too."""
    rates = [
        percentage(5, "10", 4),
        percentage(4, "10", 2, 3),
        unit(3, "volume_cuft", "1"),
        flat(3, "7.00"),
        unit(2, "weight_lb", "1"),
        percentage(6, "10", 3, when=FALSE),
        percentage(7, "10", 8),
        flat(8, "1.00"),
    ]
    result = cost(order(), *rates)
    assert lines(result) == [(3, 700), (7, 10), (8, 100)]
    assert problems(result) == [
        (2, "weight_lb is missing"),
        (3, NO_VOLUME),
        (4, "weight_lb is missing"),
        (4, NO_VOLUME),
        (5, "weight_lb is missing"),
        (5, NO_VOLUME),
    ]


def test_a_percentage_of_a_rate_with_an_unknown_condition_is_withheld() -> None:
    """A cost that may or may not apply is no base; one that does not apply is 0."""
    unknown = [flat(1, "1", when=UNKNOWN), percentage(2, "10", 1)]
    assert problems(cost(order(), *unknown)) == [(1, NO_VOLUME), (2, NO_VOLUME)]
    assert cost(order(), flat(1, "1", when=FALSE), percentage(2, "10", 1)) == (0, (), ())
    guarded = [flat(1, "1"), percentage(2, "10", 1, when=UNKNOWN), percentage(3, "10", 2)]
    result = cost(order(), *guarded)
    assert lines(result) == [(1, 100)]
    assert problems(result) == [(2, NO_VOLUME), (3, NO_VOLUME)]


@pytest.mark.parametrize(
    ("charge", "bounds", "amount"),
    [
        ("1.00", {"minimum": "3.50"}, 350),
        ("100.00", {"maximum": "3.50"}, 350),
        ("0.04", {}, None),
        ("0.05", {}, 1),
        ("-0.05", {}, -1),
        ("-100.00", {"maximum": "3.50"}, -1000),
    ],
)
def test_a_percentage_is_bounded_and_rounded_once(
    charge: str, bounds: dict[str, Any], amount: int | None
) -> None:
    """A tenth of a recorded charge, half a cent away from zero on both sides."""
    result = cost(order(charges=[(9, charge)]), percentage(1, "10", 9, **bounds))
    assert lines(result)[:-1] == ([] if amount is None else [(1, amount)])
