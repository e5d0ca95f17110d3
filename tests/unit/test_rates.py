"""Rates and rate cards: what is read, what is refused and where, and what a card looks at."""

from typing import Any

import pytest

from billing.domain.costs import needs_products
from billing.domain.errors import InvalidValueError
from billing.domain.rate_reading import read_rates
from billing.domain.rates import evaluation_order
from tests.unit.examples import (
    FALSE,
    TRUE,
    check,
    flat,
    markup,
    percentage,
    pricing,
    tier,
    tiered,
    unit,
)

WHOLE = [
    flat(1, "2.50", when={"all": [check("carrier", "in", ["UPS", "USPS"]), {"not": TRUE}]}),
    unit(2, "units", "0.35", skus=["A-1", "b 2"], exclude_skus=["C3"], minimum="3.00"),
    tiered(3, "graduated", "cases", tier("3", "2.00", "1.00"), tier(None, "1.50"), maximum="50"),
    percentage(4, "12.5", 2, 3, minimum="0.10", maximum="0.10"),
    markup(5, "10", when=check("sku", "only", ["A1"])),
]


def refused(rates: Any) -> InvalidValueError:
    """Return the refusal of a card."""
    with pytest.raises(InvalidValueError) as info:
        read_rates(rates)
    return info.value


def test_rates_write_themselves_as_they_were_read() -> None:
    """JSON in, JSON out; what is null was never given; reading again gives the same rates."""
    rates = read_rates(WHOLE)
    assert [rate.as_json() for rate in rates] == WHOLE
    assert read_rates([rate.as_json() for rate in rates]) == rates
    nothing = dict.fromkeys(("when", "skus", "exclude_skus", "minimum", "maximum"))
    assert read_rates([flat(1, "1") | nothing]) == read_rates([flat(1, "1")])
    assert read_rates([]) == ()


@pytest.mark.parametrize(
    ("rate", "place", "problem"),
    [
        ([], None, "Not a JSON object."),
        ({"service_id": 1}, "price", "Missing data"),
        ({"price": {}}, "service_id", "Missing data"),
        (flat(1, "1") | {"service_id": "1"}, "service_id", "Not a valid id"),
        (flat(1, "1", name="x"), "name", "Unknown field."),
        (flat(1, "x"), "price.amount", "Not a valid number"),
        (flat(1, "1", price={"model": "gratis"}), "price.model", "Unknown model"),
        (tiered(1, "volume", "units", tier("1", "1"), {}), "price.tiers[1]", "Missing: give"),
        (tiered(1, "volume", "x", tier("1", "1")), "price.measure", "Unknown measure"),
        (percentage(1, "1", 2, 0), "price.of[1]", "Not a valid id"),
        (flat(1, "1", when=[]), "when", "Not a JSON object."),
        (flat(1, "1", when={"all": [check("carrier", "is", 1)]}), "when.all[0].op", "Unknown op"),
        (
            flat(1, "1", when={"any": [TRUE, {"not": check("weight_lb", "gt", "x")}]}),
            "when.any[1].not.value",
            "Not a valid number",
        ),
        (unit(1, "units", "1", skus=[]), "skus", "Not a list of 1 to 10,000 SKUs."),
        (unit(1, "units", "1", skus="A"), "skus", "Not a list"),
        (unit(1, "units", "1", exclude_skus=[" "]), "exclude_skus[0]", "Missing"),
        (unit(1, "units", "1", exclude_skus=[5]), "exclude_skus[0]", "Not a valid string."),
        (unit(1, "units", "1", skus=["A"] * 10_001), "skus", "Not a list"),
        (flat(1, "1", skus=["A"]), "skus", "Only a measure of items can be narrowed"),
        (unit(1, "order", "1", skus=["A"]), "skus", "Only a measure of items"),
        (unit(1, "packages", "1", exclude_skus=["A"]), "exclude_skus", "Only a measure of items"),
        (unit(1, "weight_lb", "1", skus=["A"]), "skus", "Only a measure of items"),
        (unit(1, "volume_cuft", "1", skus=["A"], exclude_skus=["A"]), "skus", "Only a measure"),
        (percentage(1, "1", 2, skus=["A"]), "skus", "Only a measure of items"),
        (markup(1, "1", exclude_skus=["A"]), "exclude_skus", "Only a measure of items"),
        (flat(1, "1", minimum="-1"), "minimum", "Out of range"),
        (flat(1, "1", minimum="1.23456"), "minimum", "Has more than 4 decimals."),
        (flat(1, "1", maximum=1.5), "maximum", "Not a valid number"),
        (flat(1, "1", minimum="2", maximum="1.99"), "minimum", "Is above the maximum."),
        (markup(1, "1", minimum="1"), "minimum", "A markup has no minimum or maximum."),
        (markup(1, "1", maximum="1"), "maximum", "A markup has no minimum or maximum."),
    ],
)
def test_a_wrong_rate_is_refused_by_its_place(rate: Any, place: str | None, problem: str) -> None:
    """The place counts from the card: rates[2] is the third of its rates."""
    refusal = refused([flat(1, "1"), flat(2, "2"), rate])
    assert refusal.field == ("rates[2]" if place is None else f"rates[2].{place}")
    assert refusal.problem.startswith(problem)


def test_a_card_has_at_most_1000_tests() -> None:
    """Over all its rates, counted inside the groups; the rate that passes it is named."""
    half = {"any": [{"not": {"all": [FALSE] * 250}}, {"one": [TRUE] * 250}]}
    rates = [flat(1, "1", when=half), flat(2, "1"), flat(3, "1", when=half)]
    assert len(read_rates(rates)) == 3
    refusal = refused([*rates, flat(4, "1", when=TRUE)])
    assert (refusal.field, refusal.problem) == ("rates[3].when", "More than 1,000 tests a card.")


def test_a_card_has_at_most_1000_rates() -> None:
    """A longer list is refused before it is looked at."""
    assert len(read_rates([flat(1, "1")] * 1_000)) == 1_000
    refusal = refused([None] * 1_001)
    assert (refusal.field, refusal.problem) == ("rates", "More than 1,000 rates.")


@pytest.mark.parametrize(
    ("rates", "place", "circle"),
    [
        ([percentage(1, "1", 1)], 0, "1 of 1"),
        ([flat(1, "1"), percentage(2, "1", 1, 2)], 1, "2 of 2"),
        ([percentage(1, "1", 9), percentage(1, "1", 2), percentage(2, "1", 1)], 1, "1 of 2 of 1"),
        (
            [flat(9, "1"), percentage(1, "1", 2), percentage(2, "1", 3), percentage(3, "1", 1)],
            1,
            "1 of 2 of 3 of 1",
        ),
    ],
)
def test_percentages_that_go_round_are_refused(
    rates: list[dict[str, Any]], place: int, circle: str
) -> None:
    """The refusal names a rate of the circle and says the circle as the card does."""
    refusal = refused(rates)
    assert refusal.field == f"rates[{place}].price.of"
    assert refusal.problem == f"Percentages go round in a circle: {circle}."


def test_a_service_has_one_markup() -> None:
    """The second is refused, wherever it stands; another service may have its own."""
    read_rates([markup(1, "1"), markup(2, "1"), flat(1, "1")])
    refusal = refused([markup(1, "1"), flat(1, "1"), markup(2, "1"), markup(1, "2", when=TRUE)])
    assert refusal.field == "rates[3].price"
    assert refusal.problem.startswith("The service has a markup already")


def test_percentages_are_worked_out_after_all_they_are_of() -> None:
    """Whatever the order in the card: measured rates first, then each percentage in turn."""
    rates = [
        percentage(1, "1", 2),
        percentage(2, "1", 3, 4),
        percentage(3, "1", 4),
        flat(3, "1"),
        unit(4, "units", "1"),
        markup(4, "1"),
        percentage(5, "1", 99),
    ]
    places = evaluation_order(read_rates(rates))
    assert sorted(places) == list(range(7))
    assert {3, 4, 5} == set(places[:3])
    assert [place for place in places if place in {0, 1, 2}] == [2, 1, 0]


def test_a_card_says_what_it_looks_at() -> None:
    """Storage fetches, and evidence keeps, the fields of its measures and its conditions."""
    assert pricing(*WHOLE).reads == {"carrier", "items", "total_item_qty"}
    assert pricing(flat(1, "1", when=TRUE), percentage(2, "1", 1)).reads == frozenset()
    tested = [check(name, "missing") for name in ("notes", "status", "weight_lb", "lines", "sku")]
    assert pricing(markup(1, "1", when={"none": tested})).reads == {
        "notes",
        "status",
        "weight_lb",
        "items",
        "line_items",
    }


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (unit(1, "cases", "1"), True),
        (unit(1, "loose_units", "1"), True),
        (flat(1, "1", when={"not": check("cases", "gt", 1)}), True),
        (markup(1, "1", when=check("loose_units", "missing")), True),
        (unit(1, "units", "1", when=check("sku", "only", "A")), False),
        (percentage(1, "1", 2), False),
    ],
)
def test_products_are_read_only_where_a_card_needs_them(rate: Any, expected: bool) -> None:
    """For cases and loose units, be it in a price or in a condition."""
    assert needs_products(read_rates([rate])) is expected
