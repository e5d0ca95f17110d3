"""Markup: recorded charges at cost plus a percentage, each its own line."""

import pytest

from tests.unit.examples import (
    FALSE,
    NO_VOLUME,
    TRUE,
    UNKNOWN,
    cost,
    flat,
    lines,
    markup,
    order,
    percentage,
    problems,
)

CHARGES = [(3, "4.20"), (5, "1.00"), (3, "-2.05"), (3, "0.00"), (3, "0.05")]


def test_every_charge_of_the_service_is_its_own_line() -> None:
    """At cost plus percent, rounded each, credits too, in the order they were given."""
    result = cost(order(charges=CHARGES), markup(3, "10"))
    assert lines(result) == [(3, 462), (3, -226), (3, 6), (5, 100)]
    assert [line.charge_index for line in result.service_costs] == [0, 2, 4, 1]
    assert [line.rate_index for line in result.service_costs] == [0, 0, 0, None]
    assert [line.quantity for line in result.service_costs] == [None] * 4


@pytest.mark.parametrize(
    ("percent", "decimals", "charge", "amount"),
    [
        ("0", 2, "4.20", 420),
        ("12.5", 2, "0.20", 23),
        ("12.499999", 2, "0.20", 22),
        ("10", 0, "5", 6),
        ("10", 0, "-5", -6),
        ("0.000001", 4, "1.0000", 10_000),
        ("0.5", 4, "0.0001", 1),
        ("1000000", 3, "0.001", 10_001),
    ],
)
def test_a_markup_is_exact_in_every_currency(
    percent: str, decimals: int, charge: str, amount: int
) -> None:
    """Half a minor unit goes away from zero, a millionth less does not."""
    result = cost(order(charges=[(3, charge)]), markup(3, percent), decimals=decimals)
    assert lines(result) == [(3, amount)]


def test_a_condition_that_does_not_hold_leaves_the_charges_as_they_are() -> None:
    """They are billed at cost, and no rate made them."""
    result = cost(order(charges=CHARGES), markup(3, "10", when=FALSE))
    assert lines(result) == [(3, 420), (3, -205), (3, 5), (5, 100)]
    assert [line.rate_index for line in result.service_costs] == [None] * 4
    assert result == cost(order(charges=CHARGES))
    held = cost(order(charges=CHARGES), markup(3, "10", when=TRUE))
    assert lines(held) == lines(cost(order(charges=CHARGES), markup(3, "10")))


def test_an_unknown_condition_withholds_the_charges() -> None:
    """With every percentage of them; charges of other services are billed."""
    rates = [markup(3, "10", when=UNKNOWN), percentage(7, "10", 3, 5), percentage(8, "10", 5)]
    result = cost(order(charges=CHARGES), *rates)
    assert lines(result) == [(5, 100), (8, 10)]
    assert problems(result) == [
        (3, NO_VOLUME),
        (7, NO_VOLUME),
    ]


def test_without_charges_a_markup_asks_for_nothing() -> None:
    """Where there is nothing to mark up, an unknown condition decides nothing."""
    assert cost(order(charges=[(5, "1.00")]), markup(3, "10", when=UNKNOWN)).problems == ()


def test_a_percentage_takes_the_marked_up_amounts() -> None:
    """As they are billed: 4.62, not 4.20."""
    result = cost(order(charges=[(3, "4.20")]), percentage(1, "50", 3), markup(3, "10"))
    assert lines(result) == [(1, 231), (3, 462)]


def test_marked_up_charges_stand_before_the_rates_of_their_service() -> None:
    """Charges as given, then rates as in the card, whatever made their amount."""
    rates = [flat(3, "1.00"), markup(3, "10"), flat(3, "2.00")]
    result = cost(order(charges=CHARGES), *rates)
    assert lines(result) == [(3, 462), (3, -226), (3, 6), (3, 100), (3, 200), (5, 100)]
