"""`billing unbilled` and `--only-unbilled`: what is left to bill, and billing just that."""

import json
from collections.abc import Sequence

import pytest

from billing.bootstrap import Billing
from billing.domain.audit import Author
from billing.domain.order_rows import OrderRows
from billing.domain.report_lifecycle import Terms
from billing.testing.world import ACME, EVERYTHING, JANUARY, WIDGETS, fill
from tests.integration.cli.conftest import Run

LATE = {
    "customer_id": ACME,
    "order_id": 7,
    "order_date": "2023-01-20",
    "reference_number": "=1+1",
    "weight_lb": "12.50",
    "items": [{"sku": 'AB "1"', "quantity": "1.5"}],
    "charges": [{"service_id": 1, "amount": "-0.01"}],
}
UNDATED = {"customer_id": ACME, "order_id": 8, "status": "open"}
DAYS = ("--start-date", "2023-01-01", "--end-date", "2023-01-31")


@pytest.fixture
def late(billing: Billing) -> Billing:
    """Bill January of one customer for good; then an order of it comes late, and one undated."""
    fill(billing.storage)
    report = billing.generator.generate(ACME, JANUARY)
    billing.lifecycle.finalize(report.id, author=Author("anyone"), terms=Terms())
    rows = [LATE, UNDATED, {**LATE, "order_id": 9, "status": "cancelled"}]
    assert billing.intake.store(rows, OrderRows()).created == 3
    return billing


@pytest.mark.parametrize(
    ("options", "orders"),
    [
        ((), [(ACME, 7), (ACME, 8), (WIDGETS, 1)]),
        (("--customer", str(ACME)), [(ACME, 7), (ACME, 8)]),
        (("--customer-id", str(ACME), *DAYS), [(ACME, 7)]),
        (("--start", "2023-01-21"), []),
        (("--end", "2023-01-19"), [(WIDGETS, 1)]),
    ],
)
@pytest.mark.usefixtures("late")
def test_unbilled_orders_are_listed(
    run: Run, options: Sequence[str], orders: list[tuple[int, int]]
) -> None:
    """As JSON they are what the HTTP API lists."""
    done = run("unbilled", "--format", "json", *options)
    assert (done.exit_code, done.stderr) == (0, "")
    assert [(o["customer_id"], o["order_id"]) for o in json.loads(done.stdout)] == orders


@pytest.mark.usefixtures("late")
def test_a_person_reads_a_table(run: Run) -> None:
    """Nothing is said where nothing is known."""
    assert run("unbilled", "--customer", str(ACME)).stdout.splitlines() == [
        "CUSTOMER  ORDER  DATE        REFERENCE  STATUS",
        "     123      7  2023-01-20  =1+1",
        "     123      8                         open",
    ]


def test_csv_has_the_columns_of_the_import(run: Run, late: Billing) -> None:
    """Imported again they change nothing but what a spreadsheet would have run."""
    listed = run("unbilled", "--format", "csv", "--customer", str(ACME))
    assert "'=1+1" in listed.stdout
    text = listed.stdout.replace("'=1+1", "=1+1")
    before = order(late)
    done = run("import", "orders", "-", "--format", "csv", input=text)
    assert done.exit_code == 0, done.stderr
    assert "unchanged" in done.stdout
    assert order(late) == before


def order(billing: Billing) -> object:
    """Return the late order as it is stored."""
    with billing.storage.snapshot(EVERYTHING) as view:
        return view.orders.find(ACME, 7)


@pytest.mark.usefixtures("late")
def test_a_report_of_the_unbilled_alone(run: Run) -> None:
    """Previewed and generated; without the option all orders are in it."""
    asked = ("--customer", str(ACME), *DAYS, "--format", "json")
    for words in (("preview",), ("generate",)):
        only = json.loads(run("report", *words, *asked, "--only-unbilled").stdout)
        assert [o["order_id"] for o in only["orders"]] == [7]
        whole = json.loads(run("report", *words, *asked).stdout)
        assert [o["order_id"] for o in whole["orders"]] == [2, 1, 7]


def test_finalizing_leaves_nothing_unbilled(run: Run, late: Billing) -> None:
    """But the undated order, which is of no period."""
    report = late.generator.generate(ACME, JANUARY, only_unbilled=True)
    late.lifecycle.finalize(report.id, author=Author("anyone"))
    left = json.loads(run("unbilled", "--format", "json", "--customer", str(ACME)).stdout)
    assert [o["order_id"] for o in left] == [8]
