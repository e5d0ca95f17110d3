"""Rates: rate cards are put from a day on, never change, and are read back as they were put."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from tests.integration.http.conftest import SetClock
from tests.integration.http.worlds import (
    API,
    CARD,
    NOT_FOUND,
    Caller,
    generate,
    settle,
    value,
)

RATES = API + "customers/1/rates/"
FLAT = {"service_id": 1, "price": {"model": "flat", "amount": "6.00"}}
SHOWN = (
    '{"id":1,"customer_id":1,"effective_from":"2023-01-01","created_at":"2023-02-01T12:00:00Z"'
    ',"rates":[{"service_id":1,"price":{"model":"flat","amount":"5.00"}}'
    ',{"service_id":2,"price":{"model":"unit","measure":"units","unit_price":"0.35"}}]}'
)


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world, whose customer 1 has a card from 2023-01-01 on."""
    settle(client)
    return client


def test_a_card_is_shown_as_it_was_put(world: FlaskClient) -> None:
    """The list, the card in force and the answer of PUT show the same object."""
    assert world.get(RATES).text == f"[{SHOWN}]"
    assert world.get(RATES + "?on=2023-01-01").text == SHOWN
    again = world.put(RATES, json=CARD)
    assert (again.status_code, again.text) == (200, SHOWN)


def test_a_card_equal_to_the_one_in_force_adds_nothing(world: FlaskClient) -> None:
    """Also when it is put for a later day on which the old one still holds."""
    later = world.put(RATES, json={**CARD, "effective_from": "2023-06-01"})
    assert (later.status_code, later.text) == (200, SHOWN)
    assert len(value(world.get(RATES))) == 1


def test_a_new_card_is_in_force_from_its_day_on(world: FlaskClient, clock: SetClock) -> None:
    """The one before holds until then; of two for one day the later PUT holds."""
    clock.instant += timedelta(minutes=1)
    for amount in ("6.00", "7.00"):
        body = {
            "effective_from": "2023-03-01",
            "rates": [{"service_id": 1, "price": {"model": "flat", "amount": amount}}],
        }
        assert world.put(RATES, json=body).status_code == 201
    assert [card["id"] for card in value(world.get(RATES))] == [3, 2, 1]
    for day, card_id in (
        ("2023-02-28", 1),
        ("2023-03-01", 3),
        ("9999-12-31", 3),
    ):
        assert value(world.get(f"{RATES}?on={day}"))["id"] == card_id
    assert value(world.get(RATES))[0]["created_at"] == "2023-02-01T12:01:00Z"


def test_a_card_of_an_earlier_day_lists_after_later_ones(world: FlaskClient) -> None:
    """Newest first means by the day from which a card holds."""
    early = world.put(RATES, json={"effective_from": "2022-01-01", "rates": [FLAT]})
    assert early.status_code == 201
    assert [card["effective_from"] for card in value(world.get(RATES))] == [
        "2023-01-01",
        "2022-01-01",
    ]


def test_before_the_first_card_none_is_in_force(world: FlaskClient) -> None:
    """404; so it is for a customer without any card, whose list is empty."""
    for path in ("customers/1/rates/?on=2022-12-31", "customers/2/rates/?on=2023-01-01"):
        response = world.get(API + path)
        assert (response.status_code, response.text) == (404, NOT_FOUND)
    assert world.get(API + "customers/2/rates/").text == "[]"


def test_an_order_is_priced_by_the_card_in_force_on_its_date(world: FlaskClient) -> None:
    """A card put later for an earlier day counts from its day on."""
    world.put(RATES, json={"effective_from": "2023-01-05", "rates": [FLAT]})
    report = value(generate(world))
    costs = report["orders"][0]["service_costs"]
    assert costs[0]["rate"] == {"card": 2, "index": 0}
    assert f"{costs[0]['amount']}" == "6.00"


def test_prices_are_numbers_or_strings_and_exact(world: FlaskClient) -> None:
    """0.10 and "0.10" are one price; up to six decimals."""
    body = (
        '{"effective_from":"2024-01-01","rates":['
        '{"service_id":1,"price":{"model":"flat","amount":0.10}},'
        '{"service_id":2,"price":{"model":"unit","measure":"units","unit_price":"0.000001"}}]}'
    )
    response = world.put(RATES, data=body, content_type="application/json")
    assert response.status_code == 201
    assert response.text.endswith(
        '"rates":[{"service_id":1,"price":{"model":"flat","amount":"0.10"}}'
        ',{"service_id":2,"price":{"model":"unit","measure":"units","unit_price":"0.000001"}}]}'
    )


def test_a_card_without_rates_is_a_card(world: FlaskClient) -> None:
    """From its day on only recorded charges are billed."""
    response = world.put(RATES, json={"effective_from": "2023-01-01", "rates": []})
    assert response.status_code == 201
    report = value(generate(world))
    assert list(report["service_totals"]) == ["3"]
    assert report["exception_count"] == 1  # Nothing applies to the order without a charge.


@pytest.mark.parametrize(
    ("rates", "error"),
    [
        ("all", "rates: Not a list of rates."),
        ({}, "rates: Not a list of rates."),
        (None, "rates: Missing data for required field."),
        ([5], "rates[0]: Not a JSON object."),
        ([FLAT, {}], "rates[1].service_id: Missing data for required field."),
        ([{**FLAT, "colour": 1}], "rates[0].colour: Unknown field."),
        ([{**FLAT, "service_id": "1"}], None),
        ([{**FLAT, "service_id": 99}], "Service with ID 99 not found"),
        ([{"service_id": 1, "price": {}}], "rates[0].price.model: Unknown model: use one of "),
        (
            [{"service_id": 1, "price": {"model": "eval", "amount": "1"}}],
            "rates[0].price.model: Unknown model: use one of ",
        ),
        (
            [{"service_id": 1, "price": {"model": "flat"}}],
            "rates[0].price.amount: Missing data for required field.",
        ),
        (
            [{"service_id": 1, "price": {"model": "flat", "amount": "0.0000001"}}],
            "rates[0].price.amount: Has more than 6 decimals.",
        ),
        (
            [{"service_id": 1, "price": {"model": "flat", "amount": -1}}],
            "rates[0].price.amount: Out of range",
        ),
        ([{"service_id": 1, "price": {"model": "flat", "amount": True}}], None),
        (
            [
                {
                    "service_id": 1,
                    "price": {"model": "unit", "measure": "__import__", "unit_price": 1},
                }
            ],
            "rates[0].price.measure: Unknown measure: use one of ",
        ),
        ([FLAT] * 1001, "rates: More than 1,000 rates."),
    ],
)
def test_what_could_not_run_is_refused_with_its_place(
    world: FlaskClient, rates: object, error: str | None
) -> None:
    """A card is checked when it is put; a refused one leaves nothing."""
    response = world.put(RATES, json={"effective_from": "2023-02-01", "rates": rates})
    assert response.status_code == 400
    assert response.json is not None
    assert list(response.json) == ["error"]
    assert response.json["error"].startswith(error or "rates[0]")
    assert len(value(world.get(RATES))) == 1


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"rates": []}, "effective_from: Missing data for required field."),
        ({"effective_from": "2023-01-01"}, "rates: Missing data for required field."),
        ({**CARD, "effective_from": "2023-02-30"}, "effective_from: Not a valid date: "),
        ({**CARD, "effective_from": 5}, "effective_from: Not a valid date: "),
        ({**CARD, "id": 5}, "id: Unknown field."),
        ({**CARD, "customer_id": 1}, "customer_id: Unknown field."),
    ],
)
def test_a_doubtful_card_is_refused(
    world: FlaskClient, body: dict[str, object], error: str
) -> None:
    """The field is named."""
    response = world.put(RATES, json=body)
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"].startswith(error)


@pytest.mark.parametrize(
    "query", ["on=", "on=today", "on=2023-02-30", "on=2023-01-01&on=2023-01-01"]
)
def test_the_day_asked_for_is_a_day(world: FlaskClient, query: str) -> None:
    """As strictly as everywhere."""
    response = world.get(f"{RATES}?{query}")
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["error"].startswith("on: ")


def test_one_card_has_no_pages(world: FlaskClient) -> None:
    """Asking for both is a mistake."""
    assert world.get(RATES + "?on=2023-01-01&page=1").status_code == 400


@pytest.mark.usefixtures("world")
def test_rates_of_a_hidden_customer_cannot_be_put(caller: Caller) -> None:
    """404, as for a missing one; a bad body and an unknown service are told in their turn."""
    bolt = caller(customers=[2])
    for path in ("customers/1/rates/", "customers/99/rates/"):
        for rates in ([FLAT], [{**FLAT, "service_id": 99}]):
            body = {"effective_from": "2023-01-01", "rates": rates}
            response = bolt.put(API + path, json=body)
            assert (response.status_code, response.text) == (404, NOT_FOUND)
        assert bolt.put(API + path, json={**CARD, "rates": [{}]}).status_code == 400
    own = bolt.put(API + "customers/2/rates/", json=CARD)
    assert own.status_code == 201
