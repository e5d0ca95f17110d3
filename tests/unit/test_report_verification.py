"""ReportVerification: reports prove themselves, whatever happened since they were filed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from billing.adapters.memory import MemoryStorage
from billing.domain.access import Access
from billing.domain.audit import Author
from billing.domain.catalog import Customer, Product, Service
from billing.domain.errors import ReportNotFoundError
from billing.domain.ports import Storage
from billing.domain.report_lifecycle import ReportLifecycle, Terms
from billing.domain.report_verification import ReportVerification, Verdict
from billing.testing.world import (
    ACME,
    EVERY_KIND_OF_RATE,
    EVERYTHING,
    JANUARY,
    NOON,
    RATES,
    WHOLE_ORDER,
    WIDGETS,
    YEN,
    TickingClock,
    fill,
    generator,
    order,
)


@pytest.fixture
def storage() -> Storage:
    """Return a world with every kind of rate, two cards in a month, exceptions and charges."""
    storage = MemoryStorage()
    fill(storage)
    with storage.transaction(EVERYTHING) as tx:
        tx.rate_cards.add(ACME, date(2023, 1, 10), EVERY_KIND_OF_RATE, NOON)
        tx.rate_cards.add(YEN, date(2023, 1, 20), RATES, NOON)
        tx.products.save([Product(ACME, "ab 1", 12), Product(ACME, "CD-2", 5)])
        orders = [order(ACME, number, day=1 + number % 31) for number in range(10, 1_300)]
        tx.orders.save(orders)
        tx.orders.save(
            [
                WHOLE_ORDER,
                order(ACME, 5)._replace(status="Canceled", weight_lb=Decimal("1.5")),
                order(ACME, 6)._replace(items=None),
                order(ACME, 7)._replace(weight_lb=Decimal(2), reference_number='a "b" \\ 東京'),
                order(YEN, 1),
                order(YEN, 2, day=25),
            ]
        )
    return storage


def test_reports_are_what_was_filed(storage: Storage) -> None:
    """Whole and partial ones, empty ones, in any currency."""
    maker = generator(storage)
    for customer_id in (ACME, WIDGETS, YEN):
        for services in (None, [1], [2]):
            maker.generate(customer_id, JANUARY, services=services)
    maker.generate(ACME, replace(JANUARY, start=date(2022, 1, 1), end=date(2022, 1, 1)))
    verdicts = list(ReportVerification(storage).verify_all())
    assert verdicts == [Verdict(number, None) for number in range(1, 11)]


def test_what_happens_later_does_not_matter(storage: Storage) -> None:
    """Orders, cards, products, names, and the report's own status."""
    maker = generator(storage)
    for services in (None, None, [2]):
        maker.generate(ACME, JANUARY, services=services)
    lifecycle, author = ReportLifecycle(storage, TickingClock()), Author("alice")
    accepted = Terms(accept_exceptions=True, reason="agreed")
    lifecycle.finalize(1, author=author, terms=accepted)
    lifecycle.finalize(2, author=author, terms=replace(accepted, supersedes=1))
    with storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(ACME, "Renamed", time_zone="Asia/Tokyo"))
        tx.services.save(Service(1, "Picking, formerly"))
        tx.products.save([Product(ACME, "ab 1", 7), Product(ACME, "EF-3", 2)])
        tx.rate_cards.add(ACME, date(2023, 1, 1), RATES[:1], NOON)
        tx.orders.save([order(ACME, number, day=2, units=99) for number in range(1, 400)])
        tx.orders.save([order(ACME, 800)._replace(status="cancelled")])
    verdicts = list(ReportVerification(storage).verify_all())
    assert verdicts == [Verdict(1, None), Verdict(2, None), Verdict(3, None)]


def test_a_card_of_no_order_or_of_no_day_is_remembered(storage: Storage) -> None:
    """Orders before the first card need attention; without any card, charges are billed."""
    with storage.transaction(EVERYTHING) as tx:
        tx.customers.save(Customer(9, "No card"))
        tx.orders.save([WHOLE_ORDER._replace(customer_id=9), order(9, 2)])
    maker = generator(storage)
    reports = [maker.generate(9, JANUARY), maker.generate(YEN, JANUARY)]
    with storage.transaction(EVERYTHING) as tx:
        tx.rate_cards.add(9, date(2023, 1, 1), RATES, NOON)
        tx.rate_cards.add(YEN, date(2023, 1, 1), RATES, NOON)
    assert [report.exception_count for report in reports] == [1, 1]
    assert [v.difference for v in ReportVerification(storage).verify_all()] == [None, None]


def test_only_visible_reports_are_verified(storage: Storage) -> None:
    """Others do not exist."""
    maker = generator(storage)
    hidden, mine = maker.generate(ACME, JANUARY).id, maker.generate(WIDGETS, JANUARY).id
    verification, access = ReportVerification(storage), Access.only([WIDGETS])
    assert list(verification.verify_all(access=access)) == [Verdict(mine, None)]
    with pytest.raises(ReportNotFoundError):
        verification.verify(hidden, access=access)
    with pytest.raises(ReportNotFoundError):
        verification.verify(99)
