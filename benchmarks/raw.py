"""Raw: reading and writing in the driver's fastest way, as each floor does."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from benchmarks.databases import Database

# ruff: noqa: S608 -- every statement here is made of names of our own.

ROWS_A_WRITE = 2_000

Row = Sequence[Any]


def stream(database: Database, connection: Any, statement: str) -> Iterator[Any]:
    """Stream a selection, within bounded memory."""
    if database.kind == "sqlite":
        return iter(connection.execute(statement))
    # libpq's chunked mode was the fastest of cursors, named or not, binary or not, and COPY.
    rows: Iterator[Any] = connection.cursor().stream(statement, size=1_000)
    return rows


def store(
    database: Database, connection: Any, table: str, columns: Sequence[str], rows: Iterable[Row]
) -> None:
    """Store rows in the open transaction; no text in them has anything that COPY escapes."""
    names = ", ".join(columns)
    if database.kind == "sqlite":
        holders = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({holders})", rows)
        return
    line = ("\t".join(["%s"] * len(columns)) + "\n").__mod__
    lines = map(line, rows)
    with connection.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        while block := "".join(islice(lines, ROWS_A_WRITE)):
            copy.write(block)


def begin(database: Database, connection: Any) -> None:
    """Open a transaction that writes; psycopg opens its own."""
    if database.kind == "sqlite":
        connection.execute("BEGIN IMMEDIATE")


def emptied(connection: Any, table: str, columns: str) -> None:
    """Make a table without index or constraint, or empty it."""
    connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute(f"CREATE TABLE {table} ({columns})")
    connection.commit()
