"""A small world of customers, services, rates and orders, and short ways to call the service."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.domain.strict_json import loads

Caller = Callable[..., FlaskClient]
"""Makes a client with a token of its own: `scopes`, `customers`, `subject`."""

API = "/api/v2/"
NOT_FOUND = '{"detail": "Not found."}'
FORBIDDEN = '{"detail": "You do not have permission to perform this action."}'
JANUARY = {"start_date": "2023-01-01", "end_date": "2023-01-31"}

CARD = {
    "effective_from": "2023-01-01",
    "rates": [
        {"service_id": 1, "price": {"model": "flat", "amount": "5.00"}},
        {
            "service_id": 2,
            "price": {"model": "unit", "measure": "units", "unit_price": "0.35"},
        },
    ],
}

ORDERS: list[dict[str, Any]] = [
    {
        "customer_id": 1,
        "order_id": 10001,
        "reference_number": "PO-1",
        "order_date": "2023-01-05",
        "items": [{"sku": "AB-1", "quantity": 30}],
        "charges": [{"service_id": 3, "amount": "4.20"}],
    },
    {"customer_id": 1, "order_id": 10002, "order_date": "2023-01-05"},
    {"customer_id": 1, "order_id": 10003, "order_date": "2023-01-06", "status": "Cancelled"},
    {"customer_id": 1, "order_id": 10004, "order_date": None},
    {
        "customer_id": 2,
        "order_id": 10001,
        "order_date": "2023-01-31",
        "charges": [{"service_id": 3, "amount": -7}],
    },
]


def settle(client: FlaskClient) -> None:
    """Put two customers, three services, a rate card for customer 1, and the orders above."""
    put(client, "customers/1/", {"name": "Acme"})
    put(client, "customers/2/", {"name": "Łódź 東京", "currency": "JPY"})
    for service_id, name in enumerate(("Picking", "Packing", "Carrier"), start=1):
        put(client, f"services/{service_id}/", {"name": name})
    put(client, "customers/1/rates/", CARD)
    stored = client.post(API + "orders/", json=ORDERS)
    assert stored.json is not None
    assert stored.json["created"] == len(ORDERS), stored.text


def put(client: FlaskClient, path: str, body: object) -> TestResponse:
    """Put an object that must be taken."""
    response = client.put(API + path, json=body)
    assert response.status_code in {200, 201}, response.text
    return response


def generate(client: FlaskClient, customer_id: int = 1, /, **changes: object) -> TestResponse:
    """Generate a report over January; `changes` to the body win."""
    body = {"customer_id": customer_id, **JANUARY, **changes}
    return client.post(API + "reports/generate/", json=body)


def value(response: TestResponse) -> Any:
    """Return the JSON value of a response, decimals exact; its length must be the one declared."""
    assert response.content_type == "application/json", response.content_type
    assert response.content_length == len(response.data)
    return loads(response.data)
