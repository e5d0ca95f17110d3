"""Explanation: why each amount is what it is, and why a rate charged nothing."""

from decimal import Decimal
from typing import Any

import pytest

from billing.domain.explanation import explain_order
from billing.domain.orders import Order
from billing.domain.strict_json import dumps, loads
from tests.unit.examples import (
    FALSE,
    NO_VOLUME,
    TRUE,
    UNKNOWN,
    Row,
    check,
    flat,
    markup,
    order,
    percentage,
    pricing,
    tier,
    tiered,
    unit,
)


def explained(priced: Order, *rates: Row, **more: Any) -> dict[str, Any]:
    """Return an order's explanation as plain data."""
    return explain_order(priced, pricing(*rates, **more)).as_json()


def reasons(explanation: dict[str, Any]) -> list[str]:
    """Return why rates charged nothing, in the card's order."""
    return [rate["text"] for rate in explanation["not_charged"]]


def test_a_line_is_explained_as_data() -> None:
    """Rate, card, measure, steps, condition, bound and rounding, each by its name."""
    weighed = order(weight_lb=Decimal("12.5"))
    rate = unit(4, "weight_lb", "0.11", when=check("weight_lb", "gt", 10), maximum="1.37")
    (line,) = explained(weighed, rate)["service_costs"]
    assert line == {
        "service_id": 4,
        "service_name": None,
        "amount": Decimal("1.37"),
        "explanation": {
            "text": "12.5 weight_lb at 0.11; maximum 1.37; rounded half up to 1.37",
            "rate": {"card": 7, "index": 0, "effective_from": "2023-01-01"},
            "model": "unit",
            "measure": "weight_lb",
            "quantity": Decimal("12.5"),
            "measured_on": [],
            "steps": [{"text": "12.5 weight_lb at 0.11", "amount": Decimal("1.375")}],
            "condition": check("weight_lb", "gt", 10) | {"saw": Decimal("12.5"), "verdict": True},
            "minimum_applied": None,
            "maximum_applied": Decimal("1.37"),
            "before_rounding": Decimal("1.37"),
            "amount": Decimal("1.37"),
        },
    }


def test_a_percentage_names_the_costs_it_is_of() -> None:
    """The rounded lines of those services, charges and credits among them."""
    charged = order(charges=[(2, "-1.00"), (9, "5.00")])
    rates = [flat(2, "2.505"), percentage(1, "10", 2, minimum="0.50")]
    explanation = explained(charged, *rates)["service_costs"][0]["explanation"]
    assert explanation["text"] == "10 % of 1.51; minimum 0.50; rounded half up to 0.50"
    assert explanation["percent"] == Decimal(10)
    assert explanation["of"] == [
        {"service_id": 2, "amount": Decimal("-1.00")},
        {"service_id": 2, "amount": Decimal("2.51")},
    ]
    assert explanation["steps"] == [{"text": "10 % of 1.51", "amount": Decimal("0.151")}]
    assert explanation["minimum_applied"] == Decimal("0.50")


def test_charges_are_explained_with_and_without_a_markup() -> None:
    """Marked up: the charge, the percent and the rate; otherwise billed as it is."""
    charged = order(charges=[(3, "4.25"), (3, "0.00"), (3, "-2.05"), (5, "1.00")])
    lines = explained(charged, markup(3, "10"))["service_costs"]
    assert [line["explanation"]["text"] for line in lines] == [
        "a recorded charge of 4.25 plus 10 %; rounded half up to 4.68",
        "a recorded charge of -2.05 plus 10 %; rounded half up to -2.26",
        "a recorded charge of 1.00, as it is",
    ]
    assert [line["explanation"].get("charge") for line in lines] == [
        Decimal("4.25"),
        Decimal("-2.05"),
        None,
    ]
    unmarked = explained(charged, markup(3, "10", when=FALSE))
    assert [line["explanation"] for line in unmarked["service_costs"]] == [
        {"text": f"a recorded charge of {amount}, as it is"} for amount in ("4.25", "-2.05", "1.00")
    ]
    assert reasons(unmarked) == ["the condition does not hold"]


def test_what_was_measured_is_said_sku_by_sku() -> None:
    """As the order writes them, added up over its lines, narrowed as the rate narrows them."""
    counted = order([("AB-1", "10"), ("ab 1", "20.5"), ("CD-2", "7"), ("EF-3", "0")])
    rates = [
        unit(1, "cases", "1", skus=["ab1"]),
        unit(2, "units", "1", exclude_skus=["AB1"]),
        unit(3, "packages", "1"),
    ]
    lines = explained(counted, *rates, products={"AB-1": 12})["service_costs"]
    assert [line["explanation"]["measured_on"] for line in lines] == [
        ["30.5 units of AB-1 at 12 a case: 2 cases, 6.5 loose"],
        ["7 units of CD-2"],
    ]


@pytest.mark.parametrize(
    ("rate", "reason"),
    [
        (flat(1, "1", when=FALSE), "the condition does not hold"),
        (flat(1, "1", when=UNKNOWN), "the condition is unknown"),
        (flat(1, "0", when=TRUE), "the cost comes to zero"),
        (unit(1, "units", "0.0001"), "the cost comes to zero"),
        (flat(1, "1", maximum="0"), "the cost comes to zero"),
        (unit(1, "skus", "1", skus=["x"]), "0 skus"),
        (unit(1, "volume_cuft", "1"), NO_VOLUME),
        (unit(1, "cases", "1"), "SKU A has no product row; SKU b 2 has no product row"),
        (tiered(1, "volume", "units", tier("2.5", "1")), "3 units are above the last tier"),
        (markup(1, "10"), "the order has no recorded charge for this service"),
        (percentage(1, "10", 9), "its part comes to nothing, or what it is a part of is unknown"),
    ],
)
def test_a_rate_that_charged_nothing_says_why(rate: Row, reason: str) -> None:
    """With its place in the card and what its condition saw."""
    explanation = explained(order({"A": "1", "b 2": "2"}), flat(2, "1"), rate)
    (silent,) = explanation["not_charged"]
    assert silent["text"] == reason
    assert silent["rate"] == {"card": 7, "index": 1, "effective_from": "2023-01-01"}
    condition = silent["condition"]
    assert (condition is None) is ("when" not in rate)
    assert condition is None or "verdict" in condition


def test_a_cancelled_order_is_explained() -> None:
    """Nothing is charged, not even what was recorded, and every rate says so."""
    cancelled = order({"A": "1"}, charges=[(1, "5.00")], status="Canceled")
    explanation = explained(cancelled, flat(1, "1"), unit(2, "units", "1", when=TRUE))
    assert explanation["total_amount"] == 0
    assert explanation["service_costs"] == []
    assert reasons(explanation) == ["the order is cancelled"] * 2


def test_every_problem_is_said_once() -> None:
    """Of all rates; a sentence that two rates share stands once, in the order of pricing."""
    rates = [unit(1, "volume_cuft", "1"), unit(2, "volume_cuft", "2"), percentage(3, "1", 1)]
    assert explained(order(), *rates)["problems"] == [NO_VOLUME]


def test_an_explanation_is_json() -> None:
    """Numbers leave exact, whatever the rate."""
    rates = [unit(1, "units", "0.000001"), markup(9, "0.000001", when=UNKNOWN), flat(2, "1")]
    data = explained(order({"A": "123456.654321"}, charges=[(9, "1.00")]), *rates)
    assert loads(dumps(data)) == data
