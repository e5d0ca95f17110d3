"""Rate steps: what each kind of rate adds to an order's costs, and when it is withheld."""

from decimal import Decimal

import pytest

from tests.unit.examples import (
    FALSE,
    NO_VOLUME,
    TRUE,
    UNKNOWN,
    check,
    cost,
    flat,
    lines,
    order,
    percentage,
    problems,
    tier,
    tiered,
    unit,
)

PRODUCTS = {"AB-1": 12, "CD-2": 5, "EF-3": 1}


@pytest.mark.parametrize(
    ("items", "cases", "loose"),
    [
        ({"AB-1": "30", "CD-2": "7"}, "3", "8"),
        ({"ab 1": "11.999999", "CD-2": "5"}, "1", "11.999999"),
        ({"AB-1": "6", "A-B1": "6"}, "1", "0"),
        ({"AB-1": "30.5"}, "2", "6.5"),
        ({"EF-3": "7.25"}, "0", "7.25"),
        ({"AB-1": "0", "CD-2": "0.000001"}, "0", "0.000001"),
        ({"AB-1": "999999999"}, "83333333", "3"),
    ],
)
def test_cases_are_full_per_sku_over_the_whole_order(
    items: dict[str, str], cases: str, loose: str
) -> None:
    """What is left is loose; a product with 1 a case is all loose; fractions stay exact."""
    result = cost(
        order(items),
        unit(1, "cases", "1"),
        unit(2, "loose_units", "100"),
        products=PRODUCTS,
        decimals=4,
    )
    quantities = {line.service_id: line.quantity for line in result.service_costs}
    expected = {1: int(Decimal(cases) * 1_000_000), 2: int(Decimal(loose) * 1_000_000)}
    assert quantities == {service: quantity for service, quantity in expected.items() if quantity}
    assert result.problems == ()


def test_every_sku_without_a_product_row_is_named() -> None:
    """In the order's own spelling; SKUs of quantity 0 need no product; the rest is billed."""
    mixed = order({"x-1": "1", "AB-1": "12", "Y 2": "3", "Z": "0", "X 1": "2"})
    result = cost(mixed, flat(1, "1"), unit(2, "cases", "1"), products=PRODUCTS)
    assert lines(result) == [(1, 100)]
    assert problems(result) == [
        (2, "SKU x-1 has no product row"),
        (2, "SKU Y 2 has no product row"),
    ]


@pytest.mark.parametrize(
    ("measure", "all_", "only", "without", "both"),
    [
        ("lines", 4, 3, 1, 2),
        ("units", 42, 35, 7, 30),
        ("skus", 3, 2, 1, 1),
        ("cases", 4, 3, 1, 2),
        ("loose_units", 8, 6, 2, 6),
    ],
)
def test_an_item_measure_can_be_narrowed(
    measure: str, all_: int, only: int, without: int, both: int
) -> None:
    """To some SKUs, to all but some, or to some but others; compared as SKUs compare."""
    counted = order([("AB-1", "30"), ("AB1", "0"), ("CD-2", "7"), ("EF-3", "5")])
    wide = [
        unit(1, measure, "1"),
        unit(2, measure, "1", skus=["ab 1", "EF3"]),
        unit(3, measure, "1", exclude_skus=["a-b-1", "ef-3"]),
        unit(4, measure, "1", skus=["AB1", "ef3"], exclude_skus=["EF-3"]),
    ]
    products = {"AB-1": 12, "CD-2": 5, "EF-3": 5}
    result = cost(counted, *wide, products=products)
    expected = enumerate([all_, only, without, both], start=1)
    assert lines(result) == [(service_id, 100 * quantity) for service_id, quantity in expected]


@pytest.mark.parametrize("measure", ["lines", "units", "skus", "cases", "loose_units"])
def test_a_narrowed_measure_needs_the_items(measure: str) -> None:
    """Totals cannot stand in for a part; and only the SKUs asked for need a product."""
    summed = order(line_items=Decimal(3), total_item_qty=Decimal(30))
    narrowed = unit(1, measure, "1", skus=["AB-1"])
    assert problems(cost(summed, narrowed)) == [(1, "items are missing")]
    result = cost(order({"AB-1": "13", "X": "1"}), narrowed, products=PRODUCTS)
    assert len(lines(result)) == 1
    assert result.problems == ()


@pytest.mark.parametrize("bound", [{}, {"minimum": "3.50"}, {"maximum": "9"}])
def test_a_quantity_of_0_costs_nothing(bound: dict[str, str]) -> None:
    """No flat_amount of a tier, no started package, no minimum; and no attention."""
    package = {"model": "package", "measure": "units", "package_size": "5", "package_price": "9"}
    rates = [
        tiered(1, "graduated", "units", tier("5", "1", "7"), **bound),
        tiered(2, "volume", "cases", tier(None, "1", "7"), **bound),
        {"service_id": 3, "price": package, **bound},
        unit(4, "weight_lb", "1", **bound),
        unit(5, "skus", "1", skus=["x"], **bound),
        percentage(6, "50", 1, 2, **bound),
    ]
    assert cost(order({}, weight_lb=Decimal(0)), *rates) == (0, (), ())


def test_a_quantity_above_the_last_closed_tier_needs_attention() -> None:
    """It has no price, so its cost is withheld with every percentage of it."""
    rates = [
        tiered(1, "graduated", "units", tier("5", "1"), tier("10", "2")),
        tiered(2, "volume", "weight_lb", tier("10.5", "1"), minimum="3"),
        percentage(3, "10", 2),
        flat(4, "1"),
    ]
    result = cost(order({"A": "10.000001"}, weight_lb=Decimal(11)), *rates)
    assert lines(result) == [(4, 100)]
    assert problems(result) == [
        (1, "10.000001 units are above the last tier"),
        (2, "11 weight_lb are above the last tier"),
        (3, "11 weight_lb are above the last tier"),
    ]
    within = cost(order({"A": "10"}, weight_lb=Decimal("10.5")), *rates)
    assert lines(within) == [(1, 1500), (2, 1050), (3, 105), (4, 100)]


def test_a_condition_lets_a_rate_in_or_not() -> None:
    """False: no cost, no problem. Unknown: withheld, and all that is missing is said."""
    unknown = {"all": [UNKNOWN, check("weight_lb", "gt", 1)]}
    result = cost(
        order(), flat(1, "1", when=TRUE), flat(2, "2", when=FALSE), flat(3, "3", when=unknown)
    )
    assert lines(result) == [(1, 100)]
    assert problems(result) == [(3, NO_VOLUME), (3, "weight_lb is missing")]


def test_a_rate_that_does_not_apply_asks_for_nothing() -> None:
    """A missing quantity under a condition that is false needs no attention."""
    assert cost(order(), unit(1, "weight_lb", "1", when=FALSE)) == (0, (), ())


@pytest.mark.parametrize(
    ("price", "bounds", "amount"),
    [
        ("3.30", {"minimum": "3.50"}, 350),
        ("3.504", {"minimum": "3.50"}, 350),
        ("3.505", {"minimum": "3.50"}, 351),
        ("0.000001", {"minimum": "3.50"}, 350),
        ("0", {"minimum": "3.50"}, None),
        ("50.004", {"maximum": "50.00"}, 5000),
        ("49.996", {"maximum": "50.00"}, 5000),
        ("49.994", {"maximum": "50.00"}, 4999),
        ("9", {"maximum": "0"}, None),
        ("9", {"minimum": "4", "maximum": "4"}, 400),
        ("0.004", {"minimum": "0"}, None),
        ("0.004", {"minimum": "0.01", "maximum": "0.02"}, 1),
    ],
)
def test_bounds_hold_before_rounding_for_a_cost_that_is_not_zero(
    price: str, bounds: dict[str, str], amount: int | None
) -> None:
    """A cost of a millionth is lifted to the minimum; one of zero stays zero."""
    expected = [] if amount is None else [(1, amount)]
    assert lines(cost(order(), flat(1, price, **bounds))) == expected
