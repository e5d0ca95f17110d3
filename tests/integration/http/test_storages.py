"""Storages: the same calls get the same answers, byte for byte, whatever keeps the data."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from billing.adapters.memory import MemoryStorage
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import compose
from billing.domain.ports import Storage
from billing.entrypoints.http.app import create_app
from billing.entrypoints.tokens import SCOPES, issue
from billing.settings import Settings
from tests.integration.http.conftest import SetClock
from tests.integration.http.worlds import API, CARD, JANUARY, ORDERS, generate, settle

Exchange = tuple[str, int, bytes, str | None]

PRODUCTS: list[dict[str, object]] = [
    {"customer_id": customer_id, "sku": sku, "units_per_case": 12}
    for customer_id in (1, 2)
    for sku in ("AB-1", "żółw 2", "Straße", "a 9", "🐢")
]
RATES = [
    {"service_id": 1, "price": {"model": "unit", "measure": "cases", "unit_price": "1.10"}},
    {"service_id": 2, "price": {"model": "percentage", "percent": "8.64", "of": [1, 3]}},
]

READS = [
    "customers/",
    "customers/?page_size=1",
    "customers/9/",
    "services/",
    "services/?page=2&page_size=2",
    "services/9/",
    "orders/",
    "orders/?customer_id=1&start_date=2023-01-05&end_date=2023-01-05",
    "orders/?page=2&page_size=2",
    "unbilled/",
    "unbilled/?customer_id=1&start_date=2023-01-05&end_date=2023-01-05",
    "unbilled/?page=2&page_size=2",
    "orders/?page=9223372036854775807&page_size=1000",
    "orders/?customer_id=9223372036854775807",
    "customers/1/orders/10001/",
    "customers/1/orders/9223372036854775807/",
    "customers/1/rates/",
    "customers/1/rates/?on=2023-01-31",
    "customers/1/rates/?on=2022-12-31",
    "reports/",
    "reports/?order_by=customer_name&page_size=2",
    "reports/?order_by=-total_amount",
    "reports/?order_by=order_count&customer_id=1",
    "reports/?start_date=0001-01-01&end_date=9999-12-31",
    "reports/?created_after=2023-02-01&created_before=2023-02-01",
    "reports/?created_before=0001-01-01",
    "reports/?created_after=9999-12-31",
    "reports/?customer_id=9223372036854775807",
    "reports/?page=9223372036854775807&page_size=1000",
    "reports/customer-summary/",
    "reports/customer-summary/?customer_id=9223372036854775807",
    "reports/1/",
    "reports/1/download/",
    "reports/1/exceptions/",
    "reports/1/exceptions/?page=1&page_size=1",
    "reports/1/explain/?order_id=10001",
    "reports/1/explain/?order_id=10002",
    "reports/1/explain/?order_id=10003",
    "reports/1/explain/?order_id=10004",
    "reports/1/explain/?order_id=9223372036854775807",
    "reports/2/explain/?order_id=10001",
    "reports/9223372036854775807/explain/?order_id=1",
    "products/",
    "products/?customer_id=1&page=2&page_size=2",
    "products/?customer_id=9223372036854775807",
    "reports/3/",
    "reports/1/history/",
    "reports/3/history/?page=1",
    "reports/4/history/",
    "reports/5/history/",
    "reports/5/",
    "reports/9223372036854775807/",
    "audit/?customer_id=1",
    "audit/?action=customer.updated&page=1&page_size=1",
    "audit/?object_kind=rate_card&created_after=0001-01-01&created_before=9999-12-31",
    "audit/?page=9223372036854775807&page_size=1000",
]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: Callable[[], str]
) -> Iterator[Storage]:
    """Return a migrated, empty database."""
    sqlite = f"sqlite:///{tmp_path / 'billing.db'}"
    storage = SqlStorage.open(sqlite if request.param == "sqlite" else postgres_url())
    storage.upgrade()
    yield storage
    storage.close()


def test_every_storage_answers_alike(
    database: Storage, settings: Settings, clock: SetClock
) -> None:
    """Writes, refusals, lists, pages, files: status, body and page headers agree."""
    on_memory = story(serve(MemoryStorage(), settings, clock))
    in_database = story(serve(database, settings, clock))
    for expected, found in zip(on_memory, in_database, strict=True):
        assert found == expected


def serve(storage: Storage, settings: Settings, clock: SetClock) -> FlaskClient:
    """Return a client of the service over a storage."""
    client = create_app(settings, compose(storage, clock=clock)).test_client()
    token = issue(settings, "alice", SCOPES, None, 1, clock.now())
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    client.environ_base["HTTP_X_REQUEST_ID"] = "request-1"  # For the audit trail tells it.
    return client


def story(client: FlaskClient) -> list[Exchange]:
    """Make every kind of call, and return what was answered."""
    settle(client)
    exchanges = []

    def note(method: str, path: str, **body: object) -> None:
        response = client.open(API + path, method=method, **body)  # type: ignore[arg-type]
        pages = response.headers.get("X-Pagination")
        exchanges.append((f"{method} {path} {body}", response.status_code, response.data, pages))

    note("PUT", "customers/1/", json={"name": "Acme", "currency": "EUR"})
    note("PUT", "customers/2/", json={"name": "żółw 🐢"})
    note("PUT", "customers/9223372036854775807/", json={"name": "a" * 255})
    note("PUT", "services/1/", json={"name": "Picking", "description": "By hand"})
    note("PUT", "customers/1/rates/", json=CARD)
    note("PUT", "customers/2/rates/", json={"effective_from": "9999-12-31", "rates": []})
    note("PUT", "customers/99/rates/", json=CARD)
    note("POST", "products/", json=PRODUCTS)
    note("POST", "products/", json=[PRODUCTS[1], PRODUCTS[2] | {"units_per_case": 7}])
    note("POST", "products/", json=[PRODUCTS[0] | {"sku": "AB1"}, {"customer_id": 99}])
    note("POST", "products/?on_error=skip", json=[*PRODUCTS, PRODUCTS[0] | {"sku": "AB1"}])
    note(
        "POST", "orders/", json=[{"customer_id": 1, "order_id": 10002, "order_date": "2023-01-05"}]
    )
    note("POST", "orders/", json=[{"customer_id": 99, "order_id": 1}])
    note(
        "POST",
        "orders/?on_error=skip",
        json=[{"customer_id": 99, "order_id": 1}, {"customer_id": 2, "order_id": 2**63 - 1}],
    )
    for customer_id, changes in (
        (1, {}),
        (2, {"start_date": "0001-01-01", "end_date": "9999-12-31"}),
        (1, {"services": [3]}),
        (1, {"start_date": "2020-01-01", "end_date": "2020-01-01"}),
        (99, {}),
        (1, {"services": [99]}),
    ):
        response = generate(client, customer_id, **changes)
        exchanges.append((f"generate {changes}", response.status_code, response.data, None))
    accepted = {"accept_exceptions": True, "reason": "zgoda żółwia"}
    generate(client)
    for report_id, call, terms in (
        (1, "finalize", {}),
        (1, "finalize", accepted),
        (1, "finalize", accepted),
        (3, "finalize", accepted),
        (5, "finalize", accepted),
        (5, "finalize", {**accepted, "supersedes": 2}),
        (5, "finalize", {**accepted, "supersedes": 1}),
        (1, "finalize", accepted),
        (2, "finalize", {}),
        (3, "void", {"reason": "nur ein Test"}),
        (3, "void", {"reason": "nur ein Test"}),
        (9, "void", {"reason": "nur ein Test"}),
    ):
        note("POST", f"reports/{report_id}/{call}/", json=terms)
    for what_if in ({}, {"rates": RATES}, {"rates": [], "services": [3]}, {"customer_id": 99}):
        note("POST", "reports/preview/", json={"customer_id": 1, **JANUARY, **what_if})
    for customer_id, order in ((1, ORDERS[0]), (2, {}), (99, {})):
        for rates in (None, RATES):
            body = {"order": order, "rates": rates}
            note("POST", f"customers/{customer_id}/rates/test/", json=body)
    for path in READS:
        note("GET", path)
    return exchanges
