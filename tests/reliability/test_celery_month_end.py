"""A month end on three machines that die, with a broker that restarts: exact, and how long it took.

Real orders where there are some (see `benchmarks/orders.py`), else their like. The leases are those
of the product: what a dead machine was at waits for 30 s.
"""

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from benchmarks.card import YEAR
from benchmarks.orders import made_orders, real_orders
from billing import Customer, Service, read_rates
from billing.adapters.celery.queue import CeleryQueue
from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.billing_run import ItemKey, ItemState, Run, RunItem, RunState
from billing.domain.order_rows import OrderRows
from billing.domain.report_query import ReportQuery
from billing.domain.run_request import RunRequest
from billing.testing.world import EVERYTHING
from tests import servers
from tests.integration.cli.conftest import START
from tests.properties.oracle import bill
from tests.reliability.scale import NIGHTLY, tell

CUSTOMERS = 457
MADE = 40_000
MACHINES = 3
WAIT_SECONDS = 600
RATES: list[dict[str, Any]] = [
    {"service_id": 1, "price": {"model": "unit", "measure": "units", "unit_price": "0.35"}},
    {"service_id": 2, "price": {"model": "flat", "amount": "1.75"}},
    {
        "service_id": 3,
        "price": {
            "model": "package",
            "measure": "units",
            "package_size": "10",
            "package_price": "0.40",
        },
    },
]


def orders() -> Iterator[dict[str, Any]]:
    """Yield the orders of 457 customers."""
    path = real_orders()
    if path is not None:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            yield from map(json.loads, lines)
        return
    for number, row in enumerate(islice(made_orders(), MADE)):
        yield {**row, "customer_id": 1 + number % CUSTOMERS}


def fill(app: Billing) -> tuple[set[int], Fraction]:
    """Store them with a card each; return whom there is to bill, and what it comes to."""
    customers, total = set(), Fraction()
    for row in orders():
        if date.fromisoformat(row["order_date"]) not in YEAR:
            continue
        customers.add(row["customer_id"])
        lines = bill({**row, "charges": []}, RATES, "USD", {}).lines
        total += sum(line.amount for line in lines)
    with app.storage.transaction(EVERYTHING) as tx:
        for service_id, name in enumerate(("Picking", "Handling", "Cartons"), start=1):
            tx.services.save(Service(service_id, name))
        for customer_id in customers:
            tx.customers.save(Customer(customer_id, f"Store {customer_id}"))
    for customer_id in customers:
        app.rate_book.put(customer_id, YEAR.start, read_rates(RATES))
    app.intake.store(orders(), OrderRows())
    return customers, total


@dataclass(eq=False)
class Machine:
    """`billing worker` with all its processes."""

    environment: dict[str, str]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        command = [sys.executable, "-c", START, "worker", "--concurrency", "1"]
        self.process = subprocess.Popen(command, env=self.environment)

    def kill(self) -> None:
        """Let all of it die at once."""
        for pid in [*descendants(self.process.pid), self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def kill_child(self) -> None:
        """Let the process die that is at an item."""
        os.kill(descendants(self.process.pid)[-1], signal.SIGKILL)

    def end(self) -> None:
        """End it in order."""
        self.process.terminate()
        self.process.wait()


def end_all(machines: list[Machine]) -> None:
    """End those that are left, in order."""
    for machine in machines:
        machine.end()


def descendants(parent: int) -> list[int]:
    """Return the ids of all processes below one, parents first."""
    found = []
    for path in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda path: int(path.parts[2])):
        try:
            line = path.read_text()
        except OSError:
            continue
        if int(line.rpartition(")")[2].split()[1]) == parent:
            pid = int(path.parts[2])
            found += [pid, *descendants(pid)]
    return found


class Watch:
    """Looks at a run as it goes on."""

    def __init__(self, app: Billing, run_id: int) -> None:
        self._app, self._run_id = app, run_id
        self._never = threading.Event()

    def run(self) -> Run:
        """Return the run as it stands."""
        return self._app.runs.find(self._run_id)

    def until_done(self, share: Fraction) -> None:
        """Wait until such a share of the customers is done."""
        deadline = time.monotonic() + WAIT_SECONDS
        while (run := self.run()).count(ItemState.DONE) < share * run.total:
            assert time.monotonic() < deadline, run
            self._never.wait(0.1)

    def at_work(self) -> set[int]:
        """Return the customers that somebody works on, or did when they died."""
        items = self._app.runs.items(self._run_id)
        return {item.customer_id for item in items if item.state is ItemState.RUNNING}

    def _unfinished(self) -> list[RunItem]:
        items = self._app.runs.items(self._run_id)
        return [item for item in items if item.state is not ItemState.DONE]

    def time_until_restored(self, lost: set[int], into: list[float]) -> threading.Thread:
        """Measure, meanwhile, how long it takes until all of these are done."""
        began = time.monotonic()

        def measure() -> None:
            while lost & {item.customer_id for item in self._unfinished()}:
                self._never.wait(0.5)
            into.append(round(time.monotonic() - began, 1))

        thread = threading.Thread(target=measure)
        thread.start()
        return thread


@pytest.mark.skipif(not NIGHTLY, reason="It takes minutes: make nightly.")
def test_a_month_end_survives_its_machines(postgres_url: Any) -> None:
    """457 customers, one report each, and the sum is that of the independent calculator."""
    url, restored = postgres_url(), list[float]()
    with ExitStack() as stack:
        socket, running = stack.enter_context(servers.required(servers.new_valkey()))
        broker = stack.enter_context(ExitStack())
        broker.enter_context(running())
        queue = CeleryQueue(f"redis+unix://{socket}")
        storage = SqlStorage.open(url)
        stack.callback(storage.close)
        storage.upgrade()
        app = compose(storage, queue=queue)
        customers, total = fill(app)
        settings = {"BILLING_DATABASE_URL": url, "BILLING_QUEUE_URL": f"redis+unix://{socket}"}
        machines = [Machine({**os.environ, **settings}) for _ in range(MACHINES)]
        stack.callback(end_all, machines)
        began = time.monotonic()
        watch = Watch(app, app.runs.start(RunRequest(period=YEAR)).id)
        keys = [ItemKey(watch.run().id, customer_id) for customer_id in customers]
        queue.hint(keys)  # Once more each.
        watch.until_done(Fraction(1, 8))
        machines.pop(0).kill()
        timers = [watch.time_until_restored(watch.at_work(), restored)]
        machines.append(Machine({**os.environ, **settings}))
        watch.until_done(Fraction(1, 4))
        machines[0].kill_child()
        timers.append(watch.time_until_restored(watch.at_work(), restored))
        watch.until_done(Fraction(1, 2))
        broker.close()
        broker.enter_context(running())
        watch.until_done(Fraction(5, 8))
        queue.hint(keys)  # Late, and most of them for nothing.
        watch.until_done(Fraction(1))
        seconds = time.monotonic() - began
        for timer in timers:
            timer.join()
        while (run := watch.run()).is_live:
            app.runs.sweep()
        assert (run.state, run.total) == (RunState.DONE, len(customers))
        assert {name: Fraction(amount) for name, amount in run.totals.items()} == {"USD": total}
        reports = list(app.archive.find(ReportQuery()))
        assert Counter(report.customer_id for report in reports) == dict.fromkeys(customers, 1)
        assert sum((report.total_amount for report in reports), Decimal()) == run.totals["USD"]
    tell(
        "a month end on three machines",
        real=real_orders() is not None,
        customers=len(customers),
        orders=sum(report.order_count for report in reports),
        seconds=round(seconds, 1),
        restored_seconds=restored,
    )
