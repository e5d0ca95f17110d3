"""The worked contract, put over HTTP: products, a card with every kind of rate, one order."""

from typing import Any

from flask.testing import FlaskClient

from tests.integration.http.worlds import API, put
from tests.unit.worked_example import ORDER, PRODUCTS, RATES, SERVICES

CARD = {"effective_from": "2023-01-01", "rates": RATES}
ROW: dict[str, Any] = {"customer_id": 1, **ORDER}
AMOUNTS = [(1, "3.50"), (2, "2.75"), (3, "2.50"), (4, "1.38"), (5, "0.34")]
TOTAL = "10.47"


def settle_contract(client: FlaskClient) -> None:
    """Put the customer, its services, products, card and order, and a customer without any."""
    put(client, "customers/1/", {"name": "ACME Corp"})
    put(client, "customers/2/", {"name": "Bolt", "currency": "JPY"})
    for service_id, name in enumerate(SERVICES, start=1):
        put(client, f"services/{service_id}/", {"name": name})
    assert client.post(API + "products/", json=PRODUCTS).status_code == 200
    put(client, "customers/1/rates/", CARD)
    store(client, ROW)


def store(client: FlaskClient, *rows: dict[str, Any]) -> None:
    """Store orders that must be taken."""
    response = client.post(API + "orders/", json=rows)
    assert response.status_code == 200, response.text


def lines(costs: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Return service and amount, to the digit, of each cost."""
    return [(cost["service_id"], str(cost["amount"])) for cost in costs]
