"""Statements: how many a piece of work takes, and which index a list goes along."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from billing.bootstrap import Billing
from billing.domain.bulk_intake import ROWS_A_BATCH
from billing.domain.order_rows import OrderRows
from billing.domain.report_query import SORT_KEYS, ReportOrder, ReportQuery, Slice
from billing.testing.world import ACME, EVERYTHING, JANUARY

FEW, MANY = 10, 10_000


@contextmanager
def told(engine: Engine) -> Iterator[list[str]]:
    """Note every statement that goes to the database; a call with many rows is one."""
    statements: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def rows(count: int) -> Iterator[dict[str, object]]:
    """Return rows of orders in January, with items."""
    for number in range(count):
        yield {
            "customer_id": ACME,
            "order_id": 50_000 + number,
            "order_date": f"2023-01-{number % 31 + 1:02d}",
            "items": [{"sku": f"AB-{number % 7}", "quantity": 3}],
        }


def test_a_report_takes_as_many_statements_for_many_orders(app: Billing, engine: Engine) -> None:
    """All but the inserts of its pages, of which sixteen go at once."""
    taken = {}
    for count in (FEW, MANY):
        app.intake.store(rows(count), OrderRows())
        with told(engine) as statements:
            app.generator.generate(ACME, JANUARY)
        pages = [text for text in statements if "INTO report_pages" in text]
        taken[count] = len(statements) - len(pages)
        assert len(pages) <= 2 * len(("orders", "evidence", "exceptions"))
    assert taken[FEW] == taken[MANY]


def test_an_import_takes_as_many_statements_for_each_batch(app: Billing, engine: Engine) -> None:
    """The second batch takes as many as the twentieth."""
    taken = []
    for batches in (1, 2, MANY // ROWS_A_BATCH):
        with told(engine) as statements:
            app.intake.store(rows(batches * ROWS_A_BATCH), OrderRows(), dry_run=True)
        taken.append(len(statements))
    one, two, many = taken
    assert many - one == (two - one) * (MANY // ROWS_A_BATCH - 1)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize(
    ("field", "customer_id"),
    [*((field, None) for field in SORT_KEYS), ("created_at", ACME), ("id", ACME)],
)
def test_every_ordering_of_reports_goes_along_an_index(
    app: Billing, engine: Engine, field: str, customer_id: int | None, *, descending: bool
) -> None:
    """A page is read in its order; nothing is sorted, however many reports there are.

    Of one customer, which has dozens, not thousands, the usual orderings.
    """
    query = ReportQuery(customer_id=customer_id, order_by=ReportOrder(field, descending))
    with told(engine) as statements, app.storage.snapshot(EVERYTHING) as view:
        list(view.reports.page(query, Slice(0, 20)))
    (listed,) = [text for text in statements if "FROM reports" in text]
    values = (ACME, 20, 0) if customer_id else (20, 0)
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {listed}", values).all()
    assert not [row for row in plan if "TEMP B-TREE" in str(row)], plan


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_customers_period_goes_along_an_index(app: Billing, engine: Engine) -> None:
    """Its orders come in the order of the report."""
    del app
    statement = (
        "SELECT order_id FROM orders WHERE customer_id = 1 AND order_date BETWEEN ? AND ? "
        "ORDER BY order_date, order_id"
    )
    with engine.connect() as connection:
        days = (date(2023, 1, 1).isoformat(), date(2023, 1, 31).isoformat())
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", days).all())
    assert "ix_orders_customer_id_order_date_order_id" in plan
    assert "TEMP B-TREE" not in plan
