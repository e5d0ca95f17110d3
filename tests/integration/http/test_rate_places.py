"""Places: whatever is wrong in a card is refused wherever a card is taken, naming its place."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.domain.rate_reading import MODELS
from tests.integration.http.worlds import API, JANUARY, put, settle, value

Json = dict[str, Any]

FLAT: Json = {"model": "flat", "amount": "1"}
TIER: Json = {"up_to": "3", "unit_price": "2"}
UPS: Json = {"field": "carrier", "op": "eq", "value": "UPS"}
HEAVY: Json = {"field": "weight_lb", "op": "gt", "value": 10}
SKU: Json = {"field": "sku", "op": "contains", "value": "AB-1"}
MISSING = "Missing data for required field."
NO_TEXT = "Not a valid string."
NO_NUMBER = "Not a valid number: give a plain decimal such as 12.50."
NO_OBJECT = "Not a JSON object."
UNKNOWN = "Unknown field."


def rate(price: object = FLAT, **more: object) -> Json:
    """Return a rate of service 1."""
    return {"service_id": 1, "price": price, **more}


def when(condition: object) -> Json:
    """Return a flat rate under a condition."""
    return rate(when=condition)


def tiered(*tiers: object, model: str = "graduated") -> Json:
    """Return a tiered rate."""
    return rate({"model": model, "measure": "units", "tiers": list(tiers)})


def unit(**changes: object) -> Json:
    """Return a unit price; `changes` to it win."""
    return {"model": "unit", "measure": "units", "unit_price": "1", **changes}


def package(**changes: object) -> Json:
    """Return a package price; `changes` to it win."""
    price = {"model": "package", "measure": "units", "package_size": "10", "package_price": "4"}
    return price | changes


def nested(word: str, groups: int) -> Any:
    """Return a test within so many groups."""
    condition: Any = UPS
    for _ in range(groups):
        condition = {word: condition if word == "not" else [condition]}
    return condition


# Each is the third rate of a card: what is wrong, its place in the rate, how its words begin.
WRONG: list[tuple[object, str, str]] = [
    ("flat", "", NO_OBJECT),
    (None, "", NO_OBJECT),
    ([], "", NO_OBJECT),
    (1.5, "", NO_OBJECT),
    ({}, ".service_id", MISSING),
    ({"service_id": 1}, ".price", MISSING),
    (rate(colour="red"), ".colour", UNKNOWN),
    (rate(**{"": 1}), ".", UNKNOWN),
    (rate(service_id=1.0), ".service_id", "Not a valid id"),
    (rate(service_id="1"), ".service_id", "Not a valid id"),
    (rate(service_id=True), ".service_id", "Not a valid id"),
    (rate(service_id=2**63), ".service_id", "Not a valid id"),
    (rate(service_id=[1]), ".service_id", "Not a valid id"),
    # -------------------------------------------------------------------------------- prices
    (rate("flat"), ".price", NO_OBJECT),
    (rate([FLAT]), ".price", NO_OBJECT),
    (rate({}), ".price.model", "Unknown model: use one of flat, unit, package"),
    (rate({"model": None}), ".price.model", "Unknown model"),
    (rate({"model": ["flat"]}), ".price.model", "Unknown model"),
    (rate({"model": "Flat"}), ".price.model", "Unknown model"),
    (rate({"model": "flat"}), ".price.amount", MISSING),
    (rate({"model": "flat", "amount": None}), ".price.amount", MISSING),
    (rate({**FLAT, "amount": "1,5"}), ".price.amount", NO_NUMBER),
    (rate({**FLAT, "amount": True}), ".price.amount", NO_NUMBER),
    (rate({**FLAT, "amount": [1]}), ".price.amount", NO_NUMBER),
    (rate({**FLAT, "amount": {"eur": 1}}), ".price.amount", NO_NUMBER),
    (rate({**FLAT, "amount": "NaN"}), ".price.amount", NO_NUMBER),
    (rate({**FLAT, "amount": "1e99"}), ".price.amount", "Out of range"),
    (rate({**FLAT, "amount": "-0.01"}), ".price.amount", "Out of range"),
    (rate({**FLAT, "amount": 1e-7}), ".price.amount", "Has more than 6 decimals."),
    (rate({**FLAT, "measure": "units"}), ".price.measure", UNKNOWN),
    (rate(unit(measure="pallets")), ".price.measure", "Unknown measure: use one of order, lines"),
    (rate(unit(measure=["units"])), ".price.measure", "Unknown measure"),
    (rate(unit(measure=None)), ".price.measure", MISSING),
    (rate(unit(unit_price="x")), ".price.unit_price", NO_NUMBER),
    (rate(package(package_size=0)), ".price.package_size", "Must be above 0."),
    (rate(package(package_size="0.0000001")), ".price.package_size", "Has more than 6"),
    (rate(package(package_size=10**9)), ".price.package_size", "Out of range"),
    (rate(package(package_price=-1)), ".price.package_price", "Out of range"),
    # --------------------------------------------------------------------------------- tiers
    (tiered(), ".price.tiers", "Not a list of 1 to 100 tiers."),
    (tiered(*[TIER] * 101), ".price.tiers", "Not a list of 1 to 100 tiers."),
    (rate({"model": "volume", "measure": "units", "tiers": TIER}), ".price.tiers", "Not a list"),
    (tiered(TIER, 5), ".price.tiers[1]", NO_OBJECT),
    (tiered(TIER, {**TIER, "up_to": "3"}), ".price.tiers[1].up_to", "Must be above the tier"),
    (tiered({**TIER, "up_to": 0}), ".price.tiers[0].up_to", "Must be above the tier before."),
    (tiered({**TIER, "up_to": []}), ".price.tiers[0].up_to", NO_NUMBER),
    (tiered({"unit_price": 1}, TIER), ".price.tiers[1]", "Follows an open tier"),
    (tiered({"up_to": 3}), ".price.tiers[0]", "Missing: give unit_price, flat_amount or both."),
    (tiered({**TIER, "flat_amount": -1}), ".price.tiers[0].flat_amount", "Out of range"),
    (tiered({**TIER, "price": 1}, model="volume"), ".price.tiers[0].price", UNKNOWN),
    # ------------------------------------------------------------------------------- derived
    (rate({"model": "percentage", "percent": 5}), ".price.of", MISSING),
    (rate({"model": "percentage", "percent": 5, "of": []}), ".price.of", "Not a list of"),
    (rate({"model": "percentage", "percent": 5, "of": 2}), ".price.of", "Not a list of"),
    (rate({"model": "percentage", "percent": 5, "of": [2, "3"]}), ".price.of[1]", "Not a valid id"),
    (rate({"model": "percentage", "percent": "x", "of": [2]}), ".price.percent", NO_NUMBER),
    (rate({"model": "percentage", "percent": 5, "of": [1]}), ".price.of", "Percentages go round"),
    (rate({"model": "markup", "percent": -5}), ".price.percent", "Out of range"),
    (rate({"model": "markup", "percent": 5}, minimum=1), ".minimum", "A markup has no minimum"),
    (rate({"model": "markup", "percent": 5}, maximum=1), ".maximum", "A markup has no minimum"),
    # ------------------------------------------------------------------- SKUs, minimum, maximum
    (rate(skus=["AB-1"]), ".skus", "Only a measure of items can be narrowed"),
    (rate(unit(measure="weight_lb"), exclude_skus=["A"]), ".exclude_skus", "Only a measure"),
    (rate(unit(), skus=[]), ".skus", "Not a list of 1 to 10,000 SKUs."),
    (rate(unit(), skus="AB-1"), ".skus", "Not a list of 1 to 10,000 SKUs."),
    (rate(unit(), skus=["A"] * 10_001), ".skus", "Not a list of 1 to 10,000 SKUs."),
    (rate(unit(), skus=["A", 5]), ".skus[1]", NO_TEXT),
    (rate(unit(), exclude_skus=[" "]), ".exclude_skus[0]", "Missing: give a text."),
    (rate(minimum="x"), ".minimum", NO_NUMBER),
    (rate(minimum=-1), ".minimum", "Out of range"),
    (rate(maximum=10**16), ".maximum", "Out of range"),
    (rate(minimum="0.001"), ".minimum", "Has more than 2 decimals."),
    (rate(minimum=2, maximum=1), ".minimum", "Is above the maximum."),
    # ---------------------------------------------------------------------------- conditions
    (when("carrier = UPS"), ".when", NO_OBJECT),
    (when([UPS]), ".when", NO_OBJECT),
    (when(True), ".when", NO_OBJECT),
    (when({}), ".when.field", MISSING),
    (when({"all": []}), ".when.all", "Not a list with at least one condition."),
    (when({"any": UPS}), ".when.any", "Not a list with at least one condition."),
    (when({"none": None}), ".when.none", "Not a list with at least one condition."),
    (when({"not": [UPS]}), ".when.not", NO_OBJECT),
    (when({"not": None}), ".when.not", NO_OBJECT),
    (when({"all": [UPS], "any": [UPS]}), ".when", "A group holds one word alone"),
    (when({"all": [UPS], "field": "carrier"}), ".when", "A group holds one word alone"),
    (when({"all": [UPS, 5]}), ".when.all[1]", NO_OBJECT),
    (when({"xor": [UPS]}), ".when.xor", UNKNOWN),
    (when({**UPS, "case": True}), ".when.case", UNKNOWN),
    (when({"op": "eq", "value": 1}), ".when.field", MISSING),
    (when({"field": "carrier"}), ".when.op", MISSING),
    (when({**UPS, "field": "colour"}), ".when.field", "Unknown field: use one of reference_number"),
    (when({**UPS, "field": ["carrier"]}), ".when.field", "Unknown field"),
    (when({**UPS, "field": "customer_id"}), ".when.field", "Unknown field"),
    (when({**UPS, "op": "matches"}), ".when.op", "Unknown operator for carrier: use one of eq"),
    (when({**UPS, "op": {}}), ".when.op", "Unknown operator for carrier"),
    (when({**HEAVY, "op": "contains"}), ".when.op", "Unknown operator for weight_lb"),
    (when({**SKU, "op": "eq"}), ".when.op", "Unknown operator for sku"),
    (when({"all": [{**UPS, "op": "gt"}]}), ".when.all[0].op", "Unknown operator for carrier"),
    (
        when({"one": [UPS, {"not": {"none": [HEAVY, {**HEAVY, "value": "x"}]}}]}),
        ".when.one[1].not.none[1].value",
        NO_NUMBER,
    ),
    (when({**UPS, "value": 5}), ".when.value", NO_TEXT),
    (when({**UPS, "value": None}), ".when.value", "Missing: give a text."),
    (when({**UPS, "value": ["UPS"]}), ".when.value", NO_TEXT),
    (when({**UPS, "op": "in"}), ".when.value", "Not a list of 1 to 1,000 values."),
    (when({**UPS, "op": "in", "value": []}), ".when.value", "Not a list of 1 to 1,000 values."),
    (when({**UPS, "op": "in", "value": ["a", ["b"]]}), ".when.value[1]", NO_TEXT),
    (when({**UPS, "op": "in", "value": ["a"] * 1001}), ".when.value", "Not a list of 1 to 1,000"),
    (when({**UPS, "value": "x" * 256}), ".when.value", "Longer than 255 characters."),
    (when({**UPS, "value": "a\x00b"}), ".when.value", "Control characters"),
    (when({**HEAVY, "value": True}), ".when.value", NO_NUMBER),
    (when({**HEAVY, "value": [10]}), ".when.value", NO_NUMBER),
    (when({**HEAVY, "value": "Infinity"}), ".when.value", NO_NUMBER),
    (when({**HEAVY, "value": 10**12}), ".when.value", "Out of range"),
    (when({**HEAVY, "op": "between", "value": 5}), ".when.value", "Not a list of two numbers"),
    (when({**HEAVY, "op": "between", "value": [1]}), ".when.value", "Not a list of two numbers"),
    (when({**HEAVY, "op": "between", "value": [2, 1]}), ".when.value", "The low end is above"),
    (when({**HEAVY, "op": "between", "value": [1, "x"]}), ".when.value", NO_NUMBER),
    (when({**SKU, "value": 5}), ".when.value", NO_TEXT),
    (when({**SKU, "value": []}), ".when.value", "Not a list of 1 to 1,000 values."),
    (when({**SKU, "value": [["A"]]}), ".when.value[0]", NO_TEXT),
    (when({**UPS, "op": "missing", "value": "yes"}), ".when.value", "Not true or false."),
    (when({**UPS, "op": "missing", "value": 1}), ".when.value", "Not true or false."),
    (when(nested("not", 29)), ".when" + ".not" * 29, "Nested deeper than 32 levels of JSON."),
    (when(nested("all", 15)), ".when" + ".all[0]" * 15, "Nested deeper than 32 levels of JSON."),
    (when({"any": [UPS] * 1001}), ".when", "More than 1,000 tests a card."),
]


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world."""
    settle(client)
    return client


def put_card(client: FlaskClient, rates: object) -> TestResponse:
    """Put a card in force."""
    body = {"effective_from": "2023-02-01", "rates": rates}
    return client.put(API + "customers/1/rates/", json=body)


def try_card(client: FlaskClient, rates: object) -> TestResponse:
    """Try a card on an order."""
    return client.post(API + "customers/1/rates/test/", json={"rates": rates, "order": {}})


def preview_card(client: FlaskClient, rates: object) -> TestResponse:
    """Preview a period by a card."""
    body = {"customer_id": 1, **JANUARY, "rates": rates}
    return client.post(API + "reports/preview/", json=body)


@pytest.mark.parametrize("take", [put_card, try_card, preview_card])
def test_what_could_not_run_is_refused_with_its_place(world: FlaskClient, take: Any) -> None:
    """The same words wherever a card is taken; nothing of it is stored."""
    for wrong, place, words in WRONG:
        response = take(world, [rate(), rate(unit()), wrong])
        assert response.status_code == 400, wrong
        assert response.json is not None
        assert list(response.json) == ["error"], wrong
        error = response.json["error"]
        assert error.startswith(f"rates[2]{place}: {words}"), error
    assert len(value(world.get(API + "customers/1/rates/"))) == 1


@pytest.mark.parametrize("take", [put_card, try_card, preview_card])
@pytest.mark.parametrize(
    ("rates", "error"),
    [
        ("all", "rates: Not a list of rates."),
        ({}, "rates: Not a list of rates."),
        (True, "rates: Not a list of rates."),
        ([rate()] * 1001, "rates: More than 1,000 rates."),
        ([rate(service_id=99)], "Service with ID 99 not found"),
        (
            [rate({"model": "percentage", "percent": 5, "of": [99, 98]})],
            "Service with ID 98 not found",
        ),
        (
            [rate({"model": "markup", "percent": 5}), rate({"model": "markup", "percent": 6})],
            "rates[1].price: The service has a markup already: one a service.",
        ),
        (
            [
                {"service_id": n, "price": {"model": "percentage", "percent": 5, "of": [of]}}
                for n, of in ((1, 2), (2, 3), (3, 1))
            ],
            "rates[0].price.of: Percentages go round in a circle: ",
        ),
        (
            [when({"any": [UPS] * 600}), when({"any": [UPS] * 401})],
            "rates[1].when: More than 1,000 tests a card.",
        ),
    ],
)
def test_a_card_is_refused_as_a_whole(
    world: FlaskClient, take: Any, rates: object, error: str
) -> None:
    """What no single rate is to blame for."""
    response = take(world, rates)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"].startswith(error)


@pytest.mark.parametrize("take", [put_card, try_card, preview_card])
def test_the_largest_card_is_taken(world: FlaskClient, take: Any) -> None:
    """1,000 rates, 1,000 tests, 100 tiers, JSON 32 levels deep, lists as long as they may."""
    rates = [
        tiered(*[{"up_to": n, "unit_price": 1} for n in range(1, 101)]),
        when(nested("not", 28)),
        rate(unit(), skus=[f"SKU {n}" for n in range(10_000)]),
        when({"any": [{**UPS, "op": "in", "value": [f"C{n}" for n in range(1000)]}] * 500}),
        *[when(HEAVY)] * 499,
        *[rate()] * 497,
    ]
    response = take(world, rates)
    assert response.status_code in {200, 201}, response.text[:500]


def test_a_card_of_every_model_is_shown_as_it_was_put(world: FlaskClient) -> None:
    """Numbers come back as text, exact; what was not said is left out."""
    tiers = [
        {"up_to": "3", "unit_price": "2.00", "flat_amount": "1.00"},
        {"up_to": None, "unit_price": "1.50"},
    ]
    rates = [
        rate(FLAT, when={"not": {"one": [UPS, {**HEAVY, "value": "10.50"}]}}, minimum="3.00"),
        rate(unit(), skus=["A-1", "b 2"], exclude_skus=["C"], maximum="0.50"),
        rate(package(measure="loose_units")),
        tiered(*tiers),
        tiered(*tiers, model="volume"),
        rate({"model": "percentage", "percent": "12.5", "of": [2, 3]}, when={"all": [SKU]}),
        rate({"model": "markup", "percent": "10"}, when={**UPS, "op": "missing", "value": True}),
    ]
    assert {r["price"]["model"] for r in rates} == set(MODELS)
    response = put_card(world, rates)
    assert response.status_code == 201
    assert value(response)["rates"] == rates
    again = put(world, "customers/1/rates/", {"effective_from": "2023-02-01", "rates": rates})
    assert (again.status_code, again.data) == (200, response.data)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (rate({**FLAT, "amount": 1}), rate({**FLAT, "amount": "1.00"})),
        (when({**HEAVY, "value": 10}), when({**HEAVY, "value": "10.0"})),
        (when({**UPS, "value": "UPS"}), when({**UPS, "value": " ups "})),
        (rate(when=None, skus=None, minimum=None), rate()),
    ],
)
def test_two_ways_to_write_a_card_are_one_card(
    world: FlaskClient, first: Json, second: Json
) -> None:
    """A card equal to the one in force adds nothing."""
    stored = put_card(world, [first])
    again = put_card(world, [second])
    assert (stored.status_code, again.status_code) == (201, 200)
    assert stored.data == again.data


def test_several_wrong_fields_are_all_named(world: FlaskClient) -> None:
    """The card's place stands among them."""
    body = {"effective_from": "never", "rates": [rate(), when({**UPS, "op": "gt"})]}
    response = world.put(API + "customers/1/rates/", json=body)
    assert response.json is not None
    assert list(response.json["details"]) == ["effective_from", "rates[1].when.op"]
    assert response.json["error"].startswith("effective_from: ")
