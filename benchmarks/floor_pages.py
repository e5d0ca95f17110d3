"""The pages floor of a report: parse, render and compress what the product does, pricing nothing.

It is told what the product billed, and writes that: the same pages of the result and of the
evidence, to the byte.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from benchmarks import raw
from benchmarks.card import SERVICES
from benchmarks.databases import Database
from benchmarks.orders import CUSTOMER

ENTRIES_A_PAGE = 500
TABLE = "floor_pages"
_COLUMNS = ("section", "number", "entries", "low_order", "high_order", "length", "body")
_TYPES = (
    "section text, number integer, entries integer, low_order bigint, high_order bigint, "
    "length integer, body {binary}, PRIMARY KEY (section, number)"
)
_BINARY = {"sqlite": "blob", "postgresql": "bytea"}
_DAY = {"sqlite": "order_date", "postgresql": "order_date::text"}

Page = tuple[int, int, int, int, int, bytes]


class Billed(NamedTuple):
    """What the product billed one order, in minor units. costs: rate's place, amount, quantity."""

    total: int
    costs: list[tuple[int, int, int]]


def billed(texts: Iterable[bytes]) -> list[Billed]:
    """Read what the product billed out of its report's pages."""
    return [
        Billed(
            _cents(order["total_amount"]),
            [
                (cost["rate"]["index"], _cents(cost["amount"]), cost["quantity"])
                for cost in order["service_costs"]
            ],
        )
        for text in texts
        for order in json.loads(b"[" + text + b"]", parse_float=str)
    ]


def orders_of(database: Database, connection: Any) -> Iterator[tuple[int, str, str, str]]:
    """Stream what a report needs of each order: id, reference, day, items."""
    statement = (
        f"SELECT order_id, reference_number, {_DAY[database.kind]}, items FROM orders "  # noqa: S608
        f"WHERE customer_id = {CUSTOMER} AND order_date BETWEEN '2017-01-01' AND '2017-12-31' "
        "ORDER BY order_date, order_id"
    )
    return raw.stream(database, connection, statement)


def make_table(database: Database, connection: Any) -> None:
    """Make an empty table for pages."""
    raw.emptied(connection, TABLE, _TYPES.format(binary=_BINARY[database.kind]))


def write_pages(database: Database, connection: Any, costs: list[Billed]) -> None:
    """Read the orders, parse their items, render, compress and store both sections."""
    heads = [
        f'{{"service_id":{number},"service_name":"{name}","amount":'
        for number, name in enumerate(SERVICES, start=1)
    ]
    results, evidence = _Section("orders"), _Section("evidence")
    rows = zip(orders_of(database, connection), costs, strict=True)
    for (order_id, reference, day, items), (total, lines) in rows:
        json.loads(items)
        shown = ",".join(
            [
                f'{heads[place]}{cents // 100}.{cents % 100:02d},"quantity":{quantity}'
                f',"rate":{{"card":1,"index":{place}}}}}'
                for place, cents, quantity in lines
            ]
        )
        results.add(
            order_id,
            f'{{"order_id":{order_id},"reference_number":"{reference}","order_date":"{day}"'
            f',"total_amount":{total // 100}.{total % 100:02d},"service_costs":[{shown}]}}',
        )
        evidence.add(
            order_id,
            f'{{"order_id":{order_id},"order_date":"{day}","card":1'
            f',"reference_number":"{reference}","items":{items}}}',
        )
    _store(database, connection, [*results.rows(), *evidence.rows()])


def read_pages(database: Database, connection: Any, section: str = "orders") -> Iterator[bytes]:
    """Inflate the pages of a section, one at a time."""
    statement = f"SELECT body FROM {TABLE} WHERE section = '{section}' ORDER BY number"  # noqa: S608
    for (body,) in raw.stream(database, connection, statement):
        yield zlib.decompressobj(-zlib.MAX_WBITS).decompress(body)


class _Section:
    """One section on its way: texts in, compressed pages out."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._pages: list[Page] = []
        self._texts: list[str] = []
        self._ids: list[int] = []

    def add(self, order_id: int, text: str) -> None:
        self._texts.append(text)
        self._ids.append(order_id)
        if len(self._ids) == ENTRIES_A_PAGE:
            self._turn()

    def rows(self) -> Iterator[tuple[str, *Page]]:
        if self._ids:
            self._turn()
        return ((self._name, *page) for page in self._pages)

    def _turn(self) -> None:
        text = ",".join(self._texts).encode()
        compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        body = compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)
        ids = self._ids
        page = len(self._pages) + 1, len(ids), min(ids), max(ids), len(text), body
        self._pages.append(page)
        self._texts.clear()
        self._ids.clear()


def _store(database: Database, connection: Any, rows: list[tuple[Any, ...]]) -> None:
    raw.begin(database, connection)
    if database.kind == "sqlite":
        raw.store(database, connection, TABLE, _COLUMNS, rows)
    else:
        # Bytes would need escaping in a text block.
        with connection.cursor().copy(f"COPY {TABLE} FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["text", "int4", "int4", "int8", "int8", "int4", "bytea"])
            for row in rows:
                copy.write_row(row)
    connection.commit()


def _cents(amount: str) -> int:
    return int(amount.replace(".", ""))
