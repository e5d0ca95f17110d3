"""Worlds: the databases that one size of the benchmarks needs, made once and lent to every work."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import floor_import, raw
from benchmarks.card import SERVICES, YEAR
from benchmarks.databases import Database
from benchmarks.orders import CUSTOMER, real_orders, write_csv, write_orders
from billing import Access, Customer, Service, read_rates
from billing.adapters.sql.storage import SqlStorage

REPORT = 1
"""The report that is read: the first that each loaded database files."""
CUSTOMERS = 457
"""Customers whose reports are listed: as many as the real orders have."""
_REPORT_COLUMNS = (
    "customer_id",
    "customer_name",
    "start_date",
    "end_date",
    "created_at",
    "currency",
    "total_units",
    "total_fraction",
    "order_count",
    "exception_count",
    "status",
    "service_totals",
    "letterhead",
    "content_hash",
)


@dataclass(frozen=True, slots=True)
class World:
    """One size of input on one sort of database.

    empty: migrated, with the customer and the card. loaded: the same with all orders, and with
    REPORT over them. ndjson, csv: the files of these orders.
    """

    empty: Database
    loaded: Database
    ndjson: Path
    csv: Path
    size: int


def migrate(database: Database) -> None:
    """Bring a new database to the newest revision."""
    with database.product() as app:
        assert isinstance(app.storage, SqlStorage)
        app.storage.upgrade()


def fill(empty: Database, rates: list[dict[str, Any]]) -> None:
    """Store the customer, the services and the card."""
    with empty.product() as app:
        with app.storage.transaction(Access.everything()) as tx:
            tx.customers.save(Customer(CUSTOMER, "Corner Stores"))
            for service_id, name in enumerate(SERVICES, start=1):
                tx.services.save(Service(service_id, name))
        app.rate_book.put(CUSTOMER, YEAR.start, read_rates(rates))


def make_world(empty: Database, folder: Path, size: int) -> World:
    """Load so many orders, and file the report that is read."""
    ndjson = write_orders(folder, size, real=real_orders())
    loaded = empty.clone()
    with loaded.raw() as connection:
        floor_import.store_orders(loaded, connection, ndjson)
        connection.execute("ANALYZE")
        connection.commit()
    with loaded.product() as app:
        headline = app.generator.generate(CUSTOMER, YEAR)
    assert (headline.id, headline.order_count) == (REPORT, size)
    return World(empty, loaded, ndjson, write_csv(ndjson), size)


def make_reports(empty: Database, number: int) -> Database:
    """Return a database with so many reports, without pages, of as many customers as are real."""
    database = empty.clone()
    zone = "" if database.kind == "sqlite" else "+00"
    customers = [(id_, f"Store {id_}", "USD", "UTC", False) for id_ in range(2, CUSTOMERS + 2)]
    reports = (_report(place, zone) for place in range(number))
    with database.raw() as connection:
        raw.begin(database, connection)
        columns = ("id", "name", "currency", "time_zone", "currency_fixed")
        raw.store(database, connection, "customers", columns, customers)
        raw.store(database, connection, "reports", _REPORT_COLUMNS, reports)
        connection.execute("ANALYZE")
        connection.commit()
    return database


def _report(place: int, zone: str) -> tuple[Any, ...]:
    customer_id = 2 + place * 101 % CUSTOMERS
    month, day, second = place % 12 + 1, place // 12 % 28 + 1, place % 60
    cents = place * 7_919 % 10_000_000
    return (
        customer_id,
        f"Store {customer_id}",
        f"2017-{month:02}-01",
        f"2017-{month:02}-28",
        f"2018-{month:02}-{day:02} 12:{place // 60 % 60:02}:{second:02}.000000{zone}",
        "USD",
        cents // 100,
        cents % 100 * 100,
        place * 31 % 5_000,
        place % 3,
        "final" if place % 4 else "draft",
        "{}",
        "Billing",
        f"{place:064x}",
    )
