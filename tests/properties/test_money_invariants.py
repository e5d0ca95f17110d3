"""Money invariants: whatever the orders and the card, the report adds up and leaves nothing out."""

import io
import json
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.adapters.memory import MemoryStorage
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.catalog import Customer, Service
from billing.domain.order_rows import OrderRows
from billing.domain.period import BillingPeriod
from billing.domain.ports import Storage
from billing.domain.rate_reading import read_rates
from billing.domain.report import BillingReport
from billing.testing.world import EVERYTHING, TickingClock
from tests.properties import oracle
from tests.properties.strategies import worlds

FIRST, LAST = date(2023, 1, 1), date(2023, 1, 12)
WHOLE = BillingPeriod(FIRST, LAST)
World = dict[str, Any]


def application(world: World, storage: Storage | None = None) -> Billing:
    """Return an application with the world in it."""
    app = compose(storage or MemoryStorage(), clock=TickingClock())
    with app.storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(1, "One", world["currency"]))
        for service_id in (1, 2, 3):
            tx.services.save(Service(service_id, f"Service {service_id}"))
    if world["rates"]:
        app.rate_book.put(1, FIRST, read_rates(world["rates"]))
    app.intake.store(world["rows"], OrderRows())
    return app


def report_of(app: Billing, period: BillingPeriod = WHOLE) -> BillingReport:
    """Generate and read back."""
    return app.archive.read(app.generator.generate(1, period).id)


def exported(app: Billing, report_id: int, name: str) -> str:
    """Return a report in a format."""
    out = io.BytesIO()
    app.archive.export(report_id, name, out)
    return out.getvalue().decode()


def billable(world: World) -> list[dict[str, Any]]:
    """Return the rows that a report of the whole period is about."""
    cancelled = {"Cancelled", "canceled"}
    dated = [row for row in world["rows"] if row["order_date"] is not None]
    return [row for row in dated if row["status"] not in cancelled]


@given(worlds())
def test_every_line_is_what_an_independent_calculation_says(world: World) -> None:
    """Lines, their order and the exceptions agree with the oracle (I1, I3)."""
    report = report_of(application(world))
    lines, excepted = {}, {}
    for row in billable(world):
        expected = oracle.bill(row, world["rates"], world["currency"])
        if expected["lines"]:
            lines[row["order_id"]] = expected["lines"]
        if expected["missing"] or not expected["lines"]:
            excepted[row["order_id"]] = expected["missing"]
    billed = {
        order.order_id: [(c.service_id, Fraction(c.amount)) for c in order.service_costs]
        for order in report.orders
    }
    assert billed == lines
    others = [e for e in report.exceptions if e.reason != "cancelled"]
    assert {e.order_id: e.reason == "needs_attention" for e in others} == excepted
    assert report.headline.exception_count == len(others)


@given(worlds())
def test_sums_agree_to_the_last_digit(world: World) -> None:
    """Lines, orders, services, report, list and summary are one amount (I2)."""
    app = application(world)
    report = report_of(app)
    headline = report.headline
    assert all(
        order.total_amount == sum(cost.amount for cost in order.service_costs)
        for order in report.orders
    )
    assert sum(order.total_amount for order in report.orders) == headline.total_amount
    assert sum(total.amount for total in report.service_totals) == headline.total_amount
    assert headline.order_count == len(report.orders)
    (summary,) = app.archive.summaries()
    assert summary.total_amount == headline.total_amount


@given(worlds())
def test_every_format_agrees(world: World) -> None:
    """JSON and CSV hold the same lines, to the cent (I8)."""
    app = application(world)
    report = report_of(app)
    detail = json.loads(exported(app, report.headline.id, "json"), parse_float=Decimal)
    from_json = [
        (order["order_id"], cost["service_id"], Decimal(cost["amount"]))
        for order in detail["orders"]
        for cost in order["service_costs"]
    ]
    rows = exported(app, report.headline.id, "csv").splitlines()[1:]
    cells = [row.split(",") for row in rows]
    assert [(int(o), int(s), Decimal(amount)) for o, s, _, amount in cells] == from_json
    assert Decimal(detail["total_amount"]) == report.headline.total_amount


@given(worlds(), st.integers(0, 10))
def test_periods_add_up(world: World, days: int) -> None:
    """A period is the sum of its parts (I5)."""
    app = application(world)
    middle = FIRST + timedelta(days=days)
    whole = report_of(app).headline
    first = report_of(app, BillingPeriod(FIRST, middle)).headline
    second = report_of(app, BillingPeriod(middle + timedelta(days=1), LAST)).headline
    assert whole.total_amount == first.total_amount + second.total_amount
    assert whole.order_count == first.order_count + second.order_count
    assert whole.exception_count == first.exception_count + second.exception_count


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_ingest_does_not_matter(world: World, random: Any) -> None:
    """Equal data gives an equal hash, however it came in (I6)."""
    shuffled = {**world, "rows": random.sample(world["rows"], len(world["rows"]))}
    assert (
        report_of(application(world)).headline.content_hash
        == report_of(application(shuffled)).headline.content_hash
    )


@given(worlds())
def test_evidence_names_every_order_of_the_period(world: World) -> None:
    """Nothing of a period is missing from the evidence, billed or not (I3)."""
    app = application(world)
    document = app.archive.open(report_of(app).headline.id)
    found = Counter(entry["order_id"] for entry in document.entries("evidence"))
    assert found == Counter(r["order_id"] for r in world["rows"] if r["order_date"] is not None)


@settings(max_examples=15, deadline=None)
@given(worlds())
def test_memory_and_sqlite_agree_to_the_byte(world: World) -> None:
    """The same commands give the same documents on every storage (I9)."""
    with TemporaryDirectory() as folder:
        storage = SqlStorage.open(f"sqlite:///{folder}/billing.db")
        storage.upgrade()
        apps = application(world), application(world, storage)
        reports = [report_of(app) for app in apps]
        assert reports[0] == reports[1]
        for name in ("json", "csv"):
            assert len({exported(app, 1, name) for app in apps}) == 1
        storage.close()
