"""Faults of databases: full, read-only, locked, away and back; nothing is lost or half done."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import date
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, text

from billing.adapters.sql.engine import SQLITE_BUSY_MS
from billing.adapters.sql.storage import SqlStorage
from billing.adapters.sql.turns import Turns
from billing.bootstrap import compose
from billing.domain.bulk_intake import IntakeResult
from billing.domain.catalog import Customer
from billing.domain.errors import (
    OutcomeUnknownError,
    StorageBusyError,
    StorageUnavailableError,
)
from billing.domain.order_rows import OrderRows
from billing.domain.orders import Order
from billing.domain.ports import Repositories
from billing.domain.repositories import Outcome
from billing.domain.retries import retried
from billing.testing.world import ACME, EVERYTHING, WIDGETS, fill, order
from tests import servers

SOMEBODY = Customer(77, "Somebody")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqlStorage]:
    """Return a storage in a file, with the small world in it."""
    yield from filled(f"sqlite:///{tmp_path / 'billing.db'}")


@pytest.fixture
def postgres(postgres_url: Callable[[], str]) -> Iterator[SqlStorage]:
    """Return a storage in PostgreSQL, with the small world in it."""
    yield from filled(postgres_url())


def filled(url: str) -> Iterator[SqlStorage]:
    """Make, fill and in the end close a storage."""
    storage = SqlStorage.open(url)
    storage.upgrade()
    fill(storage)
    yield storage
    storage.close()


def customers(storage: SqlStorage) -> int:
    """Count the customers."""
    with storage.snapshot(EVERYTHING) as view:
        return view.customers.count()


def add_many(storage: SqlStorage, number: int = 2_000) -> None:
    """Store more customers than a small database has room for."""
    with storage.transaction(EVERYTHING) as tx:
        for customer_id in range(1_000, 1_000 + number):
            tx.customers.save(Customer(customer_id, "x" * 200))


def set_on_connect(storage: SqlStorage, statement: str) -> Callable[[], None]:
    """Run a statement on every new connection; return what ends that."""

    def run(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(statement)

    storage.close()
    event.listen(storage._engine, "connect", run)

    def undo() -> None:
        event.remove(storage._engine, "connect", run)
        storage.close()

    return undo


def test_a_full_disk_undoes_the_call_and_lets_reading_go_on(sqlite: SqlStorage) -> None:
    """Once there is room again the same storage goes on, without a restart."""
    before = customers(sqlite)
    with sqlite._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    make_room = set_on_connect(sqlite, f"PRAGMA max_page_count={pages + 2}")
    for _ in range(2):
        with pytest.raises(StorageUnavailableError, match="is full; nothing was changed"):
            add_many(sqlite)
        assert customers(sqlite) == before
    make_room()
    add_many(sqlite)
    assert customers(sqlite) == before + 2_000


def test_a_disk_that_fills_up_in_a_bulk_load_is_told(sqlite: SqlStorage) -> None:
    """Also where the first batches had room, and SQLite ends the transaction by itself."""
    with sqlite._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    set_on_connect(sqlite, f"PRAGMA max_page_count={pages + 60}")
    with sqlite.snapshot(EVERYTHING) as view:
        before = view.orders.count(None, None, None)
    rows = ({"customer_id": ACME, "order_id": n, "notes": "x" * 200} for n in range(1_000, 5_000))
    with pytest.raises(StorageUnavailableError, match="is full; nothing was changed"):
        compose(sqlite).intake.store(rows, OrderRows())
    with sqlite.snapshot(EVERYTHING) as view:
        assert view.orders.count(None, None, None) == before


def test_a_read_only_database_is_read(sqlite: SqlStorage) -> None:
    """Writing is refused, not half done."""
    before = customers(sqlite)
    make_writable = set_on_connect(sqlite, "PRAGMA query_only=ON")
    with pytest.raises(StorageUnavailableError):
        add_many(sqlite, 1)
    assert customers(sqlite) == before
    make_writable()
    add_many(sqlite, 1)
    assert customers(sqlite) == before + 1


@contextmanager
def write_lock(storage: SqlStorage) -> Iterator[sqlite3.Connection]:
    """Hold the one write lock of SQLite, as another process would."""
    path = storage._engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
        if other.in_transaction:
            other.execute("ROLLBACK")


@pytest.fixture
def _impatient(sqlite: SqlStorage) -> Iterator[None]:
    """Let SQLite not wait for locks by itself."""
    undo = set_on_connect(sqlite, "PRAGMA busy_timeout=0")
    yield
    undo()


@pytest.mark.usefixtures("_impatient")
def test_a_locked_database_is_busy_and_is_read(sqlite: SqlStorage) -> None:
    """The refusal says that nothing was changed, and nothing was."""
    before = customers(sqlite)
    with write_lock(sqlite):
        with pytest.raises(StorageBusyError):
            add_many(sqlite, 1)
        assert customers(sqlite) == before
    add_many(sqlite, 1)
    assert customers(sqlite) == before + 1


@pytest.mark.usefixtures("_impatient")
def test_a_lock_that_goes_away_in_time_is_not_noticed(
    sqlite: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The use cases try again by themselves."""
    with write_lock(sqlite) as other:
        monkeypatch.setattr(time, "sleep", lambda _: other.execute("ROLLBACK"))
        card, is_new = compose(sqlite).rate_book.put(ACME, date(2031, 1, 1), ())
    assert is_new
    with sqlite.snapshot(EVERYTHING) as view:
        assert view.rate_cards.find(card.id) == card


def test_a_writer_waits_five_seconds_before_it_is_told(sqlite: SqlStorage) -> None:
    """So says every connection."""
    with sqlite._engine.connect() as connection:
        found = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    assert found == SQLITE_BUSY_MS == 5_000


def test_writers_take_turns_in_the_order_they_came() -> None:
    """Whoever writes call after call does not keep the others out."""
    turns, order = Turns(), list[str]()
    queued = threading.Barrier(2)

    def write(name: str) -> None:
        queued.wait(30)
        with turns.one(30):
            order.append(name)

    with ThreadPoolExecutor(3) as pool:
        with turns.one(30):
            for number, name in enumerate("abc", start=1):
                pool.submit(write, name)
                queued.wait(30)
                while len(turns._waiting) < number:
                    time.sleep(0)
        with turns.one(30):
            order.append("d")
    assert order == ["a", "b", "c", "d"]


def test_a_writer_whose_turn_does_not_come_is_told() -> None:
    """And keeps nobody else from theirs."""
    turns = Turns()
    with turns.one(0), pytest.raises(StorageBusyError), turns.one(0):
        pass
    with turns.one(0), suppress(StorageBusyError), turns.one(0):
        pass
    with turns.one(0):
        pass


def orders_of(*customer_ids: int) -> list[object]:
    """Return rows of orders: a batch for each customer, in the order given."""
    return [
        {"customer_id": customer_id, "order_id": number}
        for customer_id in customer_ids
        for number in range(1, 501)
    ]


class Meeting(OrderRows):
    """Order rows of two calls that wait for each other after their first batch, once."""

    def __init__(self, barrier: threading.Barrier, waited: set[int], call: int) -> None:
        super().__init__()
        self._barrier = barrier
        self._waited = waited
        self._call = call

    def save(self, tx: Repositories, orders: Sequence[Order], /) -> Sequence[Outcome]:
        """Save, then meet the other call."""
        outcomes = super().save(tx, orders)
        if self._call not in self._waited:
            self._waited.add(self._call)
            self._barrier.wait(30)
        return outcomes


def test_a_deadlock_is_undone_and_done_again(postgres: SqlStorage) -> None:
    """Two calls with the same orders in opposite order: both end as if they came in turn."""
    barrier, waited = threading.Barrier(2), set[int]()
    started = [0, 0]

    def call(number: int) -> int:
        customers = (ACME, WIDGETS) if number else (WIDGETS, ACME)

        def store() -> IntakeResult:
            started[number] += 1
            return compose(postgres).intake.store(
                orders_of(*customers), Meeting(barrier, waited, number)
            )

        return retried(store).received

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(call, range(2))) == [1_000, 1_000]
    assert sorted(started) == [1, 2]
    with postgres.snapshot(EVERYTHING) as view:
        assert view.orders.count(None, None, None) == 1_000


@pytest.mark.parametrize(
    ("sqlstate", "refusal"),
    [
        ("40001", StorageBusyError),
        ("40P01", StorageBusyError),
        ("53100", StorageUnavailableError),  # The disk is full.
        ("55P03", StorageUnavailableError),  # A lock took too long.
        ("57014", StorageUnavailableError),  # A statement took too long.
        ("25006", StorageUnavailableError),  # A standby, after a failover.
        ("0A000", StorageUnavailableError),  # The same, asked on a connection that has read.
    ],
)
def test_what_postgresql_cannot_do_now_is_a_refusal(
    postgres: SqlStorage, sqlstate: str, refusal: type[StorageUnavailableError]
) -> None:
    """And undoes the transaction; a conflict alone is worth trying again at once."""
    before = customers(postgres)
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{sqlstate}'; END $$"
    with (  # noqa: PT012 what ends the transaction is part of it
        pytest.raises(StorageUnavailableError) as caught,
        postgres.transaction(EVERYTHING) as tx,
    ):
        tx.customers.save(SOMEBODY)
        tx.customers._connection.execute(text(raising))
    assert type(caught.value) is refusal
    assert customers(postgres) == before


def end_connections(storage: SqlStorage) -> None:
    """End every connection to the storage's database, as a restart of the server does."""
    url = storage._engine.url
    with psycopg.connect(
        host=str(url.query["host"]), user="postgres", dbname="postgres", autocommit=True
    ) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (url.database,),
        )


def test_a_connection_lost_in_a_transaction_undoes_it(postgres: SqlStorage) -> None:
    """And the next transaction finds a new one."""
    before = customers(postgres)
    with (  # noqa: PT012 what ends the transaction is part of it
        pytest.raises(StorageUnavailableError) as caught,
        postgres.transaction(EVERYTHING) as tx,
    ):
        tx.customers.save(SOMEBODY)
        end_connections(postgres)
        tx.customers.count()
    assert "nothing was changed" in str(caught.value)
    assert customers(postgres) == before


def test_a_connection_lost_while_committing_leaves_it_open_whether_it_was_done(
    postgres: SqlStorage,
) -> None:
    """The refusal says so, and nobody tries again on their own."""
    with (  # noqa: PT012 what ends the transaction is part of it
        pytest.raises(OutcomeUnknownError, match="look whether it did"),
        postgres.transaction(EVERYTHING) as tx,
    ):
        tx.customers.save(SOMEBODY)
        end_connections(postgres)
    add_many(postgres, 1)


def test_a_connection_lost_while_rows_are_copied_is_a_refusal(postgres: SqlStorage) -> None:
    """Although they go past SQLAlchemy."""
    with (  # noqa: PT012 what ends the transaction is part of it
        pytest.raises(StorageUnavailableError),
        postgres.transaction(EVERYTHING) as tx,
    ):
        tx.orders.save([order(ACME, 900)])
        end_connections(postgres)
        tx.orders.save([order(ACME, 901)])
    with postgres.snapshot(EVERYTHING) as view:
        assert view.orders.count(None, None, None) == 3


def test_the_pool_recovers_when_the_server_is_back() -> None:
    """Away: refused, whether a connection was open or not; back: the first call succeeds."""
    with servers.required(servers.new_postgres()) as (folder, running):
        storage = SqlStorage.open(f"postgresql+psycopg://postgres@/postgres?host={folder}")
        with running():
            storage.upgrade()
            fill(storage)
            before = customers(storage)
        for _ in range(2):
            with pytest.raises(StorageUnavailableError):
                customers(storage)
            with pytest.raises(StorageUnavailableError):
                storage.check()
        with running():
            assert customers(storage) == before
            add_many(storage, 1)
            storage.close()


def test_postgresql_keeps_what_it_acknowledges(postgres_url: Callable[[], str]) -> None:
    """Whatever its defaults say; what a connection cannot choose is told."""
    url = postgres_url()
    storage = SqlStorage.open(url)
    with storage._engine.connect() as connection:
        database = storage._engine.url.database
        connection.execute(text(f"ALTER DATABASE {database} SET synchronous_commit = off"))
        connection.commit()
    storage.close()
    with storage._engine.connect() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
        connection.rollback()
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    assert [warning.split("=")[0].split()[-1] for warning in storage.warnings()] == [
        "fsync",
        "full_page_writes",
    ]
    storage.close()
