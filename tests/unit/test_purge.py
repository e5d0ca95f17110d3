"""Purge: what leaves the orders, what stays in the reports, and that bills stay as they are."""

import io
from datetime import date

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain import purge as purge_module
from billing.domain.access import Access
from billing.domain.errors import CustomerNotFoundError
from billing.domain.period import BillingPeriod
from billing.domain.purge import Purged
from billing.domain.rate_reading import read_rates
from billing.domain.rates import Rate
from billing.testing.world import (
    ACME,
    EVERYTHING,
    JANUARY,
    NOON,
    WIDGETS,
    TickingClock,
    fill,
    order,
)

BEFORE = date(2023, 1, 20)
TELLING = {"field": "ship_to_city", "op": "eq", "value": "Łódź"}
COARSE = {"field": "ship_to_state", "op": "eq", "value": "NY"}


def rates(when: object) -> tuple[Rate, ...]:
    """Return rates that hold for some addresses."""
    price = {"model": "flat", "amount": "2.50"}
    return read_rates([{"service_id": 1, "price": price, "when": when}])


@pytest.fixture
def application() -> Billing:
    """Return an application with addressed orders of two customers, each with a rate on them."""
    storage = MemoryStorage()
    fill(storage)
    with storage.transaction(EVERYTHING) as tx:
        addressed = [
            order(customer, number, day=number)._replace(
                ship_to_city="Łódź", ship_to_state="NY", notes="ring twice"
            )
            for customer in (ACME, WIDGETS)
            for number in range(10, 30)
        ]
        tx.orders.save(addressed)
        for customer, when in ((ACME, TELLING), (WIDGETS, COARSE)):
            tx.rate_cards.add(customer, date(2023, 1, 2), rates(when), NOON)
    return compose(storage, clock=TickingClock())


def read(application: Billing, report_id: int) -> bytes:
    """Return a report's detail with all of its explanations."""
    out = io.BytesIO()
    application.archive.export(report_id, "json", out)
    for order_id in (10, 29):
        out.write(repr(application.archive.explain(report_id, order_id)).encode())
    return out.getvalue()


def test_orders_are_purged_and_bills_stay(
    application: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts as in one go; what the report shows and explains is the same to the byte."""
    monkeypatch.setattr(purge_module, "ORDERS_A_TRANSACTION", 3)
    reports = [application.generator.generate(c, JANUARY).id for c in (ACME, WIDGETS)]
    before = [read(application, report_id) for report_id in reports]
    assert application.purge.run(BEFORE) == Purged(orders=20, reports=1)
    assert [read(application, report_id) for report_id in reports] == before
    with application.storage.snapshot(EVERYTHING) as view:
        assert view.orders.find(ACME, 19).ship_to_city is None
        assert view.orders.find(ACME, 19).notes is None
        assert view.orders.find(ACME, 19).ship_to_state == "NY"
        assert view.orders.find(ACME, 20).ship_to_city == "Łódź"
    assert application.purge.run(BEFORE) == Purged(orders=0, reports=1)


def test_a_dry_run_only_counts(application: Billing) -> None:
    """The same numbers, and nothing is changed."""
    application.generator.generate(ACME, JANUARY)
    for _ in range(2):
        assert application.purge.run(BEFORE, dry_run=True) == Purged(orders=20, reports=1)


def test_one_customer_is_purged_alone(application: Billing) -> None:
    """And one that is not there is refused."""
    assert application.purge.run(BEFORE, customer_id=WIDGETS) == Purged(orders=10, reports=0)
    assert application.purge.run(BEFORE) == Purged(orders=10, reports=0)
    with pytest.raises(CustomerNotFoundError):
        application.purge.run(BEFORE, customer_id=9)
    with pytest.raises(CustomerNotFoundError):
        application.purge.run(BEFORE, customer_id=ACME, access=Access.only([WIDGETS]))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (date(2023, 1, 1), date(2023, 1, 9), 0),
        (date(2023, 1, 1), date(2023, 1, 10), 1),
        (date(2023, 1, 19), date(2023, 1, 31), 1),
        (date(2023, 1, 20), date(2023, 1, 31), 0),
        (date(2022, 1, 1), date(2022, 12, 31), 0),
    ],
)
def test_only_reports_that_keep_such_fields_are_counted(
    application: Billing, start: date, end: date, expected: int
) -> None:
    """Those whose evidence has one, of an order dated before the day."""
    application.generator.generate(ACME, BillingPeriod(start, end))
    assert application.purge.run(BEFORE).reports == expected
