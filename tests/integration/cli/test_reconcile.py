"""`billing reconcile`: what became of every order, for people, programs and spreadsheets."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from billing.bootstrap import Billing
from billing.domain.audit import Author
from billing.domain.order_rows import OrderRows
from billing.domain.order_states import OrderState
from billing.domain.report_lifecycle import Terms
from billing.testing.world import ACME, JANUARY, WIDGETS, fill
from tests.integration.cli.conftest import Run


@pytest.fixture
def world(billing: Billing) -> Billing:
    """Keep an order in every state."""
    fill(billing.storage)
    store(billing, {"order_id": 3, "order_date": "2023-01-04"})
    store(billing, {"order_id": 4, "order_date": "2023-01-05", "status": "cancelled"})
    report = billing.generator.generate(ACME, JANUARY)
    terms = Terms(accept_exceptions=True, reason="=lost, agreed")
    billing.lifecycle.finalize(report.id, author=Author("anyone"), terms=terms)
    store(billing, {"order_id": 2, "order_date": "2023-01-03", "total_item_qty": 11})
    store(billing, {"order_id": 5, "order_date": "2023-01-31"})
    store(billing, {"order_id": 6})
    store(billing, {"order_id": 7, "order_date": "2023-02-01"})
    billing.generator.generate(WIDGETS, JANUARY)
    return billing


def store(billing: Billing, row: dict[str, object]) -> None:
    """Store an order of ACME."""
    result = billing.intake.store([{"customer_id": ACME, **row}], OrderRows())
    assert result.skipped == 0


STATES = {
    (ACME, 1): "billed",
    (ACME, 2): "changed",
    (ACME, 3): "exception",
    (ACME, 4): "cancelled",
    (ACME, 5): "untouched",
    (ACME, 6): "undated",
    (ACME, 7): "untouched",
    (WIDGETS, 1): "draft",
}


@pytest.mark.parametrize(
    ("options", "outside"),
    [
        ((), set()),
        (("--period", "2023-01"), {(ACME, 7)}),
        (("--start", "2023-01-01", "--end", "2023-01-31"), {(ACME, 7)}),
        (("--end-date", "2023-01-30"), {(ACME, 5), (ACME, 7)}),
        (("--start-date", "2023-02-01"), {*STATES} - {(ACME, 6), (ACME, 7)}),
        (("--customer", str(ACME)), {(WIDGETS, 1)}),
        (("--customer-id", str(WIDGETS), "--period", "2024-02"), {*STATES}),
    ],
)
@pytest.mark.usefixtures("world")
def test_every_order_of_the_period_is_in_one_state(
    run: Run, options: Sequence[str], outside: set[tuple[int, int]]
) -> None:
    """As JSON: all of them, with those that have no date, and sums that add up to them."""
    done = run("reconcile", "--format", "json", *options)
    assert (done.exit_code, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    states = {(o["customer_id"], o["order_id"]): o["state"] for o in answer["orders"]}
    assert len(states) == len(answer["orders"])
    assert states == {key: state for key, state in STATES.items() if key not in outside}
    for customer in answer["customers"]:
        mine = Counter(s for (c, _), s in states.items() if c == customer["customer_id"])
        assert customer["orders"] == mine.total()
        assert {s: n["orders"] for s, n in customer["states"].items()} == {
            state: mine[state] for state in OrderState
        }


@pytest.mark.usefixtures("world")
def test_json_says_all(run: Run) -> None:
    """What changed, what is in the way and why that was accepted, and exact amounts."""
    done = run("reconcile", "--format", "json", "--period", "2023-01", "--customer", str(ACME))
    assert '"start_date":"2023-01-01","end_date":"2023-01-31"' in done.stdout
    assert '"billed_amount":14.50,"draft_amount":0.00' in done.stdout
    by_id = {order["order_id"]: order for order in json.loads(done.stdout)["orders"]}
    assert by_id[2] == {
        "customer_id": ACME,
        "order_id": 2,
        "order_date": "2023-01-03",
        "state": "changed",
        "late": False,
        "reports": [1],
        "amount": 6.0,
        "changes": [
            {"field": "items", "billed": "10 of AB-1", "now": None},
            {"field": "total_item_qty", "billed": None, "now": "11"},
        ],
        "exception": None,
    }
    assert by_id[3]["exception"] == {
        "reason": "needs_attention",
        "problems": ["items and total_item_qty are missing"],
        "accepted": "=lost, agreed",
    }
    assert (by_id[5]["late"], by_id[5]["amount"]) == (True, None)


@pytest.mark.usefixtures("world")
def test_a_person_reads_what_to_look_at(run: Run) -> None:
    """Sums by customer, then the orders that are neither billed nor cancelled, with the reason."""
    done = run("reconcile", "--period", "2023-01")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == ["Period     2023-01-01 to 2023-01-31", "Orders     7"]
    assert lines[4].split() == (
        ["123", "ACME", "Corp", "6", "1", "1", "0", "1", "1", "1", "1", "1", "14.50", "0.00", "USD"]
    )
    rows = [line.split(None, 4) for line in lines[8:]]
    assert [(row[1], row[3] if row[2].startswith("20") else row[2]) for row in rows] == [
        ("2", "changed"),
        ("3", "exception"),
        ("5", "untouched"),
        ("6", "undated"),
        ("1", "draft"),
    ]
    assert lines[8].endswith(
        "  1          6.00  items: 10 of AB-1 -> nothing; total_item_qty: nothing -> 11"
    )
    assert lines[9].endswith(
        "needs attention; items and total_item_qty are missing; accepted: =lost, agreed"
    )
    assert lines[10].endswith("late")


def test_a_person_is_shown_the_first_orders(run: Run, world: Billing) -> None:
    """And how many more there are; --all shows them."""
    for number in range(100, 130):
        store(world, {"order_id": number, "order_date": "2023-03-01"})
    short = run("reconcile", "--period", "2023-03").stdout.splitlines()
    assert short[-1] == "… and 11 more orders (--all shows them)"
    whole = run("reconcile", "--period", "2023-03", "--all").stdout.splitlines()
    assert len(whole) == len(short) - 1 + 11


@pytest.mark.usefixtures("world")
def test_csv_is_one_line_an_order(run: Run, tmp_path: Path) -> None:
    """Written to a file when it is whole."""
    file = tmp_path / "january.csv"
    done = run("reconcile", "--period", "2023-01", "--format", "csv", "-o", str(file))
    assert (done.exit_code, done.stdout) == (0, "")
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert {(int(r["customer_id"]), int(r["order_id"])): r["state"] for r in rows} == {
        key: state for key, state in STATES.items() if key != (ACME, 7)
    }
    by_id = {row["order_id"]: row for row in rows if row["customer_id"] == str(ACME)}
    assert (by_id["1"]["amount"], by_id["1"]["reports"], by_id["1"]["currency"]) == (
        "6.00",
        "1",
        "USD",
    )
    assert (by_id["5"]["late"], by_id["5"]["amount"]) == ("true", "")


def test_nothing_is_to_reconcile(run: Run) -> None:
    """Without orders there are none to tell of."""
    assert run("reconcile").stdout.splitlines()[:2] == ["Period     all", "Orders     0"]
    assert json.loads(run("reconcile", "--format", "json").stdout) == {
        "start_date": None,
        "end_date": None,
        "customers": [],
        "orders": [],
    }
    assert len(run("reconcile", "--format", "csv").stdout.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--period", "2023-13"), 2, "Not a valid month: give YYYY-MM."),
        (("--period", "January"), 2, "Not a valid month: give YYYY-MM."),
        (("--period", "2023-01-01"), 2, "Not a valid month: give YYYY-MM."),
        (("--period", "2023-01", "--end", "2023-01-31"), 2, "Give --period, or --start and --end."),
        (("--start", "2023-02-01", "--end", "2023-01-31"), 1, "Start date must be before end date"),
        (("--customer", "999"), 1, "Customer with ID 999 not found"),
    ],
)
def test_mistakes_are_told(run: Run, options: Sequence[str], code: int, said: str) -> None:
    """In one line, without a traceback."""
    done = run("reconcile", *options)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr
