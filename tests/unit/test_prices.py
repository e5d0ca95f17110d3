"""Price models: what a quantity costs, how it comes about, and what a model refuses."""

from decimal import Decimal
from typing import Any

import pytest

from billing.domain.derived_prices import Markup, Percentage
from billing.domain.errors import InvalidValueError
from billing.domain.money import raw_text, to_millionths
from billing.domain.prices import PriceModel
from billing.domain.rate_reading import MODELS, read_price_model
from tests.unit.examples import tier

FLAT = {"model": "flat", "amount": "5.00"}
UNIT = {"model": "unit", "measure": "units", "unit_price": "0.35"}
PACKAGE = {"model": "package", "measure": "units", "package_size": "2.5", "package_price": "4.00"}
GRADUATED = {
    "model": "graduated",
    "measure": "cases",
    "tiers": [tier("3", "2.00", "1.00"), tier("10.5", "1.50"), tier("20", "0", "7")],
}
VOLUME = {**GRADUATED, "model": "volume", "measure": "weight_lb"}
PERCENTAGE = {"model": "percentage", "percent": "12.5", "of": [2, 3]}
MARKUP = {"model": "markup", "percent": "10"}
EVERY = (FLAT, UNIT, PACKAGE, GRADUATED, VOLUME, PERCENTAGE, MARKUP)


def measured(data: dict[str, Any]) -> PriceModel:
    """Return a model that prices a measured quantity."""
    model = read_price_model(data)
    assert not isinstance(model, Percentage | Markup)
    return model


def raw(data: dict[str, Any], quantity: str) -> str | None:
    """Return the unrounded price of a quantity as text."""
    price = measured(data).compile()(to_millionths(Decimal(quantity)))
    return None if price is None else raw_text(price)


@pytest.mark.parametrize(
    ("data", "quantity", "price"),
    [
        (UNIT, "0.000001", "0.00000035"),
        (UNIT, "999999999", "349999999.65"),
        (UNIT | {"unit_price": "0.000001"}, "0.000001", "0.000000000001"),
        (PACKAGE, "0.000001", "4"),
        (PACKAGE, "2.5", "4"),
        (PACKAGE, "2.500001", "8"),
        (PACKAGE, "5", "8"),
        (PACKAGE | {"package_size": "0.000001"}, "3", "12000000"),
        (GRADUATED, "0.000001", "1.000002"),
        (GRADUATED, "3", "7"),
        (GRADUATED, "3.000001", "7.0000015"),
        (GRADUATED, "10.5", "18.25"),
        (GRADUATED, "10.500001", "25.25"),
        (GRADUATED, "20", "25.25"),
        (GRADUATED, "20.000001", None),
        (VOLUME, "3", "7"),
        (VOLUME, "3.000001", "4.5000015"),
        (VOLUME, "10.5", "15.75"),
        (VOLUME, "10.500001", "7"),
        (VOLUME, "20", "7"),
        (VOLUME, "20.000001", None),
        (VOLUME | {"tiers": [tier(None, "1")]}, "999999999", "999999999"),
    ],
)
def test_a_price_is_exact_on_both_sides_of_every_bound(
    data: dict[str, Any], quantity: str, price: str | None
) -> None:
    """Bounds are included; a millionth more is in the next tier or package, or has no price."""
    assert raw(data, quantity) == price


@pytest.mark.parametrize(
    ("data", "quantity", "texts"),
    [
        (FLAT, "1", ["5.00 an order"]),
        (UNIT, "30.50", ["30.5 units at 0.35"]),
        (PACKAGE, "11", ["11 units are 5 started packages of 2.5 at 4.00"]),
        (
            GRADUATED,
            "12",
            [
                "tier 1: 3 cases at 2.00 and 1.00 for the tier",
                "tier 2: 7.5 cases at 1.50",
                "tier 3: 1.5 cases at 0 and 7 for the tier",
            ],
        ),
        (GRADUATED, "3", ["tier 1: 3 cases at 2.00 and 1.00 for the tier"]),
        (VOLUME, "10", ["tier 2: 10 weight_lb at 1.50"]),
        (VOLUME, "21", []),
    ],
)
def test_a_price_says_how_it_comes_about(
    data: dict[str, Any], quantity: str, texts: list[str]
) -> None:
    """One step for each tier that is entered, in words, that add up to the price."""
    model, millionths = measured(data), to_millionths(Decimal(quantity))
    steps = model.steps(millionths)
    assert [step.text for step in steps] == texts
    assert sum(step.raw for step in steps) == (model.compile()(millionths) or 0)


def test_models_write_themselves_as_they_were_read() -> None:
    """JSON in, JSON out, prices as their own text; a number means what its text means."""
    assert [data["model"] for data in EVERY] == list(MODELS)
    for data in EVERY:
        assert read_price_model(data).as_json() == data
    assert read_price_model(UNIT | {"unit_price": Decimal("0.350")}) == read_price_model(UNIT)
    free = {"model": "volume", "measure": "units", "tiers": [tier(None, "1", "0.00")]}
    assert read_price_model(free).as_json()["tiers"] == [tier(None, "1")]
    entry = {"model": "graduated", "measure": "units", "tiers": [{"flat_amount": "2"}]}
    assert read_price_model(entry).as_json()["tiers"] == [tier(None, "0", "2")]
    several = PERCENTAGE | {"of": [3, 2, 3]}
    assert read_price_model(several).as_json() == PERCENTAGE


def tiers(*entries: Any) -> dict[str, Any]:
    """Return a graduated price of these tiers."""
    return {"model": "graduated", "measure": "units", "tiers": list(entries)}


@pytest.mark.parametrize(
    ("data", "place", "problem"),
    [
        (None, None, "Not a JSON object."),
        ({}, "model", "Unknown model: use one of flat, unit, package, graduated, volume,"),
        ({"model": ["flat"]}, "model", "Unknown model"),
        ({"model": "flat"}, "amount", "Missing data"),
        (FLAT | {"measure": "units"}, "measure", "Unknown field."),
        (FLAT | {"amount": "-0.01"}, "amount", "Out of range"),
        (FLAT | {"amount": 10**12}, "amount", "Out of range"),
        (FLAT | {"amount": 5.5}, "amount", "Not a valid number"),
        (FLAT | {"amount": "NaN"}, "amount", "Not a valid number"),
        (UNIT | {"measure": "smiles"}, "measure", "Unknown measure: use one of order, lines,"),
        (UNIT | {"measure": ["units"]}, "measure", "Unknown measure"),
        (UNIT | {"unit_price": "0.0000001"}, "unit_price", "Has more than 6 decimals."),
        (UNIT | {"unit_price": None}, "unit_price", "Missing data"),
        (PACKAGE | {"package_size": "0"}, "package_size", "Must be above 0."),
        (PACKAGE | {"package_size": "-1"}, "package_size", "Out of range"),
        (PACKAGE | {"package_size": 10**9}, "package_size", "Out of range"),
        (PACKAGE | {"package_price": True}, "package_price", "Not a valid number"),
        (PACKAGE | {"measure": None}, "measure", "Missing data"),
        (GRADUATED | {"tiers": {}}, "tiers", "Not a list of 1 to 100 tiers."),
        (VOLUME | {"tiers": []}, "tiers", "Not a list of 1 to 100"),
        (VOLUME | {"tiers": [tier(None, "1")] * 101}, "tiers", "Not a list of 1 to 100"),
        (tiers(5), "tiers[0]", "Not a JSON object."),
        (tiers({}), "tiers[0]", "Missing: give unit_price, flat_amount or both."),
        (tiers(tier("1", "1") | {"price": "1"}), "tiers[0].price", "Unknown field."),
        (tiers(tier("0", "1")), "tiers[0].up_to", "Must be above the tier before."),
        (tiers(tier("5", "1"), tier("5", "2")), "tiers[1].up_to", "Must be above the tier before."),
        (tiers(tier(None, "1"), tier("5", "2")), "tiers[1]", "Follows an open tier"),
        (tiers(tier(None, "1"), tier(None, "2")), "tiers[1]", "Follows an open tier"),
        (tiers(tier("1", "-1")), "tiers[0].unit_price", "Out of range"),
        (tiers(tier("1", "1", "x")), "tiers[0].flat_amount", "Not a valid number"),
        (tiers(tier(str(10**9), "1")), "tiers[0].up_to", "Out of range"),
        (PERCENTAGE | {"percent": "-1"}, "percent", "Out of range"),
        (PERCENTAGE | {"percent": "1000001"}, "percent", "Out of range: give 0 to 1,000,000."),
        (PERCENTAGE | {"of": 2}, "of", "Not a list of service ids."),
        (PERCENTAGE | {"of": []}, "of", "Not a list of service ids."),
        (PERCENTAGE | {"of": [2, "3"]}, "of[1]", "Not a valid id"),
        (PERCENTAGE | {"of": [True]}, "of[0]", "Not a valid id"),
        (PERCENTAGE | {"of": [1] * 1_001}, "of", "Not a list of service ids."),
        ({"model": "percentage", "of": [1]}, "percent", "Missing data"),
        (MARKUP | {"of": [1]}, "of", "Unknown field."),
        (MARKUP | {"percent": "x"}, "percent", "Not a valid number"),
    ],
)
def test_a_wrong_price_is_refused_by_its_place(data: Any, place: str | None, problem: str) -> None:
    """Whatever could not price is refused when the card is saved."""
    with pytest.raises(InvalidValueError) as refused:
        read_price_model(data)
    assert refused.value.field == place
    assert refused.value.problem.startswith(problem)
