"""The sample world: the same each time, plausible, and never in anybody's way."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from billing.adapters.memory import MemoryStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.catalog_rows import CustomerRows, ServiceRows
from billing.domain.errors import BillingError
from billing.domain.period import BillingPeriod
from billing.domain.ports import Storage
from billing.domain.rate_reading import MODELS, read_rates
from billing.domain.report_query import ReportQuery, Slice
from billing.entrypoints.cli import demo_world
from billing.entrypoints.cli.demo_orders import orders

YEAR = BillingPeriod(date(2023, 1, 1), date(2023, 12, 31))


class NoonClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return datetime(2023, 5, 1, 12, tzinfo=UTC)


def make(storage: Storage | None = None) -> Billing:
    """Return the application over an empty storage in memory."""
    return compose(storage or MemoryStorage(), clock=NoonClock())


@pytest.fixture(scope="module")
def loaded() -> MemoryStorage:
    """Load the sample world once."""
    storage = MemoryStorage()
    demo_world.load(make(storage))
    return storage


@pytest.fixture
def billing(loaded: MemoryStorage) -> Billing:
    """Return an application of its own that starts from the sample world."""
    storage = MemoryStorage()
    storage._state = loaded._state  # Nobody changes a state in place.
    return make(storage)


def test_loading_it_twice_changes_nothing(billing: Billing) -> None:
    """The second time finds every object as it would make it, and files no report."""
    assert demo_world.load(billing) == 0


def test_it_is_the_same_world_each_time(billing: Billing) -> None:
    """Two databases agree to the byte: their reports have equal hashes."""
    other = make()
    assert demo_world.load(other) > 400
    assert [h.content_hash for h in billing.archive.find(ReportQuery())] == [
        h.content_hash for h in other.archive.find(ReportQuery())
    ]


def test_a_world_that_was_left_half_way_is_completed() -> None:
    """Loading again after a crash adds what is missing."""
    half = make()
    half.intake.store(demo_world.CUSTOMERS[:2], CustomerRows())
    assert demo_world.load(half) > 400
    assert demo_world.load(half) == 0


def test_the_published_example_works(billing: Billing) -> None:
    """Report 1 bills January of customer 123, with order 10001 of the 15th."""
    report = billing.archive.read(1)
    assert (report.headline.customer_id, report.headline.customer_name) == (123, "ACME Corp")
    assert report.headline.period == demo_world.JANUARY
    order = next(order for order in report.orders if order.order_id == 10_001)
    assert (order.reference_number, order.order_date) == ("REF-10001", date(2023, 1, 15))
    assert order.service_costs[0].service_name == "Picking"
    assert sum(total.amount for total in report.service_totals) == report.headline.total_amount


def test_january_shows_what_is_not_billed(billing: Billing) -> None:
    """One order lacks its weight and its carrier, with all that hangs on them, and one was
    cancelled; neither is silently left out.
    """
    reasons = {e.order_id: (e.reason, e.problems) for e in billing.archive.read(1).exceptions}
    assert reasons == {
        10_901: (
            "needs_attention",
            (
                "weight_lb is missing",
                "carrier is missing",
            ),
        ),
        10_902: ("cancelled", ()),
    }


def test_reports_1_and_2_are_of_two_customers(billing: Billing) -> None:
    """The lists of a new database are not empty."""
    headlines = list(billing.archive.find(ReportQuery()))
    assert sorted((h.id, h.customer_id) for h in headlines) == [(1, 123), (2, 456)]


def test_no_report_is_filed_among_others() -> None:
    """Where somebody has made reports, the sample world adds none."""
    billing = make()
    billing.intake.store([{"id": 9, "name": "Somebody"}], CustomerRows())
    billing.generator.generate(9, demo_world.JANUARY)
    demo_world.load(billing)
    assert billing.archive.count(ReportQuery()) == 1


@pytest.mark.parametrize("row", [{"id": 123, "name": "Real customer"}])
def test_a_customer_of_the_same_id_is_never_replaced(row: dict[str, object]) -> None:
    """A database in use is refused before anything is stored in it."""
    billing = make()
    billing.intake.store([row], CustomerRows())
    with pytest.raises(BillingError, match="Customer 123 is there already as Real customer"):
        demo_world.load(billing)
    with billing.storage.snapshot(Access.everything()) as view:
        assert view.customers.count() == 1
        assert view.services.count() == 0


def test_a_service_of_the_same_id_is_never_replaced() -> None:
    """Services belong to everyone, so theirs stay as they are."""
    billing = make()
    billing.intake.store([{"id": 2, "name": "Customs"}], ServiceRows())
    with pytest.raises(BillingError, match="Service 2 is there already as Customs"):
        demo_world.load(billing)


@pytest.mark.parametrize("row", demo_world.CUSTOMERS, ids=lambda row: row["id"])
def test_every_customer_has_a_bill_without_riddles(
    billing: Billing, row: dict[str, object]
) -> None:
    """Four months bill dozens of orders and services; only the planted order needs attention."""
    customer_id = row["id"]
    assert isinstance(customer_id, int)
    headline = billing.generator.generate(customer_id, YEAR)
    assert headline.order_count >= 40
    assert headline.total_amount > 100
    assert headline.exception_count == (1 if customer_id == 123 else 0)


def test_every_service_is_used_and_a_credit_lowers_a_bill(billing: Billing) -> None:
    """The world shows rates, recorded charges and a credit, of which fuel is a part as well."""
    report = billing.archive.read(billing.generator.generate(123, YEAR).id)
    assert [total.service_id for total in report.service_totals] == [1, 2, 3, 4, 5, 8, 9, 10]
    credit = next(order for order in report.orders if order.order_id == 10_904)
    amounts = [f"{cost.amount:f}" for cost in credit.service_costs]
    assert amounts == ["-24.80", "7.50", "-2.14"]


def test_it_shows_every_price_model() -> None:
    """Somebody who looks for an example of a model, a bound or a condition finds one."""
    rates = [rate for _, _, card in demo_world.CARDS for rate in read_rates(card)]
    assert {rate.price.model for rate in rates} == MODELS.keys()
    assert {rate.minimum is None for rate in rates} == {True, False}
    assert {rate.maximum is None for rate in rates} == {True, False}
    assert sum(rate.when is not None for rate in rates) >= 3


def test_an_order_shows_cases_a_minimum_a_condition_and_a_percentage(billing: Billing) -> None:
    """The explanation of one order of January shows most of the engine."""
    explanation = billing.archive.explain(1, 10_015)
    said = {cost.service_name: cost.explanation for cost in explanation.service_costs}
    assert [step["text"][:6] for step in said["Picking"]["steps"]] == ["tier 1", "tier 2"]
    assert said["Case picking"]["quantity"] == 7
    assert said["Fuel surcharge"]["of"] == [{"service_id": 2, "amount": Decimal("19.44")}]
    assert said["Handling"]["condition"]["verdict"] is True
    bounded = billing.archive.explain(1, 10_016)
    minimum = [cost.explanation.get("minimum_applied") for cost in bounded.service_costs]
    assert Decimal("3.50") in minimum


def test_a_markup_bills_the_carriage_of_one_carrier(billing: Billing) -> None:
    """Widgets' parcels by UPS cost ten percent more than UPS bills; those by USPS do not."""
    report = billing.archive.read(2)
    marked_up = {
        cost.rate_index is not None
        for order in report.orders
        for cost in order.service_costs
        if cost.service_id == 2
    }
    assert marked_up == {True, False}


def test_prices_change_in_march(billing: Billing) -> None:
    """A second card is in force from the first of March on."""
    report = billing.archive.read(billing.generator.generate(123, YEAR).id)
    cards = {
        (order.order_date >= date(2023, 3, 1), cost.card_id)
        for order in report.orders
        for cost in order.service_costs
        if cost.card_id
    }
    assert len(cards) == 2


def test_one_order_is_not_billable_yet(billing: Billing) -> None:
    """An order without a date is in no report."""
    with billing.storage.snapshot(Access.everything()) as view:
        found = [o for o in view.orders.page(123, None, None, Slice()) if o.order_date is None]
    assert [order.order_id for order in found] == [10_903]


def test_order_ids_are_given_once() -> None:
    """A customer and an order id name one order."""
    keys = [(row["customer_id"], row["order_id"]) for row in orders()]
    assert len(set(keys)) == len(keys)
