"""RateTrial: what an order would cost and why, without storing anything."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.bulk_intake import InvalidRowError
from billing.domain.catalog import Customer
from billing.domain.errors import (
    CustomerNotFoundError,
    InvalidValueError,
    ServiceNotFoundError,
)
from billing.domain.rate_reading import read_rates
from billing.testing.world import EVERYTHING, JANUARY, TickingClock
from tests.unit.examples import NEW_YEAR, flat, percentage, unit
from tests.unit.worked_example import ORDER, RATES, application


def test_a_trial_answers_what_a_report_explains() -> None:
    """With the card in force an order costs, and says, what its bill would."""
    app = application()
    report = app.generator.generate(1, JANUARY)
    assert app.rate_trial.run(1, ORDER) == app.archive.explain(report.id, 10001)


def test_a_draft_is_tried_without_being_stored() -> None:
    """Its costs are of no card; neither the card nor the order is there afterwards."""
    app = application()
    tried = app.rate_trial.run(1, ORDER | {"order_id": 5}, read_rates([flat(3, "9.99")]))
    assert tried.total_amount == Decimal("9.99")
    (line,) = tried.service_costs
    assert (line.service_name, line.explanation["rate"]) == ("Handling", {"card": None, "index": 0})
    assert len(app.rate_book.cards(1)) == 1
    with app.storage.snapshot(EVERYTHING) as view:
        assert view.orders.count(1, None, None) == 1


def test_an_empty_draft_bills_charges_only() -> None:
    """No rates are rates too: not the card in force."""
    charged = {"charges": [{"service_id": 1, "amount": "4.20"}]}
    tried = application().rate_trial.run(1, charged, ())
    assert tried.total_amount == Decimal("4.20")
    assert tried.not_charged == ()


class At:
    """A clock that stands still."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        """Return the instant."""
        return self._instant


def test_an_order_without_a_date_takes_todays_card() -> None:
    """Today is a day in the customer's time zone."""
    storage = application().storage
    with storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(1, "In Tokyo", time_zone="Asia/Tokyo"))
    for hour, amount in ((14, "10.47"), (15, "1.00")):  # In Tokyo 23:00, then midnight.
        app = compose(storage, clock=At(datetime(2023, 2, 9, hour, tzinfo=UTC)))
        app.rate_book.put(1, date(2023, 2, 10), read_rates([flat(1, "1")]))
        assert app.rate_trial.run(1, ORDER | {"order_date": None}).total_amount == Decimal(amount)
    assert app.rate_trial.run(1, ORDER).total_amount == Decimal("10.47")


def test_without_a_card_in_force_the_order_needs_attention() -> None:
    """But not where there was never a card, nor where a draft is tried."""
    app = application()
    early = ORDER | {"order_date": "2022-12-31"}
    problems = [problem.text for problem in app.rate_trial.run(1, early).problems]
    assert problems == ["no rate card is in force on the order's date"]
    assert app.rate_trial.run(1, early, read_rates(RATES)).total_amount == Decimal("10.47")
    bare = compose(MemoryStorage(), clock=TickingClock())
    with bare.storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(1, "New"))
    assert bare.rate_trial.run(1, {}).problems == ()


def test_the_key_of_the_order_may_be_left_out() -> None:
    """It is order 1 of the customer asked about; both names of the key are known."""
    app = application()
    rates = read_rates([flat(1, "1")])
    for key, order_id in (
        ({}, 1),
        ({"order_id": 7}, 7),
        ({"transaction_id": 8}, 8),
        ({"customer_id": 1}, 1),
        ({"customer_id": None}, 1),
    ):
        assert app.rate_trial.run(1, key, rates).order_id == order_id


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"customer_id": 2}, "order.customer_id"),
        ({"customer_id": True}, "order.customer_id"),
        ({"customer_id": "1"}, "order.customer_id"),
        ({"order_id": 0}, "order.order_id"),
        ({"order_date": "yesterday"}, "order.order_date"),
        ({"items": [{"sku": "A", "quantity": -1}]}, "order.items[0].quantity"),
        ({"charges": [{"service_id": 9, "amount": "1"}]}, "order.charges[0].service_id"),
        ({"charges": [{"service_id": 1, "amount": "1.234"}]}, "order.charges[0].amount"),
        ({"colour": "red"}, "order.colour"),
    ],
)
def test_a_wrong_order_is_refused_by_its_place(row: Any, field: str) -> None:
    """By the rules of the intake, seen from the body of the trial."""
    with pytest.raises(InvalidRowError) as refused:
        application().rate_trial.run(1, row)
    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.fixture(scope="module")
def app() -> Billing:
    """Return the application for tests that change nothing."""
    return application()


def test_rates_that_the_customer_cannot_have_are_refused(app: Billing) -> None:
    """As they would be when put in force."""
    with pytest.raises(InvalidValueError, match=r"rates\[0\].maximum"):
        app.rate_trial.run(1, {}, read_rates([flat(1, "1", maximum="1.001")]))
    with pytest.raises(ServiceNotFoundError):
        app.rate_trial.run(1, {}, read_rates([percentage(1, "1", 2, 77)]))


def test_a_customer_outside_the_access_does_not_exist(app: Billing) -> None:
    """Whether it exists or not."""
    for customer_id in (1, 2):
        with pytest.raises(CustomerNotFoundError):
            app.rate_trial.run(customer_id, {}, access=Access.only([3]))


def test_products_are_looked_up_by_the_draft(app: Billing) -> None:
    """A draft that counts cases finds the customer's products."""
    tried = app.rate_trial.run(1, ORDER, read_rates([unit(1, "cases", "1")]))
    assert tried.total_amount == 3
    unknown = ORDER | {"items": [{"sku": "Z", "quantity": 1}], "order_date": str(NEW_YEAR)}
    (problem, *_) = app.rate_trial.run(1, unknown).problems
    assert problem == (1, "SKU Z has no product row")
