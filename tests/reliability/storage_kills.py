"""Kills writers of a storage again and again, and looks at what they left: run as a program.

    python storage_kills.py URL KILLS SEED

Each writer is a fork that stores orders in calls of two batches and files reports, and says of
each, through a pipe, that it was acknowledged. It is killed at a moment that chance picks. Then
what was acknowledged must be there, and what is there must be whole. The last line of the output
is a JSON object of what was seen.
"""

import contextlib
import hashlib
import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from billing.adapters.sql.storage import SqlStorage
from billing.bootstrap import Billing, compose
from billing.domain.access import Access
from billing.domain.bulk_intake import ROWS_A_BATCH
from billing.domain.catalog import Customer, Service
from billing.domain.document import ReportDocument, content_hash
from billing.domain.order_rows import OrderRows
from billing.domain.period import BillingPeriod
from billing.domain.rate_reading import read_rates
from billing.domain.report_query import ReportQuery, Slice

CUSTOMER = 1
ROWS = ROWS_A_BATCH + 20
"""Rows of a call: its second batch is killed as well."""

FIRST_DAY = date(2000, 1, 1)
EVERYTHING = Access.everything()
RATES = read_rates([{"service_id": 1, "price": {"model": "flat", "amount": "2.50"}}])
LONGEST_SECONDS = 0.25
"""A writer is killed up to this long after it began to write."""


def settle(url: str) -> None:
    """Make the database and its customer."""
    with opened(url) as billing:
        with billing.storage.transaction(EVERYTHING) as tx:
            tx.customers.save(Customer(CUSTOMER, "ACME Corp"))
            tx.services.save(Service(1, "Picking"))
        billing.rate_book.put(CUSTOMER, FIRST_DAY, RATES)


@contextlib.contextmanager
def opened(url: str) -> Iterator[Billing]:
    """Open the application over a database, migrated."""
    storage = SqlStorage.open(url)
    storage.upgrade()
    try:
        yield compose(storage)
    finally:
        storage.close()


def write(url: str, first_call: int, acknowledge: int) -> None:
    """Store calls of orders, each a day of its own, and a report of each; never return."""
    with opened(url) as billing:
        os.write(acknowledge, b"ready\n")
        call = first_call
        while True:
            day = FIRST_DAY + timedelta(days=call)
            rows = [
                {"customer_id": CUSTOMER, "order_id": call * ROWS + number, "order_date": str(day)}
                for number in range(1, ROWS + 1)
            ]
            billing.intake.store(rows, OrderRows())
            os.write(acknowledge, f"orders {call}\n".encode())
            report = billing.generator.generate(CUSTOMER, BillingPeriod(day, day))
            os.write(acknowledge, f"report {report.id} {call} {report.content_hash}\n".encode())
            call += 1


def killed_writer(url: str, first_call: int, seconds: float) -> list[list[str]]:
    """Let a writer write for a while, kill it, and return what it said was acknowledged."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        write(url, first_call, writing)
    os.close(writing)
    with open(reading, "rb", closefd=True) as said:  # noqa: PTH123 a descriptor
        assert said.readline() == b"ready\n"
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return [line.decode().split() for line in said if line.endswith(b"\n")]


def check(url: str, acknowledged: dict[int, str], stored: set[int]) -> Counter[str]:
    """Return what is there; fail where something acknowledged is not, or something is torn."""
    seen: Counter[str] = Counter()
    with opened(url) as billing:
        with billing.storage.snapshot(EVERYTHING) as view:
            headlines = list(view.reports.page(ReportQuery(), Slice()))
            orders = Counter(
                (order.order_id - 1) // ROWS
                for order in view.orders.page(None, None, None, Slice())
            )
        assert set(orders.values()) <= {ROWS}, "a call of orders is torn"
        assert stored <= orders.keys(), "acknowledged orders are lost"
        hashes = {headline.id: headline.content_hash for headline in headlines}
        lost = {key for key, hash_ in acknowledged.items() if hashes.get(key) != hash_}
        assert not lost, f"acknowledged reports are lost: {lost}"
        for headline in headlines:
            document = billing.archive.open(headline.id)
            held = sum(1 for _ in document.entries("orders"))
            assert held == headline.order_count == ROWS, "a report is torn"
            assert hash_of(document) == headline.content_hash, "a report has changed"
        seen["reports"], seen["calls of orders"] = len(headlines), len(orders)
        seen["reports never acknowledged"] = len(headlines) - len(acknowledged)
        seen["calls never acknowledged"] = len(orders) - len(stored)
    return seen


def hash_of(document: ReportDocument) -> str:
    """Compute a report's hash from what is stored of it."""
    orders, exceptions = (
        hashlib.sha256(b"[" + b",".join(document.section(section)) + b"]").hexdigest()
        for section in ("orders", "exceptions")
    )
    return content_hash(
        document.content,
        document.service_totals,
        document.letterhead,
        orders=orders,
        exceptions=exceptions,
    )


def check_file(url: str) -> None:
    """Have SQLite look through all of its file."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.partition(":///")[2])) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def main(url: str, kills: int, seed: int) -> None:
    """Kill as many writers as asked, looking after every tenth and the last."""
    chance = random.Random(seed)  # noqa: S311 to be repeated is what it is for
    settle(url)
    acknowledged: dict[int, str] = {}
    stored: set[int] = set()
    call, begun = 0, time.monotonic()
    seen: Counter[str] = Counter()
    for kill in range(1, kills + 1):
        for kind, *facts in killed_writer(url, call, chance.uniform(0, LONGEST_SECONDS)):
            if kind == "orders":
                stored.add(int(facts[0]))
            else:
                acknowledged[int(facts[0])] = facts[2]
        call = max(stored, default=-1) + 2  # The next one may be there, unacknowledged.
        check_file(url)
        if kill % 10 == 0 or kill == kills:
            seen = check(url, acknowledged, stored)
    print(json.dumps({"kills": kills, "seconds": round(time.monotonic() - begun, 1), **seen}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
