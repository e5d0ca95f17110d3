"""Bulk: reading and writing many orders at once in each database's fastest way."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from billing.adapters.sql.mapping import ORDER_COLUMNS, OrderRow

# ruff: noqa: S608 -- every statement here is made of column names of ours, never of input.

_COLUMNS = ", ".join(ORDER_COLUMNS)
_PREFIXED = ", ".join(f"o.{name}" for name in ORDER_COLUMNS)
_REPLACED = ", ".join(f"{name} = excluded.{name}" for name in ORDER_COLUMNS[2:])
_ON_CONFLICT = f"ON CONFLICT (customer_id, order_id) DO UPDATE SET {_REPLACED}"
_DATE = ORDER_COLUMNS.index("order_date")

# CROSS JOIN fixes the order of the join: each key is one look-up in the primary key.
_SQLITE_EXISTING = (
    f"SELECT {_PREFIXED} FROM json_each(?) AS k CROSS JOIN orders AS o "
    "WHERE o.customer_id = json_extract(k.value, '$[0]') "
    "AND o.order_id = json_extract(k.value, '$[1]')"
)
_SQLITE_UPSERT = (
    f"INSERT INTO orders ({_COLUMNS}) VALUES ({', '.join('?' * len(ORDER_COLUMNS))}) {_ON_CONFLICT}"
)
_POSTGRES_EXISTING = (
    f"SELECT {_PREFIXED} FROM unnest(%s::bigint[], %s::bigint[]) AS k (customer_id, order_id) "
    "JOIN orders AS o USING (customer_id, order_id)"
)
_POSTGRES_STAGE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS orders_stage (LIKE orders) ON COMMIT DELETE ROWS"
)
_POSTGRES_COPY = f"COPY orders_stage ({_COLUMNS}) FROM STDIN"
_POSTGRES_UPSERT = (
    f"INSERT INTO orders ({_COLUMNS}) SELECT {_COLUMNS} FROM orders_stage "
    f"ORDER BY customer_id, order_id {_ON_CONFLICT}"
)

OrderKey = tuple[Any, ...]


def existing_rows(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, OrderRow]:
    """Return the rows that exist for these keys, in one statement."""
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(_SQLITE_EXISTING, (json.dumps(keys),))
        rows = (_with_date(tuple(row)) for row in found)
    else:
        parameters = ([key[0] for key in keys], [key[1] for key in keys])
        rows = (tuple(row) for row in connection.exec_driver_sql(_POSTGRES_EXISTING, parameters))
    return {row[:2]: row for row in rows}


def upsert_orders(connection: Connection, rows: Sequence[OrderRow]) -> None:
    """Insert rows of ORDER_COLUMNS or replace those with the same key."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        plain = [_with_date_text(row) for row in rows]
        connection.exec_driver_sql(_SQLITE_UPSERT, plain)
        return
    connection.exec_driver_sql(_POSTGRES_STAGE)
    cursor = connection.connection.cursor()
    with cursor.copy(_POSTGRES_COPY) as copy:
        for row in rows:
            copy.write_row(row)
    connection.exec_driver_sql(_POSTGRES_UPSERT)
    connection.exec_driver_sql("TRUNCATE orders_stage")


def _with_date(row: OrderRow) -> OrderRow:
    """Return a raw SQLite row with its day as a date: the driver is asked behind SQLAlchemy."""
    day = row[_DATE]
    return row if day is None else (*row[:_DATE], date.fromisoformat(day), *row[_DATE + 1 :])


def _with_date_text(row: OrderRow) -> OrderRow:
    day = row[_DATE]
    return row if day is None else (*row[:_DATE], day.isoformat(), *row[_DATE + 1 :])
