"""unbilled/ and only_unbilled: what no final report claims, and a report of just that."""

import pytest
from flask.testing import FlaskClient

from billing.bootstrap import Billing
from tests.integration.http.worlds import API, JANUARY, Caller, generate, settle, value

FINALIZE = {"accept_exceptions": True, "reason": "agreed"}
LATE = {
    "customer_id": 1,
    "order_id": 10009,
    "order_date": "2023-01-07",
    "charges": [{"service_id": 3, "amount": "1.25"}],
}


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put the small world; report 1 of customer 1 is final, and an order of January comes late."""
    settle(client)
    assert generate(client).status_code == 201
    finalize(client, 1)
    assert client.post(API + "orders/", json=[LATE]).status_code == 200
    return client


def finalize(client: FlaskClient, report_id: int) -> None:
    """Make a report final, whatever its exceptions."""
    path = f"{API}reports/{report_id}/finalize/"
    response = client.post(path, json=FINALIZE)
    assert response.status_code == 200, response.text


def unbilled(client: FlaskClient, query: str = "") -> list[tuple[int, int]]:
    """Return customer and id of the orders that are unbilled."""
    response = client.get(f"{API}unbilled/?{query}")
    assert response.status_code == 200, response.text
    return [(order["customer_id"], order["order_id"]) for order in value(response)]


@pytest.mark.parametrize(
    ("query", "orders"),
    [
        ("", [(1, 10004), (1, 10009), (2, 10001)]),
        ("customer_id=1", [(1, 10004), (1, 10009)]),
        ("customer_id=1&start_date=2023-01-01", [(1, 10009)]),
        ("customer_id=1&end_date=2023-01-06", []),
        ("start_date=2023-01-07&end_date=2023-01-31", [(1, 10009), (2, 10001)]),
        ("customer_id=99", []),
        ("page=2&page_size=2", [(2, 10001)]),
    ],
)
def test_unbilled_orders_are_listed(
    world: FlaskClient, query: str, orders: list[tuple[int, int]]
) -> None:
    """Neither claimed nor cancelled ones; the undated unless dates are asked for."""
    assert unbilled(world, query) == orders


def test_they_are_shown_as_orders_are(world: FlaskClient) -> None:
    """The same bytes, and pages count the unbilled only."""
    query = "customer_id=1&start_date=2023-01-07"
    assert world.get(f"{API}unbilled/?{query}").data == world.get(f"{API}orders/?{query}").data
    paged = world.get(API + "unbilled/?page=1&page_size=1")
    assert '"total": 3' in paged.headers["X-Pagination"]
    assert f'<{API}unbilled/?page_size=1&page=3>; rel="last"' in paged.headers["Link"]


def test_a_cancelled_order_is_not_unbilled_and_a_restored_one_is(world: FlaskClient) -> None:
    """Order 10003 was cancelled when its period became final, so nothing claims it."""
    restored = {"customer_id": 1, "order_id": 10003, "order_date": "2023-01-06", "status": "open"}
    cancelled = {**LATE, "status": "CANCELED"}
    assert world.post(API + "orders/", json=[restored, cancelled]).status_code == 200
    assert unbilled(world, "customer_id=1") == [(1, 10003), (1, 10004)]


def test_void_reports_free_their_orders(world: FlaskClient) -> None:
    """They are unbilled again."""
    assert world.post(API + "reports/1/void/", json={"reason": "wrong"}).status_code == 200
    assert [order_id for _, order_id in unbilled(world, "customer_id=1")] == [
        10001,
        10002,
        10004,
        10009,
    ]


@pytest.mark.usefixtures("world")
def test_only_ones_own_orders_are_listed(caller: Caller) -> None:
    """With the scope reports:read, and for the customers of the token."""
    assert unbilled(caller(customers=[2])) == [(2, 10001)]
    assert unbilled(caller(customers=[2]), "customer_id=1") == []
    assert caller(scopes=["reports:write"]).get(API + "unbilled/").status_code == 403


def test_only_unbilled_bills_just_those(world: FlaskClient, billing: Billing) -> None:
    """Orders, exceptions and evidence are of these; the report becomes final and proves itself."""
    preview = value(
        world.post(
            API + "reports/preview/", json={"customer_id": 1, **JANUARY, "only_unbilled": True}
        )
    )
    report = value(generate(world, only_unbilled=True))
    assert [order["order_id"] for order in report["orders"]] == [10009]
    assert preview["content_hash"] == report["content_hash"]
    assert "only_unbilled" not in report
    exceptions = value(world.get(f"{API}reports/{report['id']}/exceptions/"))
    assert [(e["order_id"], e["reason"]) for e in exceptions] == [
        (10003, "cancelled"),
        (10009, "needs_attention"),
    ]
    assert world.get(f"{API}reports/{report['id']}/explain/?order_id=10001").status_code == 404
    finalize(world, report["id"])
    assert unbilled(world, "customer_id=1") == [(1, 10004)]
    assert [v.difference for v in billing.verification.verify_all()] == [None, None]
    again = value(generate(world, only_unbilled=True))
    assert (again["orders"], again["total_amount"]) == ([], 0)


@pytest.mark.parametrize("absent", [False, None])
def test_without_only_unbilled_all_orders_are_billed(
    world: FlaskClient, absent: bool | None
) -> None:
    """False and null are as if it were left out."""
    whole = value(generate(world))
    assert value(generate(world, only_unbilled=absent))["content_hash"] == whole["content_hash"]


@pytest.mark.parametrize("wrong", ["true", 1, []])
def test_only_unbilled_is_true_or_false(world: FlaskClient, wrong: object) -> None:
    """Nothing else is read as either."""
    response = generate(world, only_unbilled=wrong)
    assert response.status_code == 400
    assert value(response)["error"].startswith("only_unbilled: ")


def test_only_unbilled_is_part_of_a_key(world: FlaskClient) -> None:
    """A repeated call answers its report; the same key without it is another call."""

    def send(**changes: object) -> tuple[int, str | None]:
        body = {"customer_id": 1, **JANUARY, **changes}
        headers = {"Idempotency-Key": "k"}
        response = world.post(API + "reports/generate/", json=body, headers=headers)
        return response.status_code, response.headers.get("Location")

    assert send(only_unbilled=True) == (201, "/api/v2/reports/2/")
    assert send(only_unbilled=True) == (201, "/api/v2/reports/2/")
    assert send()[0] == 422
    assert send(only_unbilled=False)[0] == 422
    orders = value(world.get(API + "reports/2/"))["orders"]
    assert [order["order_id"] for order in orders] == [10009]


def test_a_draft_card_prices_the_unbilled_alone(world: FlaskClient) -> None:
    """The comparison is over the same orders."""
    rates = [{"service_id": 1, "price": {"model": "flat", "amount": "1.00"}}]
    body = {"customer_id": 1, **JANUARY, "only_unbilled": True, "rates": rates}
    preview = value(world.post(API + "reports/preview/", json=body))
    assert [order["order_id"] for order in preview["orders"]] == [10009]
    compared = preview["compared_with_current"]
    assert [order["order_id"] for order in compared["orders"]] == [10009]
