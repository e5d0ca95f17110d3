"""Money invariants: whatever the orders and the cards, a report adds up and leaves nothing out."""

import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.domain.period import BillingPeriod
from tests.properties import oracle
from tests.properties.applications import (
    FIRST,
    LAST,
    World,
    application,
    billable,
    dated,
    exported,
    report_of,
)
from tests.properties.strategies import worlds


@given(worlds())
def test_every_line_is_what_an_independent_calculation_says(world: World) -> None:
    """Lines, their order and the exceptions agree with the oracle (I1, I3)."""
    report = report_of(application(world))
    lines, excepted = {}, {}
    for row in billable(world):
        cards, currency, products = world["cards"], world["currency"], world["products"]
        expected = oracle.bill_by_cards(row, cards, currency, products)
        if expected.lines:
            lines[row["order_id"]] = [(line.service_id, line.amount) for line in expected.lines]
        if expected.needs_attention or not expected.lines:
            excepted[row["order_id"]] = expected.needs_attention
    billed = {
        order.order_id: [(c.service_id, Fraction(c.amount)) for c in order.service_costs]
        for order in report.orders
    }
    assert billed == lines
    others = [e for e in report.exceptions if e.reason != "cancelled"]
    assert {e.order_id: e.reason == "needs_attention" for e in others} == excepted
    assert all(bool(e.problems) is (e.reason == "needs_attention") for e in report.exceptions)
    assert report.headline.exception_count == len(others)


@given(worlds())
def test_sums_agree_to_the_last_digit(world: World) -> None:
    """Lines, orders, services, report, list, summary, JSON and CSV are one amount (I2, I8)."""
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
    detail = json.loads(exported(app, headline.id, "json"), parse_float=Decimal)
    from_json = [
        (order["order_id"], cost["service_id"], Decimal(cost["amount"]))
        for order in detail["orders"]
        for cost in order["service_costs"]
    ]
    rows = exported(app, headline.id, "csv").splitlines()[1:]
    cells = [row.split(",") for row in rows]
    assert [(int(o), int(s), Decimal(amount)) for o, s, _, amount in cells] == from_json
    assert Decimal(detail["total_amount"]) == headline.total_amount


@settings(max_examples=50)
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


@settings(max_examples=50)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_ingest_does_not_matter(world: World, random: Any) -> None:
    """Equal data gives an equal hash, however it came in (I6)."""
    products = random.sample([*world["products"].items()], len(world["products"]))
    rows = random.sample(world["rows"], len(world["rows"]))
    shuffled = {**world, "rows": rows, "products": dict(products)}
    assert (
        report_of(application(world)).headline.content_hash
        == report_of(application(shuffled)).headline.content_hash
    )


@settings(max_examples=50)
@given(worlds())
def test_evidence_names_every_order_of_the_period(world: World) -> None:
    """Nothing of a period is missing from the evidence, billed or not (I3)."""
    app = application(world)
    document = app.archive.open(report_of(app).headline.id)
    found = Counter(entry["order_id"] for entry in document.entries("evidence"))
    assert found == Counter(row["order_id"] for row in dated(world))
