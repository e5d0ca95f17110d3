"""Operations: how each call of the API is made, by operation id, for tests that try them all.

A new operation needs its row in OPERATIONS; a test fails until it has one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.entrypoints.tokens import SCOPES
from tests.integration.http.worlds import API, CARD, JANUARY, ORDERS, generate, put, settle

OWN, OTHER, MISSING = 1, 2, 77
"""Customers: the caller's own, somebody else's, nobody's. Report N and run N are customer N's."""

MARK = "Owned by the other customer"
"""A text in everything that belongs to the other customer."""

READ, WRITE, CATALOG, AUDIT = SCOPES

ACCEPTED = {"accept_exceptions": True, "reason": MARK}


@dataclass(frozen=True, slots=True)
class Operation:
    """How an operation is called, and what it answers.

    path: under the API's root; `{n}` stands for a customer, its report and its run. body: makes the
    JSON body for a customer. own: the status for the caller's own. hidden: the status for what is
    another customer's or does not exist, alike; None when the call is about nobody's data, [] when
    it answers an empty list. everyone: it takes a token for every customer. bodiless: without any
    body it means something as well.
    """

    method: str
    path: str
    scope: str
    body: Callable[[int], Any] | None = None
    own: int = 200
    hidden: int | list[object] | None = 404
    everyone: bool = False
    bodiless: bool = False

    def call(self, client: FlaskClient, customer: int = OWN, **options: Any) -> TestResponse:
        """Make the call for a customer; `options` are the client's own."""
        if self.body is not None and not options.keys() & {"data", "json"}:
            options["json"] = self.body(customer)
        return client.open(self.path_for(customer), method=self.method, **options)

    def path_for(self, customer: int | str = OWN) -> str:
        """Return the whole path, with the query."""
        return API + self.path.replace("{n}", str(customer))


def _period(customer: int) -> dict[str, Any]:
    return {"customer_id": customer, **JANUARY, "output_format": "json", "services": [1, 3]}


def _order(customer: int) -> list[dict[str, Any]]:
    row = {**ORDERS[0], "customer_id": customer, "order_id": 555, "carrier": "UPS", "notes": "n"}
    return [row]


def _product(customer: int) -> list[dict[str, Any]]:
    return [{"customer_id": customer, "sku": "ZZ-9", "units_per_case": 6}]


def _card(_: int) -> dict[str, Any]:
    return {"effective_from": "2024-01-01", "rates": CARD["rates"][:1]}


def _accepting(_: int) -> dict[str, Any]:
    return {**ACCEPTED, "reason": "agreed"}


def _run(customer: int) -> dict[str, Any]:
    return {"period": "2023-03", "customers": [customer]}


def _trial(_: int) -> dict[str, Any]:
    return {"order": {"carrier": "UPS", "items": [{"sku": "AB-1", "quantity": 2}]}}


OPERATIONS: dict[str, Operation] = {
    "listReports": Operation("GET", "reports/?customer_id={n}", READ, hidden=[]),
    "getReport": Operation("GET", "reports/{n}/", READ),
    "generateReport": Operation("POST", "reports/generate/", WRITE, _period, 201, 400),
    "previewReport": Operation("POST", "reports/preview/", READ, _period, hidden=400),
    "downloadReport": Operation("GET", "reports/{n}/download/?format=csv", READ),
    "listCustomerSummaries": Operation(
        "GET", "reports/customer-summary/?customer_id={n}", READ, hidden=[]
    ),
    "listReportExceptions": Operation("GET", "reports/{n}/exceptions/", READ),
    "explainOrder": Operation("GET", "reports/{n}/explain/?order_id=10001", READ),
    "listCustomers": Operation("GET", "customers/", READ, hidden=None),
    "getCustomer": Operation("GET", "customers/{n}/", READ),
    "putCustomer": Operation(
        "PUT", "customers/{n}/", CATALOG, lambda _: {"name": "Acme", "time_zone": "UTC"}
    ),
    "listServices": Operation("GET", "services/", READ, hidden=None),
    "getService": Operation("GET", "services/1/", READ, hidden=None),
    "putService": Operation(
        "PUT",
        "services/1/",
        CATALOG,
        lambda _: {"name": "Picking", "description": "By hand"},
        hidden=None,
        everyone=True,
    ),
    "storeProducts": Operation("POST", "products/", CATALOG, _product, hidden=400),
    "listProducts": Operation("GET", "products/?customer_id={n}", READ, hidden=[]),
    "storeOrders": Operation("POST", "orders/", CATALOG, _order, hidden=400),
    "listOrders": Operation("GET", "orders/?customer_id={n}", READ, hidden=[]),
    "getOrder": Operation("GET", "customers/{n}/orders/10001/", READ),
    "listRateCards": Operation("GET", "customers/{n}/rates/", READ),
    "putRateCard": Operation("PUT", "customers/{n}/rates/", CATALOG, _card, 201),
    "listUnbilledOrders": Operation("GET", "unbilled/?customer_id={n}", READ, hidden=[]),
    "finalizeReport": Operation("POST", "reports/{n}/finalize/", WRITE, _accepting, bodiless=True),
    "voidReport": Operation("POST", "reports/{n}/void/", WRITE, lambda _: {"reason": "wrong"}),
    "listReportMoves": Operation("GET", "reports/{n}/history/", READ),
    "listAuditEntries": Operation("GET", "audit/?customer_id={n}", AUDIT, hidden=[]),
    "startRun": Operation("POST", "runs/", WRITE, _run, 202, 400),
    "listRuns": Operation("GET", "runs/", READ, hidden=None),
    "getRun": Operation("GET", "runs/{n}/", READ),
    "listRunItems": Operation("GET", "runs/{n}/items/", READ),
    "cancelRun": Operation("POST", "runs/{n}/cancel/", WRITE, lambda _: {}, bodiless=True),
    # Nothing of it has failed, which nobody else is told.
    "retryRun": Operation("POST", "runs/{n}/retry/", WRITE, lambda _: {}, 409, bodiless=True),
    "tryRates": Operation("POST", "customers/{n}/rates/test/", READ, _trial),
}

PUBLIC = {"getHealth": "/healthz", "getReadiness": "/readyz"}
"""Operations that need no token, with their paths."""


def settle_two(client: FlaskClient) -> None:
    """Put the small world, everything of customer 2 with its mark, and a report for each."""
    settle(client)
    put(client, "customers/2/", {"name": MARK})
    put(client, "customers/2/rates/", {**CARD, "rates": CARD["rates"][:1]})
    marked = {**ORDERS[-1], "reference_number": MARK, "notes": MARK, "carrier": MARK}
    assert client.post(API + "orders/", json=[marked]).status_code == 200
    products = [
        {"customer_id": OWN, "sku": "AB-1", "units_per_case": 12},
        {"customer_id": OTHER, "sku": MARK, "units_per_case": 12},
    ]
    assert client.post(API + "products/", json=products).status_code == 200
    for customer in (OWN, OTHER):
        report = generate(client, customer).json
        assert report is not None
        assert report["id"] == customer
        body = {"period": "2023-02", "customers": [customer]}
        run = client.post(API + "runs/", json=body).json
        assert run is not None
        assert run["id"] == customer
    # The other's report is final, and it has another order that nothing claims.
    assert client.post(f"{API}reports/{OTHER}/finalize/", json=ACCEPTED).status_code == 200
    late = {**marked, "order_id": 20_777, "order_date": "2023-02-01"}
    assert client.post(API + "orders/", json=[late]).status_code == 200


def everything_of(client: FlaskClient, customer: int) -> list[bytes]:
    """Return all that can be read of a customer, byte for byte."""
    paths = [
        operation.path_for(customer)
        for operation in OPERATIONS.values()
        if operation.method == "GET" and operation.hidden is not None
    ]
    return [client.get(path).data for path in paths]
