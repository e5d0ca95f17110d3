"""The rows floor of a report: one row a cost instead of pages, written and read back."""

import csv
import json
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import groupby
from operator import itemgetter
from typing import Any, BinaryIO

from benchmarks import raw
from benchmarks.card import SERVICES
from benchmarks.databases import Database
from benchmarks.floor_pages import Billed, orders_of

_ORDERS = ("order_id", "reference_number", "order_date", "total_amount")
_LINES = ("order_id", "service_id", "service_name", "amount", "quantity", "rate")
_ORDER_TYPES = "order_id bigint, reference_number text, order_date text, total_amount text"
_LINE_TYPES = (
    "order_id bigint, service_id integer, service_name text, amount text, quantity bigint, "
    "rate integer"
)


def make_tables(connection: Any) -> None:
    """Make empty tables for the orders and the costs of one report."""
    raw.emptied(connection, "floor_orders", _ORDER_TYPES)
    raw.emptied(connection, "floor_lines", _LINE_TYPES)


def write_rows(database: Database, connection: Any, costs: list[Billed]) -> None:
    """Read the orders, and store one row each and one a cost, names and amounts as they print."""
    cells = [f'"{name}"' for name in SERVICES]
    heads: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    rows = zip(orders_of(database, connection), costs, strict=True)
    for (order_id, reference, day, _items), (total, billed) in rows:
        heads.append((order_id, reference, day, f"{total // 100}.{total % 100:02d}"))
        lines += [
            (order_id, i + 1, cells[i], f"{cents // 100}.{cents % 100:02d}", quantity, i)
            for i, cents, quantity in billed
        ]
    raw.begin(database, connection)
    raw.store(database, connection, "floor_orders", _ORDERS, heads)
    raw.store(database, connection, "floor_lines", _LINES, lines)
    connection.commit()


def rows_as_json(database: Database, connection: Any) -> bytes:
    """Read the rows back, put each order's costs together, and write all as one JSON text."""
    costs = groupby(
        raw.stream(database, connection, "SELECT * FROM floor_lines"), key=itemgetter(0)
    )
    with database.raw() as second:
        heads = raw.stream(database, second, "SELECT * FROM floor_orders")
        orders = [
            {
                "order_id": order_id,
                "reference_number": reference,
                "order_date": day,
                "total_amount": total,
                "service_costs": [
                    {
                        "service_id": service_id,
                        "service_name": name,
                        "amount": amount,
                        "quantity": quantity,
                        "rate": {"card": 1, "index": index},
                    }
                    for _, service_id, name, amount, quantity, index in lines
                ],
            }
            for (order_id, reference, day, total), (_, lines) in zip(heads, costs, strict=True)
        ]
    return json.dumps({"orders": orders}, separators=(",", ":")).encode()


def rows_as_csv(database: Database, connection: Any, out: BinaryIO) -> None:
    """Read the rows back and write them with the csv module: the published file, to the byte.

    The names lie in the table with their quotes, because the module cannot quote them alone.
    """
    text = TextIOWrapper(out, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerow(_LINES[:4])
    writer.writerows(_published(database, connection))
    text.detach()


def _published(database: Database, connection: Any) -> Iterator[Any]:
    statement = "SELECT order_id, service_id, service_name, amount FROM floor_lines"
    return raw.stream(database, connection, statement)
