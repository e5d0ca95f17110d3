"""Runs over HTTP: started, watched, cancelled, retried; and for whom they exist."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from billing.bootstrap import Billing
from billing.domain.errors import AmountTooLargeError
from billing.testing.world import EVERYTHING, NOON
from tests.integration.http.worlds import (
    API,
    CARD,
    FORBIDDEN,
    JANUARY,
    NOT_FOUND,
    Caller,
    generate,
    put,
    settle,
    value,
)

RUN_FIELDS = [
    "id",
    "state",
    "total",
    "done",
    "failed",
    "started_at",
    "finished_at",
    "eta_seconds",
    "totals",
    "created_at",
    "start_date",
    "end_date",
    "only_unbilled",
    "finalize",
]


@pytest.fixture
def world(client: FlaskClient) -> FlaskClient:
    """Put two customers with orders in January."""
    settle(client)
    return client


def start(client: FlaskClient, **body: object) -> TestResponse:
    """Start a run, over January unless told otherwise."""
    return client.post(API + "runs/", json=body or {"period": "2023-01"})


def started(client: FlaskClient, **body: object) -> Any:
    """Start a run that must be taken; the run."""
    response = start(client, **body)
    assert response.status_code == 202, response.text
    return value(response)


def work(billing: Billing) -> None:
    """Work until nothing waits."""
    while billing.run_worker.work():
        pass


def break_customer(billing: Billing, monkeypatch: pytest.MonkeyPatch, customer_id: int) -> None:
    """Let the billing of a customer be refused."""
    prepare = billing.generator.prepare

    def broken(wanted: int, *args: object, **options: object) -> object:
        if wanted == customer_id:
            raise AmountTooLargeError("The report")
        return prepare(wanted, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(billing.generator, "prepare", broken)


def test_a_run_from_its_start_to_its_end(world: FlaskClient, billing: Billing) -> None:
    """202 with its place; then each customer has a report, and the run says what they come to."""
    response = start(world)
    assert response.status_code == 202
    assert response.headers["Location"] == API + "runs/1/"
    assert list(value(response)) == RUN_FIELDS
    assert response.json == {
        "id": 1,
        "state": "queued",
        "total": 2,
        "done": 0,
        "failed": 0,
        "started_at": None,
        "finished_at": None,
        "eta_seconds": None,
        "totals": {},
        "created_at": "2023-02-01T12:00:00Z",
        "start_date": "2023-01-01",
        "end_date": "2023-01-31",
        "only_unbilled": False,
        "finalize": False,
    }
    billing.run_worker.work()
    run = value(world.get(API + "runs/1/"))
    assert (run["state"], run["done"], run["total"]) == ("running", 1, 2)
    work(billing)
    done = world.get(API + "runs/1/")
    assert '"totals":{"JPY":-7,"USD":24.70}' in done.text
    assert value(done)["state"] == "done"
    assert value(world.get(API + "runs/1/items/")) == [
        {"customer_id": 1, "state": "done", "report_id": 1, "error": None},
        {"customer_id": 2, "state": "done", "report_id": 2, "error": None},
    ]
    for customer_id in (1, 2):
        report = value(world.get(f"{API}reports/{customer_id}/"))
        preview = world.post(API + "reports/preview/", json={"customer_id": customer_id, **JANUARY})
        assert report["content_hash"] == value(preview)["content_hash"]


def test_the_same_call_finds_the_run_while_it_lives(world: FlaskClient, billing: Billing) -> None:
    """Also in its other form; afterwards it starts another one."""
    assert started(world)["id"] == 1
    again = start(world, **JANUARY)
    assert (again.status_code, again.headers["Location"]) == (202, API + "runs/1/")
    work(billing)
    assert started(world)["id"] == 2


def test_a_run_that_overlaps_is_refused(world: FlaskClient, caller: Caller) -> None:
    """409 names the run, but not to those for whom it does not exist."""
    started(world)
    clash = start(world, period="2023-01", customers=[2])
    assert (clash.status_code, clash.headers["Retry-After"]) == (409, "30")
    assert clash.text == ('{"error": "Customer 2 is being billed for this period by run 1"}')
    clash = start(caller(customers=[2]))
    assert clash.text == ('{"error": "Customer 2 is being billed for this period by another run"}')
    assert start(world, start_date="2023-01-01", end_date="2023-01-30").status_code == 202


def test_runs_are_listed_newest_first_and_paged(world: FlaskClient) -> None:
    """As reports are, and so are items."""
    started(world)
    started(world, start_date="2023-01-05", end_date="2023-01-31")
    assert [run["id"] for run in value(world.get(API + "runs/"))] == [2, 1]
    page = world.get(API + "runs/?page=2&page_size=1")
    assert [run["id"] for run in value(page)] == [1]
    assert '"total": 2' in page.headers["X-Pagination"]
    page = world.get(API + "runs/1/items/?page=2&page_size=1")
    assert [item["customer_id"] for item in value(page)] == [2]
    assert '"total": 2' in page.headers["X-Pagination"]


def test_failed_items_say_why_and_are_retried(
    world: FlaskClient, billing: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are billed; a retry takes the cards of now."""
    started(world)
    with monkeypatch.context() as patch:
        break_customer(billing, patch, 1)
        work(billing)
    run = value(world.get(API + "runs/1/"))
    assert (run["state"], run["done"], run["failed"]) == ("failed", 1, 1)
    assert value(world.get(API + "runs/1/items/"))[0] == {
        "customer_id": 1,
        "state": "failed",
        "report_id": None,
        "error": str(AmountTooLargeError("The report")),
    }
    put(world, "customers/1/rates/", {**CARD, "rates": CARD["rates"][:1]})
    retried = world.post(API + "runs/1/retry/")
    assert (retried.status_code, retried.headers["Location"]) == (202, API + "runs/1/")
    assert value(retried)["state"] == "queued"
    work(billing)
    done = value(world.get(API + "runs/1/"))
    assert (done["state"], str(done["totals"]["USD"])) == ("done", "14.20")
    again = world.post(API + "runs/1/retry/")
    assert (again.status_code, again.text) == (409, '{"error": "Run 1 has no failed items"}')


def test_reports_can_be_final_at_once(world: FlaskClient, billing: Billing) -> None:
    """In the name of the caller; one with exceptions is not filed."""
    started(world, period="2023-01", finalize=True)
    work(billing)
    first, second = value(world.get(API + "runs/1/items/"))
    assert (first["state"], second["state"]) == ("failed", "done")
    assert first["error"].startswith("1 order is not, or not fully, billed by this report: ")
    (report,) = value(world.get(API + "reports/"))
    assert (report["customer_id"], report["status"]) == (2, "final")
    (move,) = value(world.get(f"{API}reports/{report['id']}/history/"))
    assert (move["actor"], move["action"]) == ("alice", "report.finalized")
    started(world, period="2023-01", customers=[2], finalize=True)
    work(billing)
    assert [item["error"] for item in value(world.get(API + "runs/2/items/"))] == [
        f"Final reports already bill orders of this report: 10001 (report {report['id']})"
    ]


def test_a_cancelled_run_stays_cancelled(world: FlaskClient, billing: Billing) -> None:
    """What is filed stays; cancelling it again changes nothing."""
    started(world)
    billing.run_worker.work()
    for _ in range(2):
        cancelled = world.post(API + "runs/1/cancel/")
        assert (cancelled.status_code, value(cancelled)["state"]) == (200, "cancelled")
    work(billing)
    assert len(value(world.get(API + "reports/"))) == 1
    states = [item["state"] for item in value(world.get(API + "runs/1/items/"))]
    assert states == ["done", "cancelled"]
    retried = world.post(API + "runs/1/retry/")
    assert (retried.status_code, retried.text) == (
        409,
        '{"error": "Run 1 is cancelled: start another one"}',
    )


def test_what_is_done_is_not_cancelled(world: FlaskClient, billing: Billing) -> None:
    """409: there is nothing left to stop."""
    started(world)
    work(billing)
    refused = world.post(API + "runs/1/cancel/")
    assert refused.status_code == 409
    assert refused.text == '{"error": "Run 1 is done: there is nothing to cancel"}'


def test_a_run_takes_the_customers_that_the_token_names(world: FlaskClient, caller: Caller) -> None:
    """And one that touches another does not exist for it, in any call."""
    started(world)
    world.post(API + "runs/1/cancel/")
    mine = caller(customers=[2, 3])
    assert started(mine)["id"] == 2
    assert [run["id"] for run in value(mine.get(API + "runs/"))] == [2]
    assert [item["customer_id"] for item in value(mine.get(API + "runs/2/items/"))] == [2]
    for method, path in (
        ("GET", "runs/1/"),
        ("GET", "runs/1/items/"),
        ("POST", "runs/1/cancel/"),
        ("POST", "runs/1/retry/"),
        ("GET", "runs/9/"),
        ("GET", "runs/9/items/"),
        ("POST", "runs/9/cancel/"),
        ("POST", "runs/9/retry/"),
        ("GET", "runs/01/"),
    ):
        response = mine.open(API + path, method=method)
        assert (response.status_code, response.text) == (404, NOT_FOUND), path
    refused = start(mine, period="2023-01", customers=[1])
    assert (refused.status_code, refused.text) == (
        400,
        '{"error": "Customer with ID 1 not found"}',
    )
    other = caller(customers=[1])
    assert value(other.get(API + "runs/")) == []
    assert other.get(API + "runs/2/").status_code == 404


def test_the_scopes_are_asked_for(world: FlaskClient, caller: Caller) -> None:
    """`reports:write` to start, cancel and retry, `reports:read` to look."""
    started(world)
    reader, writer = caller(scopes=["reports:read"]), caller(scopes=["reports:write"])
    for path in ("runs/", "runs/1/", "runs/1/items/"):
        assert reader.get(API + path).status_code == 200
        assert writer.get(API + path).text == FORBIDDEN
    for path in ("runs/", "runs/1/cancel/", "runs/1/retry/"):
        assert reader.post(API + path, json={"period": "2023-01"}).text == FORBIDDEN
    assert writer.post(API + "runs/1/cancel/").status_code == 200


NO_FLAG = "Not a valid boolean: give true or false."
NO_MONTH = "Not a valid month: give it as YYYY-MM."


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "period: Missing: give a month, or start_date and end_date."),
        ({"customers": [1]}, "period: Missing: give a month, or start_date and end_date."),
        ({"period": None}, "period: Missing data for required field."),
        ({"period": "2023-13"}, f"period: {NO_MONTH}"),
        ({"period": "2023-00"}, f"period: {NO_MONTH}"),
        ({"period": "0000-01"}, f"period: {NO_MONTH}"),
        ({"period": "2023-1"}, f"period: {NO_MONTH}"),
        ({"period": "2023-01-01"}, f"period: {NO_MONTH}"),
        ({"period": "٢٠٢٣-٠١"}, f"period: {NO_MONTH}"),
        ({"period": 202301}, f"period: {NO_MONTH}"),
        (
            {"period": "2023-01", "start_date": "2023-01-01"},
            "period: Give either a period or both dates.",
        ),
        ({"period": "2023-01", **JANUARY}, "period: Give either a period or both dates."),
        ({"start_date": "2023-01-01"}, "end_date: Missing data for required field."),
        ({"end_date": "2023-01-01"}, "start_date: Missing data for required field."),
        (
            {"start_date": "2023-02-01", "end_date": "2023-01-01"},
            "Start date must be before end date",
        ),
        (
            {"period": "2023-01", "customers": []},
            "customers: Empty: name a customer, or leave it out.",
        ),
        ({"period": "2023-01", "customers": 1}, "customers: Not a list of customer ids."),
        (
            {"period": "2023-01", "customers": ["1"]},
            "customers[0]: Not a valid id: give an integer from 1 to 9223372036854775807.",
        ),
        ({"period": "2023-01", "customers": [999]}, "Customer with ID 999 not found"),
        (
            {"period": "2023-01", "finalize": 1},
            "finalize: Not a valid boolean: give true or false.",
        ),
        (
            {"period": "2023-01", "finalize": "true"},
            "finalize: Not a valid boolean: give true or false.",
        ),
        (
            {"period": "2023-01", "only_unbilled": None},
            "only_unbilled: Missing data for required field.",
        ),
        ({"period": "2023-01", "finalise": True}, "finalise: Unknown field."),
        ({"period": "1999-01"}, "No customer has orders in this period"),
    ],
)
def test_a_doubtful_run_is_refused(world: FlaskClient, body: dict[str, Any], error: str) -> None:
    """400 with the field's name, and nothing is started."""
    response = world.post(API + "runs/", json=body)
    assert (response.status_code, value(response)["error"]) == (400, error)
    assert value(world.get(API + "runs/")) == []


@pytest.mark.parametrize(
    "header", ["respond-async", "Respond-Async, wait=10", "x; y, respond-async"]
)
def test_generate_may_be_asked_not_to_wait(
    world: FlaskClient, billing: Billing, header: str
) -> None:
    """202 with a run of one, which makes the very report."""
    body = {"customer_id": 1, **JANUARY, "services": [3, 1, 3]}
    response = world.post(API + "reports/generate/", json=body, headers={"Prefer": header})
    assert response.status_code == 202
    assert response.headers["Location"] == API + "runs/1/"
    assert response.headers["Preference-Applied"] == "respond-async"
    assert (value(response)["total"], value(response)["services"]) == (1, [1, 3])
    assert value(world.get(API + "reports/")) == []
    work(billing)
    made = value(world.get(API + "reports/1/"))
    waited = value(generate(world, services=[1, 3]))
    assert made["content_hash"] == waited["content_hash"]


def test_other_preferences_change_nothing(world: FlaskClient) -> None:
    """Generate answers the report."""
    body = {"customer_id": 1, **JANUARY}
    for header in ("wait=10", "return=minimal", "respond-async-not"):
        response = world.post(API + "reports/generate/", json=body, headers={"Prefer": header})
        assert response.status_code == 201
        assert "Preference-Applied" not in response.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"output_format": "xyz"}, "Invalid output format: xyz"),
        ({"start_date": "2023-02-01"}, "Start date must be before end date"),
        ({"customer_id": 999}, "Customer with ID 999 not found"),
        ({"services": [99]}, "Service with ID 99 not found"),
    ],
)
def test_what_generate_refuses_is_refused_at_once(
    world: FlaskClient, changes: dict[str, Any], error: str
) -> None:
    """A preference not to wait hides no mistake."""
    body = {"customer_id": 1, **JANUARY, **changes}
    headers = {"Prefer": "respond-async"}
    response = world.post(API + "reports/generate/", json=body, headers=headers)
    assert (response.status_code, value(response)["error"]) == (400, error)
    assert value(world.get(API + "runs/")) == []


def test_the_time_left_is_told_when_it_is_known(world: FlaskClient, billing: Billing) -> None:
    """From the first item done on, while somebody works."""
    started(world)
    billing.run_worker.work()
    with billing.storage.transaction(EVERYTHING) as tx:
        assert tx.run_work.take(60, NOON)
    assert value(world.get(API + "runs/1/"))["eta_seconds"] is not None
