"""Writers at once: every call tells the truth of what it did, and nothing is made twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.bulk_intake import IntakeResult
from billing.domain.catalog import Customer, Service
from billing.domain.order_rows import OrderRows
from billing.domain.repositories import Outcome
from billing.testing.world import ACME, EVERYTHING, RATES, fill

WRITERS = 8

T = TypeVar("T")


@pytest.fixture(params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, tmp_path: Path, postgres_url: Callable[[], str]
) -> Iterator[Billing]:
    """Return an application over each database, with the small world in it."""
    url = f"sqlite:///{tmp_path}/billing.db" if request.param == "sqlite" else postgres_url()
    storage = SqlStorage.open(url)
    storage.upgrade()
    fill(storage)
    yield compose(storage)
    storage.close()


def at_once(work: Callable[[int], T]) -> list[T]:
    """Run the work in several threads and return what each got."""
    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(work, range(WRITERS)))


def test_a_customer_is_made_once(app: Billing) -> None:
    """Of several upserts of one new id exactly one is told that it made it; none fails."""

    def save(_: int) -> Outcome:
        with app.storage.transaction(EVERYTHING) as tx:
            tx.customers.known([4000])
            return tx.customers.save(Customer(4000, "Race"))

    assert Counter(at_once(save)) == {Outcome.CREATED: 1, Outcome.UNCHANGED: WRITERS - 1}


def test_a_service_is_made_once(app: Billing) -> None:
    """The same for services, with other names: one makes it, the others change it."""

    def save(number: int) -> Outcome:
        with app.storage.transaction(EVERYTHING) as tx:
            return tx.services.save(Service(4000, f"Race {number}"))

    assert Counter(at_once(save)) == {Outcome.CREATED: 1, Outcome.UPDATED: WRITERS - 1}


def test_an_equal_card_is_added_once(app: Billing) -> None:
    """Whoever comes second finds the card in force and adds nothing."""

    def put(_: int) -> bool:
        return app.rate_book.put(ACME, date(2024, 1, 1), RATES[:1])[1]

    assert sorted(at_once(put)) == [False] * (WRITERS - 1) + [True]
    assert len(app.rate_book.cards(ACME)) == 2


def test_counts_of_equal_calls_add_up(app: Billing) -> None:
    """Each order is created once, whoever is told so; for the others it is unchanged."""
    rows = [{"customer_id": ACME, "order_id": 5000 + number} for number in range(99)]

    def store(_: int) -> IntakeResult:
        return app.intake.store(rows, OrderRows())

    results = at_once(store)
    assert sum(result.created for result in results) == 99
    assert sum(result.updated for result in results) == 0
    assert sum(result.unchanged for result in results) == 99 * (WRITERS - 1)
