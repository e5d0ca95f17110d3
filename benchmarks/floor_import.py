"""The floor of an import: each line parsed once, and the same rows stored, nothing asked."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from json import loads
from pathlib import Path
from typing import Any

from benchmarks import raw
from benchmarks.databases import Database
from benchmarks.measuring import Run

_COLUMNS = ("customer_id", "order_id", "reference_number", "order_date", "items")

OrderRow = tuple[int, int, str, str, str]


@contextmanager
def importing(empty: Database, path: Path) -> Iterator[Run]:
    """Lend the import of a file of orders into a database of its own."""
    with empty.clone().lent() as database, database.raw() as connection:
        yield partial(store_orders, database, connection, path)


def store_orders(database: Database, connection: Any, path: Path) -> None:
    """Parse and store the orders of a file, in one transaction."""
    rows = _csv_rows(path) if path.suffix == ".csv" else _ndjson_rows(path)
    raw.begin(database, connection)
    raw.store(database, connection, "orders", _COLUMNS, rows)
    connection.commit()


def _ndjson_rows(path: Path) -> Iterator[OrderRow]:
    with path.open("rb") as lines:
        for line in lines:
            order = loads(line)
            yield (
                order["customer_id"],
                order["order_id"],
                order["reference_number"],
                order["order_date"],
                _items_text(order["items"]),
            )


def _csv_rows(path: Path) -> Iterator[OrderRow]:
    csv.field_size_limit(2**24)
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines)
        next(rows)
        for customer_id, order_id, reference, day, items in rows:
            yield int(customer_id), int(order_id), reference, day, _items_text(loads(items))


def _items_text(items: list[dict[str, Any]]) -> str:
    """Return the items as they are stored: what the product must store too."""
    lines = [f'["{item["sku"]}",{item["quantity"]}]' for item in items]
    return f"[{','.join(lines)}]"
