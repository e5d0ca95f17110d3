"""Celery workers killed, hints doubled and lost, the broker restarted: one report a customer.

Each worker stops in the middle of each item, its report made and not filed, until it is let go on.
So the moment of a kill is known, and nothing waits for a clock but the leases.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from billing.adapters.celery.queue import CeleryQueue
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.billing_run import ItemKey, ItemState, Run, RunState
from billing.domain.catalog import Customer, Service
from billing.domain.orders import Charge, Order
from billing.domain.report_query import ReportQuery
from billing.domain.run_request import RunRequest
from billing.testing.world import EVERYTHING, JANUARY
from tests import servers
from tests.reliability.scale import size, tell

CUSTOMERS = size(40, 457)
ORDERS = 25
KILLS = size(2, 20)
WAIT_SECONDS = 60
WORKER = """
import os, sys
from billing.adapters.celery import app
from billing.bootstrap import SystemClock, compose, open_storage, work_on_hints
from billing.domain.run_worker import RunWorker

url, broker, seconds, begun, gate = sys.argv[1:]
app._REDIS.update(visibility_timeout=2 * int(seconds), unacked_restore_interval=1)
billing = compose(open_storage(url))
prepare = billing.generator.prepare

def stopped(*args, **options):
    prepared = prepare(*args, **options)
    os.write(int(begun), b"%7d\\n" % os.getpid())
    os.read(int(gate), 1)
    return prepared

billing.generator.prepare = stopped
worker = RunWorker(
    billing.storage, billing.generator, SystemClock(), lease_seconds=int(seconds)
)
work_on_hints(broker, 1, worker.work, begin=lambda: None)
"""

Broker = tuple[Path, Callable[[], AbstractContextManager[None]]]


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Return the socket of a broker, and how it is run."""
    with servers.required(servers.new_valkey()) as made:
        yield made


class Workers:
    """Celery workers of one process each, which stop in the middle of each item."""

    def __init__(self, url: str, queue_url: str, lease_seconds: int) -> None:
        self._begun, begun = os.pipe()
        gate, self._gate = os.pipe()
        self._ends = (begun, gate)
        self._arguments = [url, queue_url, *map(str, (lease_seconds, begun, gate))]
        self._running: list[subprocess.Popen[bytes]] = []
        self.at_work: set[int] = set()

    def add(self) -> None:
        """Start one."""
        self._running.append(
            subprocess.Popen(
                [sys.executable, "-c", WORKER, *self._arguments],
                pass_fds=self._ends,
                start_new_session=True,
            )
        )

    def await_begun(self, number: int = 1) -> None:
        """Wait until so many items more were begun; whose is noted."""
        for _ in range(number):
            ready, _, _ = select.select([self._begun], [], [], WAIT_SECONDS)
            assert ready, "no worker took an item"
            self.at_work.add(int(os.read(self._begun, 8)))

    def let_go(self, number: int) -> None:
        """Let so many items go on."""
        os.write(self._gate, b"." * number)

    def kill_child(self) -> None:
        """Kill a process in the middle of an item; its worker lives, and starts another."""
        os.kill(self.at_work.pop(), signal.SIGKILL)

    def kill_machine(self) -> None:
        """Kill a worker in the middle of an item, with all its processes."""
        group = os.getpgid(self.at_work.pop())
        os.killpg(group, signal.SIGKILL)
        self._running = [worker for worker in self._running if worker.pid != group or worker.wait()]

    def close(self) -> None:
        """End them all."""
        for worker in self._running:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        for end in (self._begun, self._gate, *self._ends):
            os.close(end)


@contextlib.contextmanager
def application(url: str, queue_url: str) -> Iterator[Billing]:
    """Open an application that hints, with customers 1 to CUSTOMERS and their orders."""
    storage = SqlStorage.open(url)
    storage.upgrade()
    with storage.transaction(EVERYTHING) as tx:
        tx.services.save(Service(1, "Picking"))
        for number in range(1, CUSTOMERS + 1):
            tx.customers.save(Customer(number, f"Customer {number}"))
        tx.orders.save(
            [
                Order(
                    customer_id=number,
                    order_id=order_id,
                    order_date=JANUARY.start,
                    charges=(Charge(1, Decimal(number * order_id)),),
                )
                for number in range(1, CUSTOMERS + 1)
                for order_id in range(1, ORDERS + 1)
            ]
        )
    yield compose(storage, queue=CeleryQueue(queue_url, refill_below=100))
    storage.close()


def check(app: Billing, run: Run) -> None:
    """Hold the run that ended to one report for each customer, and to the right sum."""
    assert (run.state, run.count(ItemState.DONE)) == (RunState.DONE, CUSTOMERS)
    sum_to = [number * (number + 1) // 2 for number in (CUSTOMERS, ORDERS)]
    assert run.totals == {"USD": Decimal(sum_to[0] * sum_to[1])}
    counts = Counter(report.customer_id for report in app.archive.find(ReportQuery()))
    assert counts == dict.fromkeys(range(1, CUSTOMERS + 1), 1)


def ended(app: Billing, run_id: int, *, sweep: bool) -> Run:
    """Wait until the run has ended, and return it."""
    deadline = time.monotonic() + WAIT_SECONDS + CUSTOMERS
    while (run := app.runs.find(run_id)).is_live:
        assert time.monotonic() < deadline, run
        time.sleep(0.2)
        if sweep:
            app.runs.sweep()
    return run


def test_each_customer_gets_one_report_whatever_dies(
    postgres_url: Callable[[], str], broker: Broker
) -> None:
    """Three workers: processes and whole machines killed, hints doubled, the broker restarted."""
    (socket, run_broker), url = broker, postgres_url()
    queue_url = f"redis+unix://{socket}"
    with ExitStack() as stack:
        brokered = stack.enter_context(ExitStack())
        brokered.enter_context(run_broker())
        app = stack.enter_context(application(url, queue_url))
        workers = Workers(url, queue_url, lease_seconds=2)
        stack.callback(workers.close)
        for _ in range(3):
            workers.add()
        run = app.runs.start(RunRequest(period=JANUARY))
        CeleryQueue(queue_url).hint([ItemKey(run.id, n) for n in range(1, CUSTOMERS + 1)])
        workers.await_begun(3)
        for _ in range(KILLS):
            workers.kill_machine()
            workers.add()
            workers.await_begun()
            workers.kill_child()
            workers.await_begun()
            workers.let_go(3)
            workers.await_begun(3)
        brokered.close()  # Three items are at work; all hints are lost.
        workers.let_go(2)
        brokered.enter_context(run_broker())
        workers.let_go(2 * CUSTOMERS)
        run = ended(app, run.id, sweep=True)
        check(app, run)
    tell("kill -9 of Celery workers", customers=CUSTOMERS, kills=2 * KILLS, broker_restarts=1)


def test_what_a_killed_worker_held_comes_back_by_itself(
    postgres_url: Callable[[], str], broker: Broker
) -> None:
    """Without any sweep: its hint was not acknowledged, and is given to another."""
    (socket, run_broker), url = broker, postgres_url()
    queue_url = f"redis+unix://{socket}"
    with ExitStack() as stack:
        stack.enter_context(run_broker())
        app = stack.enter_context(application(url, queue_url))
        workers = Workers(url, queue_url, lease_seconds=2)
        stack.callback(workers.close)
        workers.add()
        run = app.runs.start(RunRequest(period=JANUARY))
        workers.await_begun()
        workers.kill_machine()
        workers.add()
        workers.let_go(CUSTOMERS)
        check(app, ended(app, run.id, sweep=False))
