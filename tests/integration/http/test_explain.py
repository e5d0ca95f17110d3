"""Explaining: why an order of a report costs what it does, for as long as the report is there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from billing.adapters.memory import MemoryStorage
from billing.adapters.sql.storage import SqlStorage
from billing.domain.ports import Storage
from tests.integration.http.contract import (
    AMOUNTS,
    ROW,
    TOTAL,
    lines,
    settle_contract,
    store,
)
from tests.integration.http.worlds import (
    API,
    FORBIDDEN,
    NOT_FOUND,
    Caller,
    generate,
    put,
    value,
)
from tests.unit.worked_example import RATES

EXPLAIN = API + "reports/1/explain/"
FLAT = {"service_id": 3, "price": {"model": "flat", "amount": "5.00"}}


@pytest.fixture
def contract(client: FlaskClient) -> FlaskClient:
    """Put the worked contract."""
    settle_contract(client)
    return client


def explained(client: FlaskClient, order_id: int = 10001, report_id: int = 1) -> dict[str, Any]:
    """Return why an order costs what it does."""
    response = client.get(f"{API}reports/{report_id}/explain/?order_id={order_id}")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = value(response)
    return answer


def test_the_worked_example_is_explained(contract: FlaskClient) -> None:
    """10.47, line by line, with the card and the place of each rate."""
    generate(contract)
    answer = explained(contract)
    assert list(answer) == [
        "order_id",
        "service_costs",
        "problems",
        "total_amount",
        "not_charged",
    ]
    assert (answer["order_id"], str(answer["total_amount"])) == (10001, TOTAL)
    assert lines(answer["service_costs"]) == AMOUNTS
    assert [cost["service_name"] for cost in answer["service_costs"]] == [
        "Case pick",
        "Loose pick",
        "Handling",
        "Weight",
        "Fuel",
    ]
    texts = [cost["explanation"]["text"] for cost in answer["service_costs"]]
    assert texts[0].startswith("30 units of AB-1 at 12 a case: 2 cases, 6 loose; 7 units of CD-2")
    assert texts[0].endswith("3 cases at 1.10; minimum 3.50; rounded half up to 3.50")
    assert texts[4] == "8.64 % of 3.88; rounded half up to 0.34"
    for index, cost in enumerate(answer["service_costs"]):
        why = cost["explanation"]
        assert why["rate"] == {"card": 1, "index": index, "effective_from": "2023-01-01"}
        assert why["amount"] == cost["amount"]


def test_an_explanation_is_the_trial_of_the_same_order(contract: FlaskClient) -> None:
    """One code bills, tries and explains."""
    generate(contract)
    trial = contract.post(
        API + "customers/1/rates/test/", json={"order": {**ROW, "order_id": 10001}}
    )
    tried, answer = value(trial), explained(contract)
    assert answer.pop("order_id") == 10001
    assert answer == tried


def test_orders_that_are_not_billed_are_explained_too(contract: FlaskClient) -> None:
    """Cancelled, without what is needed, without anything that applies, before the first card."""
    store(
        contract,
        {**ROW, "order_id": 1, "status": "Cancelled"},
        {**ROW, "order_id": 2, "items": None, "weight_lb": None},
        {**ROW, "order_id": 3, "order_date": "2022-12-31"},
    )
    generate(contract, start_date="2022-12-01")
    cancelled, unknown, early = (explained(contract, order_id) for order_id in (1, 2, 3))
    assert cancelled["service_costs"] == []
    assert {rate["text"] for rate in cancelled["not_charged"]} == {"the order is cancelled"}
    assert lines(unknown["service_costs"]) == [(3, "2.50")]
    assert unknown["problems"] == [
        "items are missing",
        "weight_lb is missing",
    ]
    texts = {rate["service_id"]: rate["text"] for rate in unknown["not_charged"]}
    assert texts[4] == "the condition is unknown"
    assert early["problems"] == ["no rate card is in force on the order's date"]
    assert (str(early["total_amount"]), early["not_charged"]) == ("0.00", [])


def test_recorded_charges_are_explained(contract: FlaskClient) -> None:
    """As they are, or marked up, each a line of its own."""
    markup = {"service_id": 4, "price": {"model": "markup", "percent": "10"}}
    put(contract, "customers/1/rates/", {"effective_from": "2023-01-02", "rates": [markup]})
    charges = [
        {"service_id": 4, "amount": "4.20"},
        {"service_id": 3, "amount": "-1.00"},
        {"service_id": 4, "amount": "-1.05"},
    ]
    store(contract, {**ROW, "charges": charges})
    generate(contract)
    costs = explained(contract)["service_costs"]
    assert lines(costs) == [(3, "-1.00"), (4, "4.62"), (4, "-1.16")]
    assert [cost["explanation"]["text"] for cost in costs] == [
        "a recorded charge of -1.00, as it is",
        "a recorded charge of 4.20 plus 10 %; rounded half up to 4.62",
        "a recorded charge of -1.05 plus 10 %; rounded half up to -1.16",
    ]


def test_a_partial_report_explains_its_services_alone(contract: FlaskClient) -> None:
    """And adds up to what it bills."""
    generate(contract, services=[3, 5])
    answer = explained(contract)
    assert lines(answer["service_costs"]) == [(3, "2.50"), (5, "0.34")]
    assert str(answer["total_amount"]) == "2.84"


def test_every_order_of_a_long_report_is_found(contract: FlaskClient) -> None:
    """Whichever page holds it; an id between those that are there is none."""
    rows = [
        {**ROW, "order_id": 3 * n, "order_date": f"2023-01-{1 + n * 7 % 31:02}", "packages": n}
        for n in range(1, 1_201)
    ]
    store(contract, *rows)
    generate(contract)
    for order_id in (3, 300, 1_503, 2_001, 3_600, 10001):
        assert explained(contract, order_id)["order_id"] == order_id
    for order_id in (1, 4, 3_599, 3_603, 2**63 - 1):
        response = contract.get(f"{EXPLAIN}?order_id={order_id}")
        assert (response.status_code, response.text) == (404, NOT_FOUND)


# --------------------------------------------------------------------------------- permanence


class TestForEver:
    """Nothing that changes later changes an explanation, whatever keeps the data."""

    @pytest.fixture(params=["memory", "sqlite", "postgresql"])
    def storage(
        self,
        request: pytest.FixtureRequest,
        tmp_path_factory: pytest.TempPathFactory,
        postgres_url: Callable[[], str],
    ) -> Iterator[Storage]:
        """Return an empty storage."""
        if request.param == "memory":
            yield MemoryStorage()
            return
        file = tmp_path_factory.mktemp("explain") / "billing.db"
        storage = SqlStorage.open(
            f"sqlite:///{file}" if request.param == "sqlite" else postgres_url()
        )
        storage.upgrade()
        yield storage
        storage.close()

    def test_an_explanation_outlives_what_it_explains(self, contract: FlaskClient) -> None:
        """Cards, products, names, orders and the customer's zone change; not a byte of it does."""
        store(contract, {**ROW, "order_id": 2, "weight_lb": None})
        generate(contract)
        paths = [f"{EXPLAIN}?order_id={order_id}" for order_id in (10001, 2)]
        before = [contract.get(path).data for path in paths]
        put(contract, "customers/1/", {"name": "New name", "time_zone": "Asia/Tokyo"})
        for service_id in range(1, 6):
            put(contract, f"services/{service_id}/", {"name": f"Renamed {service_id}"})
        put(contract, "customers/1/rates/", {"effective_from": "2023-01-01", "rates": [FLAT]})
        put(contract, "customers/1/rates/", {"effective_from": "2022-01-01", "rates": RATES[:1]})
        products = [{"customer_id": 1, "sku": sku, "units_per_case": 7} for sku in ("AB-1", "CD-2")]
        assert contract.post(API + "products/", json=products).status_code == 200
        store(
            contract,
            {"customer_id": 1, "order_id": 10001, "order_date": "2023-01-15", "packages": 3},
            {"customer_id": 1, "order_id": 2, "status": "cancelled"},
        )
        assert [contract.get(path).data for path in paths] == before
        generate(contract)
        assert str(explained(contract, report_id=2)["total_amount"]) == "5.00"


# ----------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "order_id: Missing data for required field."),
        ("?order_id=", "order_id: Not a valid id"),
        ("?order_id=x", "order_id: Not a valid id"),
        ("?order_id=0", "order_id: Not a valid id"),
        ("?order_id=-1", "order_id: Not a valid id"),
        ("?order_id=01", "order_id: Not a valid id"),
        ("?order_id=1.0", "order_id: Not a valid id"),
        ("?order_id=9223372036854775808", "order_id: Not a valid id"),
        ("?order_id=%D9%A1", "order_id: Not a valid id"),
        ("?order_id=1&order_id=1", "order_id: Given more than once."),
        ("?order_id=1&page=1", "page: Unknown field."),
    ],
)
def test_the_order_is_asked_for_strictly(contract: FlaskClient, query: str, error: str) -> None:
    """Told before whether there is such a report."""
    generate(contract)
    for path in (EXPLAIN, API + "reports/99/explain/"):
        response = contract.get(path + query)
        assert response.status_code == 400
        assert response.json is not None
        assert response.json["error"].startswith(error)


def test_what_a_report_did_not_hold_is_not_found(contract: FlaskClient) -> None:
    """No such report, no such order, another customer's, or one of another time."""
    store(
        contract,
        {"customer_id": 2, "order_id": 5, "order_date": "2023-01-15"},
        {**ROW, "order_id": 6, "order_date": "2023-02-01"},
        {**ROW, "order_id": 7, "order_date": None},
    )
    generate(contract)
    store(contract, {**ROW, "order_id": 8})  # After the report was made.
    for report_id, order_id in ((1, 4), (1, 5), (1, 6), (1, 7), (1, 8), (2, 10001)):
        response = contract.get(f"{API}reports/{report_id}/explain/?order_id={order_id}")
        assert (response.status_code, response.text) == (404, NOT_FOUND)
    for path in ("reports/0/explain/", "reports/x/explain/"):
        assert contract.get(f"{API}{path}?order_id=1").status_code == 404


def test_a_report_of_a_hidden_customer_is_not_explained(
    contract: FlaskClient, caller: Caller
) -> None:
    """404, as if it were not there."""
    generate(contract)
    response = caller(customers=[2]).get(EXPLAIN + "?order_id=10001")
    assert (response.status_code, response.text) == (404, NOT_FOUND)
    assert explained(caller(customers=[1]))["order_id"] == 10001


def test_explaining_takes_the_scope_of_reading(contract: FlaskClient, caller: Caller) -> None:
    """Whatever is asked."""
    generate(contract)
    for query in ("?order_id=10001", ""):
        response = caller(scopes=["reports:write", "catalog:write"]).get(EXPLAIN + query)
        assert (response.status_code, response.text) == (403, FORBIDDEN)
