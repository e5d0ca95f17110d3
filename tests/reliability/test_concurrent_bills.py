"""Reading while others write: a bill is of one state of the data, and so is each of many."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.bulk_intake import ROWS_A_BATCH
from billing.domain.order_rows import OrderRows
from billing.domain.rate_reading import read_rates
from billing.testing.world import ACME, EVERYTHING, JANUARY, fill
from tests.reliability.scale import size, tell

ROUNDS = size(50, 1_000)
ORDERS = ROWS_A_BATCH + 100
"""Orders of a call, in two batches: neither alone may be in a bill."""


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


def rows(units: int) -> list[object]:
    """Return orders of one item each."""
    return [
        {
            "customer_id": ACME,
            "order_id": number,
            "order_date": "2023-01-15",
            "items": [{"sku": "AB-1", "quantity": units}],
        }
        for number in range(1, ORDERS + 1)
    ]


def test_a_bill_holds_a_call_of_orders_whole_or_not(app: Billing) -> None:
    """D4: all orders change between one unit and two, in one call, while bills are made."""
    app.intake.store(rows(1), OrderRows())
    one = app.generator.generate(ACME, JANUARY).content_hash
    app.intake.store(rows(2), OrderRows())
    two = app.generator.generate(ACME, JANUARY).content_hash
    stop = threading.Event()

    def write() -> int:
        calls = 0
        while not stop.is_set():
            app.intake.store(rows(1 + calls % 2), OrderRows())
            calls += 1
        return calls

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            hashes = [app.generator.generate(ACME, JANUARY).content_hash for _ in range(ROUNDS)]
        finally:
            stop.set()
        calls = writing.result()
    assert set(hashes) <= {one, two}
    tell("ingest while bills are made", bills=ROUNDS, calls=calls, of_both=len(set(hashes)) == 2)


def test_a_bill_is_priced_by_the_cards_of_one_moment(app: Billing) -> None:
    """D7: cards come in while bills are made; each is priced by the old one or the new one."""
    app.intake.store(rows(1), OrderRows())
    hashes = set()
    for number in range(max(5, ROUNDS // 10)):
        price = {"model": "flat", "amount": str(number + 1)}
        rates = read_rates([{"service_id": 1, "price": price}])
        before = app.generator.generate(ACME, JANUARY).content_hash
        with ThreadPoolExecutor(2) as pool:
            during = [pool.submit(app.generator.generate, ACME, JANUARY) for _ in range(3)]
            app.rate_book.put(ACME, date(2023, 1, 1), rates)
            found = {bill.result().content_hash for bill in during}
        after = app.generator.generate(ACME, JANUARY).content_hash
        assert found <= {before, after}
        hashes.add(after)
    assert len(hashes) == max(5, ROUNDS // 10)


def test_bills_made_at_once_are_whole_and_equal(app: Billing) -> None:
    """D1: each is a report of its own, with the same content."""
    app.intake.store(rows(1), OrderRows())
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: app.generator.generate(ACME, JANUARY), range(16)))
    assert len({headline.id for headline in made}) == 16
    assert len({headline.content_hash for headline in made}) == 1
    for headline in made:
        document = app.archive.open(headline.id)
        assert sum(1 for _ in document.entries("orders")) == headline.order_count == ORDERS
    with app.storage.snapshot(EVERYTHING) as view:
        assert view.orders.count(ACME, None, None) == ORDERS
