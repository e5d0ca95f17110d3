"""Runs under faults, on real databases: killed and stale workers, and everybody at once."""

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from billing.adapters.sql.runs import SqlRuns
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, SystemClock, compose
from billing.domain.billing_run import ItemKey, ItemState, RunClashError, RunState, RunStateError
from billing.domain.catalog import Customer, Service
from billing.domain.orders import Charge, Order
from billing.domain.report_query import ReportQuery
from billing.domain.run_request import RunRequest
from billing.domain.run_worker import RunWorker
from billing.testing.world import ACME, EVERYTHING, JANUARY, NOON, WIDGETS, fill, order

CUSTOMERS = 60
KILLS = 4
WORKER = """
import sys
from billing.bootstrap import SystemClock, compose, open_storage
from billing.domain.run_worker import RunWorker

billing = compose(open_storage(sys.argv[1]))
worker = RunWorker(billing.storage, billing.generator, SystemClock(), lease_seconds=1)
while (key := worker.work()) is not None:
    print(key.customer_id, flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: Callable[[], str]) -> str:
    """Return the URL of an empty database, of each kind."""
    return f"sqlite:///{tmp_path}/billing.db" if request.param == "sqlite" else postgres_url()


@pytest.fixture
def app(url: str) -> Iterator[Billing]:
    """Return an application over it, with the small world in it."""
    storage = SqlStorage.open(url)
    storage.upgrade()
    fill(storage)
    yield compose(storage)
    storage.close()


def hasty(app: Billing, seconds: int) -> RunWorker:
    """Return a worker whose leases are that short."""
    return RunWorker(app.storage, app.generator, SystemClock(), lease_seconds=seconds)


def add_customers(app: Billing) -> Decimal:
    """Store customers 1 to 60 with orders of January, and return what they come to."""
    amounts = itertools.count(1)
    with app.storage.transaction(EVERYTHING) as tx:
        tx.services.save(Service(1, "Picking"))
        for number in range(1, CUSTOMERS + 1):
            tx.customers.save(Customer(number, f"Customer {number}"))
        tx.orders.save(
            [
                Order(
                    customer_id=number,
                    order_id=order_id,
                    order_date=JANUARY.start,
                    charges=(Charge(1, Decimal(next(amounts))),),
                )
                for number in range(1, CUSTOMERS + 1)
                for order_id in range(1, 40)
            ]
        )
    last = CUSTOMERS * 39
    return Decimal(last * (last + 1) // 2)


def test_workers_killed_in_the_middle_lose_and_double_nothing(app: Billing, url: str) -> None:
    """Whenever they die, each customer has one report in the end, and the sum is right."""
    expected = add_customers(app)
    run = app.runs.start(RunRequest(period=JANUARY, customers=tuple(range(1, CUSTOMERS + 1))))
    for kill in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, url], stdout=subprocess.PIPE
        ) as worker:
            assert worker.stdout is not None
            for _ in range(1 + 3 * kill):
                assert worker.stdout.readline()
            worker.kill()
    assert app.runs.find(run.id).state is RunState.RUNNING
    while app.runs.find(run.id).is_live:  # The leases of the dead run out after a second.
        hasty(app, 1).work()
        app.runs.sweep()
    run = app.runs.find(run.id)
    assert (run.state, run.count(ItemState.DONE)) == (RunState.DONE, CUSTOMERS)
    assert run.totals == {"USD": expected}
    counts = Counter(report.customer_id for report in app.archive.find(ReportQuery()))
    assert counts == dict.fromkeys(range(1, CUSTOMERS + 1), 1)


def test_a_worker_that_stood_still_files_nothing(
    app: Billing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ran out and another took over: its report is rolled back with its state."""
    run = app.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))
    prepare = app.generator.prepare
    seen = []

    def stands_still(*args: object, **options: object) -> object:
        prepared = prepare(*args, **options)  # type: ignore[arg-type]
        monkeypatch.undo()
        seen.append(app.run_worker.work())
        return prepared

    monkeypatch.setattr(app.generator, "prepare", stands_still)
    assert hasty(app, 0).work() == ItemKey(run.id, ACME)
    assert seen == [ItemKey(run.id, ACME)]
    reports = list(app.archive.find(ReportQuery()))
    items = list(app.runs.items(run.id))
    assert [report.id for report in reports] == [item.report_id for item in items]
    assert app.runs.find(run.id).state is RunState.DONE


def test_workers_at_once_bill_each_customer_once(app: Billing) -> None:
    """Of all that take the next item each gets another."""
    expected = add_customers(app)
    run = app.runs.start(RunRequest(period=JANUARY, customers=tuple(range(1, CUSTOMERS + 1))))

    def work(_: int) -> list[ItemKey]:
        worked = []
        while key := app.run_worker.work():
            worked.append(key)
        return worked

    with ThreadPoolExecutor(4) as pool:
        worked = [key for keys in pool.map(work, range(4)) for key in keys]
    assert sorted(key.customer_id for key in worked) == list(range(1, CUSTOMERS + 1))
    run = app.runs.find(run.id)
    assert (run.state, run.totals) == (RunState.DONE, {"USD": expected})


def test_starts_at_once_make_one_run(app: Billing) -> None:
    """All callers of the same are given the same run; an overlapping one is refused."""
    same = RunRequest(period=JANUARY)
    other = RunRequest(period=JANUARY, customers=(WIDGETS,))

    def start(number: int) -> int | None:
        try:
            return app.runs.start(other if number == 7 else same).id
        except RunClashError:
            return None

    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(start, range(8)))
    runs = {run_id for run_id in started if run_id is not None}
    assert len(runs) == 1
    live = [app.runs.find(run_id) for run_id in runs]
    assert [run.total for run in live] == [1 if started[7] else 2]


def test_a_run_cancelled_under_its_workers_ends(app: Billing) -> None:
    """Whoever comes first: done items have reports, cancelled ones have none."""
    add_customers(app)
    run = app.runs.start(RunRequest(period=JANUARY, customers=tuple(range(1, CUSTOMERS + 1))))

    def work(number: int) -> None:
        if number == 3:
            for _ in range(5):
                app.run_worker.work()
            app.runs.cancel(run.id)
        while app.run_worker.work():
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    run = app.runs.find(run.id)
    assert run.state in {RunState.CANCELLED, RunState.DONE}
    assert not run.count(ItemState.RUNNING)
    assert app.archive.count(ReportQuery()) == run.count(ItemState.DONE)
    assert run.count(ItemState.DONE) + run.count(ItemState.CANCELLED) == CUSTOMERS


@pytest.fixture
def overtaken(
    postgres_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Billing, int]]:
    """Return an application, and its run that somebody cancels just before the next one locks it.

    On PostgreSQL alone: SQLite has one writer. One of the run's items has failed.
    """
    storage = SqlStorage.open(postgres_url())
    storage.upgrade()
    fill(storage)
    app = compose(storage)
    run_id = app.runs.start(RunRequest(period=JANUARY, customers=(ACME, WIDGETS))).id
    with storage.transaction(EVERYTHING) as tx:
        item = tx.run_work.take(60, NOON)
        assert item is not None
        tx.run_work.fail(item, "It broke", 1)
    lock = SqlRuns._locked_state

    def overtaking(self: SqlRuns, key: int) -> RunState | None:
        monkeypatch.setattr(SqlRuns, "_locked_state", lock)
        compose(storage).runs.cancel(key)
        return lock(self, key)

    monkeypatch.setattr(SqlRuns, "_locked_state", overtaking)
    yield app, run_id
    storage.close()


def test_of_two_who_cancel_at_once_both_are_told(overtaken: tuple[Billing, int]) -> None:
    """The second finds the run cancelled, whatever it was when it began."""
    app, run_id = overtaken
    assert app.runs.cancel(run_id).state is RunState.CANCELLED


def test_a_run_that_is_cancelled_meanwhile_is_not_retried(overtaken: tuple[Billing, int]) -> None:
    """Whoever cancelled it was told that nothing more is filed."""
    app, run_id = overtaken
    with pytest.raises(RunStateError, match="is cancelled: start another one"):
        app.runs.retry(run_id)
    run = app.runs.find(run_id)
    assert (run.state, run.count(ItemState.FAILED)) == (RunState.CANCELLED, 1)
    assert app.run_worker.work() is None


def test_a_card_put_while_the_run_lives_does_not_count(app: Billing) -> None:
    """Also on a database: the pin is the customer's newest card when the run started."""
    run = app.runs.start(RunRequest(period=JANUARY, customers=(ACME,)))
    app.rate_book.put(ACME, JANUARY.start, ())
    with app.storage.transaction(EVERYTHING) as tx:
        tx.orders.save([order(ACME, 9)])
    app.run_worker.work()
    assert app.runs.find(run.id).totals == {"USD": Decimal("18.00")}
