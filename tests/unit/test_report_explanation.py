"""Explaining a report: from its evidence, so that it holds whatever changes later."""

from decimal import Decimal

import pytest

from billing.domain.access import Access
from billing.domain.catalog import Customer, Product, Service
from billing.domain.errors import OrderNotFoundError, ReportNotFoundError
from billing.domain.orders import Order
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import read_rates
from billing.domain.strict_json import dumps
from billing.testing.world import EVERYTHING, JANUARY, NOON
from tests.unit.examples import NEW_YEAR, check, flat, order, unit
from tests.unit.worked_example import ORDER, application


def test_an_explanation_outlives_every_change() -> None:
    """Later cards, products, names and orders leave it as it was, to the byte."""
    app = application()
    report = app.generator.generate(1, JANUARY)
    before = dumps(app.archive.explain(report.id, 10001).as_json())
    with app.storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(1, "Renamed"))
        tx.services.save(Service(1, "Renamed"))
        tx.products.save([Product(1, "AB-1", 6)])
        tx.rate_cards.add(1, NEW_YEAR, read_rates([flat(1, "9")]), NOON)
        tx.orders.save([order({"X": "9"}), Order(customer_id=1, order_id=10001)])
    assert dumps(app.archive.explain(report.id, 10001).as_json()) == before
    later = app.generator.generate(1, JANUARY)
    with pytest.raises(OrderNotFoundError):
        app.archive.explain(later.id, 10001)


def test_orders_that_were_not_billed_are_explained() -> None:
    """Cancelled, in need of attention, and those that nothing applied to."""
    rows = [
        ORDER | {"order_id": 1, "status": "cancelled"},
        ORDER | {"order_id": 2, "items": [{"sku": "ZZ", "quantity": 1}], "weight_lb": None},
        {"order_id": 3, "order_date": "2023-01-05", "items": [], "weight_lb": 1},
        {"order_id": 4, "order_date": "2022-12-31"},
    ]
    rates = [unit(1, "cases", "1"), unit(2, "weight_lb", "1", when=check("weight_lb", "gt", 9))]
    app = application(*rows, rates=rates)
    report = app.generator.generate(1, BillingPeriod(NEW_YEAR.replace(year=2022), JANUARY.end))
    explanations = [app.archive.explain(report.id, number).as_json() for number in (1, 2, 3, 4)]
    assert [explanation["total_amount"] for explanation in explanations] == [0, 0, 0, 0]
    assert [
        [rate["text"] for rate in explanation["not_charged"]] for explanation in explanations
    ] == [
        ["the order is cancelled", "the order is cancelled"],
        ["SKU ZZ has no product row", "the condition is unknown"],
        ["0 cases", "the condition does not hold"],
        [],
    ]
    assert [explanation["problems"] for explanation in explanations] == [
        [],
        ["SKU ZZ has no product row", "weight_lb is missing"],
        [],
        ["no rate card is in force on the order's date"],
    ]


def test_a_partial_report_explains_its_services_only() -> None:
    """Their lines, their silent rates and their problems; the total is theirs."""
    app = application(ORDER | {"carrier": None, "charges": [{"service_id": 2, "amount": "1.00"}]})
    report = app.generator.generate(1, JANUARY, services=[2, 4])
    explanation = app.archive.explain(report.id, 10001).as_json()
    assert [line["service_id"] for line in explanation["service_costs"]] == [2, 2]
    assert [line["service_name"] for line in explanation["service_costs"]] == ["Loose pick"] * 2
    assert [rate["service_id"] for rate in explanation["not_charged"]] == [4]
    assert explanation["problems"] == ["carrier is missing"]
    assert explanation["total_amount"] == Decimal("3.75") == report.total_amount
    nothing = app.generator.generate(1, JANUARY, services=[4])
    assert dumps(app.archive.explain(nothing.id, 10001).total_amount) == "0.00"


def test_only_what_the_period_held_can_be_explained() -> None:
    """Orders outside it, reports that do not exist, and reports of others are not found."""
    app = application(ORDER, ORDER | {"order_id": 5, "order_date": "2023-02-01"})
    report = app.generator.generate(1, JANUARY)
    for order_id in (5, 10_000, 10_002):
        with pytest.raises(OrderNotFoundError):
            app.archive.explain(report.id, order_id)
    with pytest.raises(ReportNotFoundError):
        app.archive.explain(report.id + 1, 10001)
    with pytest.raises(ReportNotFoundError):
        app.archive.explain(report.id, 10001, access=Access.only([2]))


def test_an_order_of_any_page_is_explained() -> None:
    """In a long report only the pages that can hold the order are looked through."""
    rows = [{"order_id": n, "order_date": f"2023-01-{1 + n % 28:02}"} for n in range(1, 1_203)]
    app = application(*rows, rates=[flat(1, "1")])
    report = app.generator.generate(1, JANUARY)
    for order_id in (1, 28, 600, 1_202):
        assert app.archive.explain(report.id, order_id).order_id == order_id
