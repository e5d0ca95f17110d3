"""Reading reports: the detail, what is left out of it, and what a customer's reports come to."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from billing.bootstrap import Billing
from tests.integration.http.conftest import SetClock
from tests.integration.http.worlds import (
    API,
    NOT_FOUND,
    Caller,
    generate,
    put,
    settle,
    value,
)

DETAIL = (
    '{"id":1,"customer_id":1,"customer_name":"Acme","start_date":"2023-01-01"'
    ',"end_date":"2023-01-31","created_at":"2023-02-01T12:00:00Z","total_amount":19.70'
    ',"service_totals":{"1":{"service_name":"Picking","amount":5.00}'
    ',"2":{"service_name":"Packing","amount":10.50}'
    ',"3":{"service_name":"Carrier","amount":4.20}}'
    ',"orders":[{"order_id":10001,"reference_number":"PO-1","order_date":"2023-01-05"'
    ',"total_amount":19.70,"service_costs":['
    '{"service_id":1,"service_name":"Picking","amount":5.00,"quantity":1'
    ',"rate":{"card":1,"index":0}}'
    ',{"service_id":2,"service_name":"Packing","amount":10.50,"quantity":30'
    ',"rate":{"card":1,"index":1}}'
    ',{"service_id":3,"service_name":"Carrier","amount":4.20}]}]'
    ',"currency":"USD","status":"draft","exception_count":0,"content_hash":"'
)


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world, without the order whose items are unknown."""
    settle(client)
    put_items = [{"customer_id": 1, "order_id": 10002, "order_date": None}]
    assert client.post(API + "orders/", json=put_items).status_code == 200
    return client


def test_the_detail_has_the_published_fields_in_their_order_then_the_additional_ones(
    world: FlaskClient,
) -> None:
    """Every byte before the hash is known: names, order, decimals, no spaces."""
    generate(world)
    response = world.get(API + "reports/1/")
    assert response.status_code == 200
    assert response.text.startswith(DETAIL)
    assert response.text[len(DETAIL) + 64 :] == '"}'
    assert value(response)["orders"][0]["order_id"] == 10001


def test_a_report_without_orders_is_complete(world: FlaskClient) -> None:
    """Nothing to bill is an answer, with zero in the currency's decimals."""
    report = generate(world, 2, start_date="2022-01-01", end_date="2022-01-31")
    assert '"total_amount":0,"service_totals":{},"orders":[],' in report.text


def test_amounts_have_the_decimals_of_the_currency(world: FlaskClient) -> None:
    """Yen have none, a credit stays negative."""
    assert '"total_amount":-7,"service_totals"' in generate(world, 2).text


def test_orders_and_costs_come_in_their_order(world: FlaskClient) -> None:
    """Orders by date, then id; costs by service, recorded ones before rates; totals by number."""
    put(world, "services/10/", {"name": "Tenth"})
    orders = [
        {"customer_id": 1, "order_id": 9, "order_date": "2023-01-03"},
        {
            "customer_id": 1,
            "order_id": 20,
            "order_date": "2023-01-02",
            "charges": [
                {"service_id": 10, "amount": 1},
                {"service_id": 1, "amount": "-2.00"},
                {"service_id": 1, "amount": "0.00"},
                {"service_id": 1, "amount": 3},
            ],
            "items": [],
        },
        {"customer_id": 1, "order_id": 10, "order_date": "2023-01-03"},
    ]
    assert world.post(API + "orders/", json=orders).status_code == 200
    report = value(generate(world, end_date="2023-01-04"))
    assert [order["order_id"] for order in report["orders"]] == [20, 9, 10]
    costs = report["orders"][0]["service_costs"]
    assert [(cost["service_id"], str(cost["amount"]), "rate" in cost) for cost in costs] == [
        (1, "-2.00", False),
        (1, "3.00", False),
        (1, "5.00", True),
        (10, "1.00", False),
    ]
    assert list(report["service_totals"]) == ["1", "10"]
    assert str(report["total_amount"]) == "17.00"


def test_costs_are_rounded_once_to_the_currency(client: FlaskClient) -> None:
    """Half up, to three decimals in dinars; every sum agrees."""
    put(client, "customers/1/", {"name": "Kuwait", "currency": "KWD"})
    put(client, "services/1/", {"name": "Picking"})
    price = {"model": "unit", "measure": "units", "unit_price": "0.0005"}
    card = {"effective_from": "2023-01-01", "rates": [{"service_id": 1, "price": price}]}
    put(client, "customers/1/rates/", card)
    orders = [
        {"customer_id": 1, "order_id": number, "order_date": "2023-01-02", "total_item_qty": number}
        for number in (1, 3)
    ]
    client.post(API + "orders/", json=orders)
    response = generate(client)
    assert '"total_amount":0.003,"service_totals":{"1":{"service_name"' in response.text
    assert [str(order["total_amount"]) for order in value(response)["orders"]] == ["0.001", "0.002"]


@pytest.mark.parametrize(
    "path_id",
    [
        "99",
        "abc",
        "-1",
        "+1",
        "1.5",
        "0",
        "01",
        "0001",
        "%D9%A1",
        "%00",
        "9223372036854775808",
        "1" * 5000,
        "1%20",
        "1_0",
    ],
)
@pytest.mark.parametrize("tail", ["", "download/", "exceptions/"])
def test_an_id_that_no_report_has_is_not_found(
    client: FlaskClient, path_id: str, tail: str
) -> None:
    """Whatever stands in the path in an id's place, the answer is the same 404."""
    response = client.get(f"{API}reports/{path_id}/{tail}")
    assert (response.status_code, response.text) == (404, NOT_FOUND)
    assert response.content_type == "application/json"


def test_the_largest_id_is_an_id(client: FlaskClient) -> None:
    """2^63 - 1 is looked for and not found."""
    response = client.get(f"{API}reports/9223372036854775807/")
    assert (response.status_code, response.text) == (404, NOT_FOUND)


@pytest.mark.parametrize(
    "path",
    [
        "reports/1/",
        "reports/1/download/",
        "reports/1/download/?format=json",
        "reports/1/download/?format=pdf",
        "reports/1/exceptions/",
        "reports/1/exceptions/?page=1",
        "customers/1/",
        "customers/1/rates/",
        "customers/1/rates/?on=2023-01-05",
        "customers/1/orders/10001/",
    ],
)
def test_what_belongs_to_another_customer_looks_like_what_is_missing(
    world: FlaskClient, caller: Caller, path: str
) -> None:
    """A token for customer 2 gets the answer of an id that nobody has, headers included."""
    generate(world)
    bolt = caller(customers=[2])
    hidden = bolt.get(API + path)
    missing = bolt.get(API + path.replace("1/", "77/", 1))
    assert (hidden.status_code, hidden.text) == (404, NOT_FOUND)
    assert hidden.text == missing.text
    assert {name for name, _ in hidden.headers} == {name for name, _ in missing.headers}


def test_both_spellings_of_a_path_answer_directly(world: FlaskClient) -> None:
    """Without the slash at its end a path works too, without a redirect."""
    generate(world)
    for path in ("reports", "reports/1", "reports/1/exceptions", "reports/customer-summary"):
        with_slash = world.get(API + path + "/")
        without = world.get(API + path)
        assert (without.status_code, without.text) == (200, with_slash.text)


def test_head_says_what_get_would(world: FlaskClient) -> None:
    """The headers are those of GET, the length included; the body is empty."""
    generate(world)
    response = world.head(API + "reports/1/")
    assert response.content_length == len(world.get(API + "reports/1/").data)
    assert response.data == b""


# ---------------------------------------------------------------------------------- exceptions


def test_exceptions_name_every_order_that_is_not_fully_billed(client: FlaskClient) -> None:
    """A cancelled order is listed but not counted; one without a date is in no period."""
    settle(client)
    report = value(generate(client))
    assert report["exception_count"] == 1
    assert [order["order_id"] for order in report["orders"]] == [10001, 10002]
    response = client.get(API + "reports/1/exceptions/")
    assert response.text == (
        '[{"order_id":10002,"reason":"needs_attention"'
        ',"problems":["items and total_item_qty are missing"]}'
        ',{"order_id":10003,"reason":"cancelled","problems":[]}]'
    )
    assert value(response)


def test_no_exceptions_are_an_empty_list(client: FlaskClient) -> None:
    """A complete report leaves nothing out."""
    settle(client)
    generate(client, 2)
    assert client.get(API + "reports/1/exceptions/").text == "[]"


def test_exceptions_are_paged_like_other_lists(client: FlaskClient) -> None:
    """A page holds the very bytes that the whole list has in its place."""
    settle(client)
    orders = [
        {"customer_id": 1, "order_id": number, "order_date": "2023-01-07", "status": "canceled"}
        for number in range(1, 1200)
    ]
    client.post(API + "orders/", json=orders)
    generate(client)
    whole = client.get(API + "reports/1/exceptions/")
    page = client.get(API + "reports/1/exceptions/?page=2&page_size=1000")
    assert len(value(whole)) == 1201
    assert value(page) == value(whole)[1000:]
    assert page.text.removeprefix("[") in whole.text
    assert '"total": 1201, "total_pages": 2' in page.headers["X-Pagination"]
    assert client.get(API + "reports/1/exceptions/?page=3&page_size=1000").text == "[]"


def test_an_order_without_a_card_in_force_needs_attention(client: FlaskClient) -> None:
    """A customer with cards, but none yet on the order's day, is not billed nothing silently."""
    settle(client)
    orders = [{"customer_id": 1, "order_id": 5, "order_date": "2022-12-31"}]
    client.post(API + "orders/", json=orders)
    generate(client, start_date="2022-12-31", end_date="2022-12-31")
    assert client.get(API + "reports/1/exceptions/").text == (
        '[{"order_id":5,"reason":"needs_attention"'
        ',"problems":["no rate card is in force on the order\'s date"]}]'
    )


# ---------------------------------------------------------------------------- customer summary


def test_the_customer_summary_sums_up_each_customer_the_latest_first(
    world: FlaskClient, clock: SetClock
) -> None:
    """Two reports of one customer are one entry; dates are when reports were created."""
    generate(world)
    clock.instant += timedelta(minutes=1)
    generate(world)
    clock.instant += timedelta(minutes=1)
    generate(world, 2)
    response = world.get(API + "reports/customer-summary/")
    assert response.text == (
        '[{"customer_id":2,"customer_name":"Łódź 東京","report_count":1,"total_amount":-7'
        ',"first_report":"2023-02-01T12:02:00Z","latest_report":"2023-02-01T12:02:00Z"'
        ',"currency":"JPY","final_amount":0}'
        ',{"customer_id":1,"customer_name":"Acme","report_count":2,"total_amount":39.40'
        ',"first_report":"2023-02-01T12:00:00Z","latest_report":"2023-02-01T12:01:00Z"'
        ',"currency":"USD","final_amount":0.00}]'
    )
    assert value(response)


def test_the_customer_summary_tells_the_name_on_the_latest_report(
    world: FlaskClient, clock: SetClock
) -> None:
    """A customer that changed its name is shown under the new one once a report carries it."""
    generate(world)
    put(world, "customers/1/", {"name": "Acme Ltd"})
    summary = world.get(API + "reports/customer-summary/?customer_id=1")
    assert value(summary)[0]["customer_name"] == "Acme"
    clock.instant += timedelta(seconds=1)
    generate(world)
    summary = world.get(API + "reports/customer-summary/?customer_id=1")
    assert value(summary)[0]["customer_name"] == "Acme Ltd"


def test_the_customer_summary_of_an_unknown_customer_is_empty(world: FlaskClient) -> None:
    """It is a list of none, not an error; so is that of a customer without reports."""
    assert world.get(API + "reports/customer-summary/?customer_id=999").text == "[]"
    assert world.get(API + "reports/customer-summary/?customer_id=1").text == "[]"


def test_the_alias_of_the_customer_summary_answers_the_same(world: FlaskClient) -> None:
    """The underscore spelling is the same list, with and without the slash."""
    generate(world)
    expected = world.get(API + "reports/customer-summary/?customer_id=1")
    for path in ("customer_summary/", "customer_summary", "customer-summary"):
        response = world.get(f"{API}reports/{path}?customer_id=1")
        assert (response.status_code, response.text) == (200, expected.text)


def test_the_customer_summary_shows_only_the_caller_s_customers(
    world: FlaskClient, caller: Caller
) -> None:
    """Neither the list nor a filter reveals a customer that the token does not name."""
    generate(world)
    generate(world, 2)
    bolt = caller(customers=[2])
    summaries = value(bolt.get(API + "reports/customer-summary/"))
    assert [summary["customer_id"] for summary in summaries] == [2]
    assert bolt.get(API + "reports/customer-summary/?customer_id=1").text == "[]"


# ------------------------------------------------------------------------------------ failures


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("reports/", "An error occurred while fetching reports."),
        ("reports/customer-summary/", "An error occurred getting customer summary"),
        ("reports/customer_summary/", "An error occurred getting customer summary"),
        ("reports/1/", "An internal error occurred."),
        ("customers/", "An internal error occurred."),
    ],
)
def test_a_failure_says_the_published_sentence_and_nothing_else(
    client: FlaskClient,
    billing: Billing,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    sentence: str,
) -> None:
    """Whatever broke, no stack trace, path or statement leaves the service."""

    def snapshot(*_: object) -> None:
        raise RuntimeError("secret detail at /var/lib")

    monkeypatch.setattr(billing.storage, "snapshot", snapshot)
    response = client.get(API + path)
    assert (response.status_code, response.json) == (500, {"error": sentence})


def test_a_report_that_cannot_be_priced_fails_with_its_own_sentence(
    client: FlaskClient, billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generating has a sentence of its own, without a full stop, as published."""
    settle(client)
    monkeypatch.setattr(billing.storage, "transaction", None)
    response = generate(client)
    assert response.status_code == 500
    assert response.json == {"error": "An error occurred generating the report"}
