"""The rate tester: what an order would cost and why, with nothing stored."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.integration.http.contract import AMOUNTS, ROW, TOTAL, lines, settle_contract
from tests.integration.http.worlds import API, FORBIDDEN, NOT_FOUND, Caller, put, value
from tests.unit.worked_example import ORDER

TEST = API + "customers/1/rates/test/"
FLAT = {"service_id": 3, "price": {"model": "flat", "amount": "5.00"}}
NOT_THE_PATH = "order.customer_id: Must be the customer of the path, or left out."
MISSING = "Missing data for required field."
NO_ID = "Not a valid id: give an integer from 1 to 9223372036854775807."


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the worked contract."""
    settle_contract(client)
    return client


def attempt(client: FlaskClient, order: object, **more: object) -> TestResponse:
    """Try rates on an order."""
    return client.post(TEST, json={"order": order, **more})


def tried(client: FlaskClient, order: object, **more: object) -> dict[str, Any]:
    """Return what an order would cost."""
    response = attempt(client, order, **more)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = value(response)
    return answer


def test_the_worked_example_costs_what_was_agreed(world: FlaskClient) -> None:
    """Cases, loose units, a minimum, a condition, and a percentage of rounded costs: 10.47."""
    answer = tried(world, ORDER)
    assert list(answer) == ["total_amount", "service_costs", "problems", "not_charged"]
    assert str(answer["total_amount"]) == TOTAL
    assert lines(answer["service_costs"]) == AMOUNTS
    assert (answer["problems"], answer["not_charged"]) == ([], [])


def test_every_amount_is_explained(world: FlaskClient) -> None:
    """In words and as data: what was measured, each step, the condition, minimum, rounding."""
    cases, loose, handling, weight, fuel = tried(world, ORDER)["service_costs"]
    assert list(cases) == ["service_id", "service_name", "amount", "explanation"]
    assert cases["service_name"] == "Case pick"
    why = cases["explanation"]
    assert why["measured_on"][0] == "30 units of AB-1 at 12 a case: 2 cases, 6 loose"
    assert why["rate"] == {"card": 1, "index": 0, "effective_from": "2023-01-01"}
    assert (str(why["minimum_applied"]), str(why["before_rounding"])) == ("3.50", "3.5")
    steps = [(step["text"], str(step["amount"])) for step in loose["explanation"]["steps"]]
    assert steps == [
        ("tier 1: 5 loose_units at 0.40", "2"),
        ("tier 2: 3 loose_units at 0.25", "0.75"),
    ]
    assert handling["explanation"]["text"] == "2.50 an order; rounded half up to 2.50"
    condition = weight["explanation"]["condition"]
    assert condition["verdict"] is True
    assert [str(test["saw"]) for test in condition["all"]] == ["12.5", "UPS"]
    assert [str(part["amount"]) for part in fuel["explanation"]["of"]] == ["2.50", "1.38"]


def test_an_amount_is_a_number_with_the_currency_s_decimals(world: FlaskClient) -> None:
    """Exact, as everywhere: 3.50 stays 3.50, and yen have none."""
    assert '"service_name":"Case pick","amount":3.50,' in attempt(world, ORDER).text
    response = world.post(API + "customers/2/rates/test/", json={"order": {}, "rates": [FLAT]})
    assert response.text.startswith('{"total_amount":5,"service_costs":[{"service_id":3')


def test_what_is_not_charged_says_why(world: FlaskClient) -> None:
    """A condition that does not hold, and what is missing for another rate."""
    answer = tried(world, {"order_date": "2023-01-15", "carrier": "DHL", "weight_lb": 12})
    assert lines(answer["service_costs"]) == [(3, "2.50"), (5, "0.22")]
    assert answer["problems"] == ["items are missing"]
    said = [(rate["service_id"], rate["text"]) for rate in answer["not_charged"]]
    assert said == [
        (1, "items are missing"),
        (2, "items are missing"),
        (4, "the condition does not hold"),
    ]
    seen = answer["not_charged"][2]["condition"]["all"][1]
    assert (seen["saw"], seen["verdict"]) == ("DHL", False)


def test_a_product_without_a_row_needs_attention(world: FlaskClient) -> None:
    """The SKU is named as the order writes it; the rest is billed."""
    order = ORDER | {"items": [{"sku": "Zz 9", "quantity": 1}, {"sku": "ab1", "quantity": 12}]}
    answer = tried(world, order)
    assert answer["problems"] == ["SKU Zz 9 has no product row"]
    assert [service_id for service_id, _ in lines(answer["service_costs"])] == [3, 4, 5]


def test_a_cancelled_order_costs_nothing(world: FlaskClient) -> None:
    """Every rate says so."""
    answer = tried(world, ORDER | {"status": "Cancelled"})
    assert str(answer["total_amount"]) == "0.00"
    assert {rate["text"] for rate in answer["not_charged"]} == {"the order is cancelled"}


# --------------------------------------------------------------------------------------- rates


@pytest.mark.parametrize("rates", [[FLAT], []])
def test_a_draft_card_is_tried_instead_of_the_one_in_force(
    world: FlaskClient, rates: list[object]
) -> None:
    """Its card has no id; recorded charges are billed all the same."""
    order = ORDER | {"charges": [{"service_id": 4, "amount": "-1.20"}]}
    costs = tried(world, order, rates=rates)["service_costs"]
    assert lines(costs) == [(3, "5.00"), (4, "-1.20")][-1 - len(rates) :]
    assert costs[-1]["explanation"] == {"text": "a recorded charge of -1.20, as it is"}
    if rates:
        assert costs[0]["explanation"]["rate"] == {"card": None, "index": 0}


def test_no_rates_are_the_card_in_force_on_the_order_s_day(world: FlaskClient) -> None:
    """Null is as none; an order without a date is of today, in the customer's time zone."""
    put(world, "customers/1/", {"name": "ACME Corp", "time_zone": "Asia/Tokyo"})
    put(world, "customers/1/rates/", {"effective_from": "2023-02-01", "rates": [FLAT]})
    for order, total in (
        (ORDER, TOTAL),
        (ORDER | {"order_date": "2023-01-31T14:59:59Z"}, TOTAL),
        (ORDER | {"order_date": "2023-01-31T15:00:00Z"}, "5.00"),
        (ORDER | {"order_date": None}, "5.00"),
        ({}, "5.00"),
    ):
        assert str(tried(world, order, rates=None)["total_amount"]) == total


def test_before_the_first_card_an_order_needs_attention(world: FlaskClient) -> None:
    """A customer without any card is billed its charges only, and that is no problem."""
    early = tried(world, ORDER | {"order_date": "2022-12-31"})
    assert early["problems"] == ["no rate card is in force on the order's date"]
    response = world.post(API + "customers/2/rates/test/", json={"order": {}})
    assert value(response)["problems"] == []


def test_the_code_that_bills_is_the_code_that_tries(world: FlaskClient) -> None:
    """A report over the same order says the same costs and problems."""
    missing: list[dict[str, Any]] = [{}, {"weight_lb": None}, {"carrier": None}, {"items": []}]
    for order_id, changes in enumerate([*missing, {"status": "canceled"}], start=1):
        row = {**ROW, **changes, "order_id": order_id, "order_date": f"2023-03-0{order_id}"}
        world.post(API + "orders/", json=[row])
        day = {"start_date": row["order_date"], "end_date": row["order_date"]}
        report = value(world.post(API + "reports/preview/", json={"customer_id": 1, **day}))
        answer = tried(world, {**row, "customer_id": 1})
        billed = [cost for order in report["orders"] for cost in order["service_costs"]]
        assert lines(billed) == lines(answer["service_costs"])
        assert report["total_amount"] == answer["total_amount"]


# ----------------------------------------------------------------------------------- the order


def test_the_order_is_one_as_the_intake_takes_it(world: FlaskClient) -> None:
    """Other names, numbers as text, and its ids where they are given."""
    order = {
        "customer_id": 1,
        "transaction_id": 77,
        "close_date": "2023-01-15",
        "carrier": " UPS ",
        "weight_lb": 12.5,
        "sku_quantity": {"AB-1": "30", "CD 2": 7},
    }
    assert str(tried(world, order)["total_amount"]) == TOTAL


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (None, f"order: {MISSING}"),
        ([], "order: Not a JSON object."),
        ("UPS", "order: Not a JSON object."),
        (10001, "order: Not a JSON object."),
        (True, "order: Not a JSON object."),
        ({"colour": "red"}, "order.colour: Unknown field."),
        ({"order_id": "1"}, f"order.order_id: {NO_ID}"),
        ({"order_id": True}, f"order.order_id: {NO_ID}"),
        ({"customer_id": 2}, NOT_THE_PATH),
        ({"customer_id": True}, NOT_THE_PATH),
        ({"customer_id": "1"}, NOT_THE_PATH),
        ({"order_date": "2023-02-30"}, "order.order_date: Not a valid date"),
        ({"order_date": "2023-01-01T00:00:00"}, "order.order_date: Not a valid date"),
        ({"carrier": 5}, "order.carrier: Not a valid string."),
        ({"carrier": ["UPS"]}, "order.carrier: Not a valid string."),
        ({"weight_lb": -1}, "order.weight_lb: Out of range"),
        ({"weight_lb": "NaN"}, "order.weight_lb: Not a valid number"),
        ({"weight_lb": True}, "order.weight_lb: Not a valid number"),
        ({"weight_lb": {"lb": 1}}, "order.weight_lb: Not a valid number"),
        ({"weight_lb": 1e-7}, "order.weight_lb: Has more than 6 decimals."),
        ({"items": "AB-1"}, "order.items: Not a list of {sku, quantity}."),
        ({"items": ["AB-1"]}, "order.items[0]: Not a JSON object."),
        ({"items": [{"sku": "AB-1"}]}, f"order.items[0].quantity: {MISSING}"),
        ({"items": [{"sku": 5, "quantity": 1}]}, "order.items[0].sku: Not a valid string."),
        ({"charges": {"1": 5}}, "order.charges: Not a list of {service_id, amount}."),
        (
            {"charges": [{"service_id": 1, "amount": "0.001"}]},
            "order.charges[0].amount: Has more than 2 decimals.",
        ),
        (
            {"charges": [{"service_id": 99, "amount": 1}]},
            "order.charges[0].service_id: Service with ID 99 not found",
        ),
    ],
)
def test_a_bad_order_is_refused_with_the_field(
    world: FlaskClient, order: object, error: str
) -> None:
    """By the intake's own rules, each field said to be the order's."""
    response = attempt(world, order)
    assert response.status_code == 400
    assert response.json is not None
    assert list(response.json) == ["error"]
    assert response.json["error"].startswith(error)


def test_all_that_is_wrong_with_an_order_is_told(world: FlaskClient) -> None:
    """The first is the error, all are the details."""
    response = attempt(world, {"carrier": 5, "colour": 1, "packages": "x"})
    assert response.json is not None
    assert list(response.json["details"]) == ["order.carrier", "order.colour", "order.packages"]
    assert response.json["error"] == "order.carrier: Not a valid string."


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, f"order: {MISSING}"),
        ({"order": {}, "dry_run": True}, "dry_run: Unknown field."),
        ([], "The body is not a JSON object."),
    ],
)
def test_a_doubtful_body_is_refused(world: FlaskClient, body: object, error: str) -> None:
    """As everywhere."""
    response = world.post(TEST, json=body)
    assert (response.status_code, response.json) == (400, {"error": error})
    assert world.post(TEST + "?order_id=1", json={"order": {}}).status_code == 400
    assert world.post(TEST, data="order=1").status_code == 415


def test_an_amount_beyond_exactness_is_refused(world: FlaskClient) -> None:
    """A sentence, not a number that JSON cannot hold."""
    rates = [
        {
            "service_id": 1,
            "price": {"model": "unit", "measure": "packages", "unit_price": "999999999999"},
        }
    ]
    response = attempt(world, {"packages": 999_999_999}, rates=rates)
    assert response.status_code == 400
    assert response.json is not None
    assert "exceeds 999,999,999,999,999 minor units" in response.json["error"]


# -------------------------------------------------------------------------------------- access


@pytest.mark.usefixtures("world")
def test_rates_of_a_hidden_customer_cannot_be_tried(caller: Caller) -> None:
    """404, as for a missing one, whatever the rates and the order name; bad input is said first."""
    bolt = caller(customers=[2])
    for path in ("customers/1/rates/test/", "customers/99/rates/test/"):
        for rates in (None, [FLAT], [FLAT | {"service_id": 99}]):
            for order in (ORDER, {"customer_id": 1}, {"customer_id": 2}):
                response = bolt.post(API + path, json={"rates": rates, "order": order})
                assert (response.status_code, response.text) == (404, NOT_FOUND)
        assert bolt.post(API + path, json={"rates": [{}], "order": {}}).status_code == 400
        assert bolt.post(API + path, json={"order": {"colour": 1}}).status_code == 400


@pytest.mark.usefixtures("world")
def test_trying_takes_the_scope_of_reading(caller: Caller) -> None:
    """It stores nothing, so a reader may; others are told before the body is looked at."""
    assert attempt(caller(scopes=["reports:read"]), ORDER).status_code == 200
    for scopes in ([], ["reports:write", "catalog:write"]):
        response = caller(scopes=scopes).post(TEST, data="x")
        assert (response.status_code, response.text) == (403, FORBIDDEN)


def test_a_total_past_exactness_is_refused(world: FlaskClient) -> None:
    """Costs that fit alone but not together are refused, as generating refuses them."""
    most = [{"service_id": number, "amount": "9999999999999.99"} for number in (1, 2)]
    response = attempt(world, {"charges": most}, rates=[])
    assert response.status_code == 400
    assert response.json is not None
    assert "exceeds 999,999,999,999,999 minor units" in response.json["error"]
