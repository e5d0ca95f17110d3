"""Bulk: reading and writing many rows at once in each database's fastest way."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Date, Table

from billing.domain.repositories import Outcome

# ruff: noqa: S608 -- every statement here is made of names of our own tables, never of input.

Row = tuple[Any, ...]
"""One row, all columns of the table in their order; the first two are its key."""

KEY = 2


class BulkTable:
    """A table with a key of two columns, its first; rows are compared whole."""

    def __init__(self, table: Table) -> None:
        self._dates = [place for place, c in enumerate(table.c) if isinstance(c.type, Date)]
        self._sqlite = _sqlite(table)
        self._postgres = _postgres(table)

    def save(self, connection: Connection, rows: Sequence[Row]) -> list[Outcome]:
        """Insert or replace rows, none given twice; tell for each what it did."""
        if not rows:
            return []
        if connection.dialect.name == "sqlite":
            return self._save_sqlite(connection, rows)
        if self._copied(connection, rows):
            return [Outcome.CREATED] * len(rows)
        connection.exec_driver_sql(self._postgres.stage)
        _copy(connection, self._postgres.copy_aside, rows)
        # In the order of their keys, so that two calls at once wait instead of deadlocking; the
        # statement itself decides what each row did, so that both tell the truth.
        changed = {
            (first, second): Outcome.CREATED if is_new else Outcome.UPDATED
            for first, second, is_new in connection.exec_driver_sql(self._postgres.upsert)
        }
        connection.exec_driver_sql(self._postgres.empty)
        return [changed.get(row[:KEY], Outcome.UNCHANGED) for row in rows]

    def _copied(self, connection: Connection, rows: Sequence[Row]) -> bool:
        """Copy rows straight into the table if all are new: half the time of going aside.

        In the order of their keys, as below. False, and nothing done, when one exists, also when
        somebody else inserts it at this moment.
        """
        if connection.exec_driver_sql(self._postgres.any_existing, _keys(rows)).scalar_one():
            return False
        try:
            with connection.begin_nested():
                _copy(connection, self._postgres.copy, sorted(rows, key=lambda row: row[:KEY]))
        except connection.dialect.loaded_dbapi.IntegrityError:
            return False
        return True

    def _save_sqlite(self, connection: Connection, rows: Sequence[Row]) -> list[Outcome]:
        """Compare and write: nobody else does while this transaction has the write lock."""
        existing = self.existing(connection, [row[:KEY] for row in rows])
        outcomes = []
        changed = []
        for row in rows:
            before = existing.get(row[:KEY])
            if before == row:
                outcomes.append(Outcome.UNCHANGED)
                continue
            outcomes.append(Outcome.CREATED if before is None else Outcome.UPDATED)
            changed.append(self._converted(row, date.isoformat))
        if changed:
            connection.exec_driver_sql(self._sqlite.upsert, changed)
        return outcomes

    def existing(self, connection: Connection, keys: Sequence[Row]) -> dict[Row, Row]:
        """Return the rows that exist for these keys, in one statement."""
        if connection.dialect.name == "sqlite":
            found = connection.exec_driver_sql(self._sqlite.existing, (json.dumps(keys),))
            rows = (self._converted(tuple(row), date.fromisoformat) for row in found)
        else:
            found = connection.exec_driver_sql(self._postgres.existing, _keys(keys))
            rows = (tuple(row) for row in found)
        return {row[:KEY]: row for row in rows}

    def _converted(self, row: Row, convert: Any) -> Row:
        """Return a row with its days converted: SQLite's driver is asked behind SQLAlchemy."""
        for place in self._dates:
            if row[place] is not None:
                row = (*row[:place], convert(row[place]), *row[place + 1 :])
        return row


class _Sqlite(NamedTuple):
    existing: str
    upsert: str


class _Postgres(NamedTuple):
    existing: str
    any_existing: str
    copy: str
    stage: str
    copy_aside: str
    upsert: str
    empty: str


def _sqlite(table: Table) -> _Sqlite:
    columns = list(table.c.keys())
    first, second = columns[:KEY]
    found = ", ".join(f"t.{name}" for name in columns)
    holders = ", ".join("?" * len(columns))
    return _Sqlite(
        # CROSS JOIN fixes the order of the join: each key is one look-up in the primary key.
        existing=f"SELECT {found} FROM json_each(?) AS k CROSS JOIN {table.name} AS t "
        f"WHERE t.{first} = json_extract(k.value, '$[0]') "
        f"AND t.{second} = json_extract(k.value, '$[1]')",
        upsert=f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({holders}) "
        f"{_on_conflict(columns)}",
    )


def _postgres(table: Table) -> _Postgres:
    columns = list(table.c.keys())
    first, second = columns[:KEY]
    every = ", ".join(columns)
    found = ", ".join(f"t.{name}" for name in columns)
    offered = ", ".join(f"excluded.{name}" for name in columns)
    one, two = ("bigint" if isinstance(c.type, BigInteger) else "text" for c in [*table.c][:KEY])
    existing = (
        f"FROM unnest(%s::{one}[], %s::{two}[]) AS k ({first}, {second}) "
        f"JOIN {table.name} AS t USING ({first}, {second})"
    )
    stage = f"{table.name}_stage"
    return _Postgres(
        existing=f"SELECT {found} {existing}",
        any_existing=f"SELECT EXISTS (SELECT {existing})",
        copy=f"COPY {table.name} ({every}) FROM STDIN",
        stage=f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} (LIKE {table.name}) "
        "ON COMMIT DELETE ROWS",
        copy_aside=f"COPY {stage} ({every}) FROM STDIN",
        # What differs is written, and only that comes back: with xmax 0 if it was new.
        upsert=f"INSERT INTO {table.name} AS t ({every}) SELECT {every} FROM {stage} "
        f"ORDER BY {first}, {second} {_on_conflict(columns)} "
        f"WHERE ({found}) IS DISTINCT FROM ({offered}) "
        f"RETURNING t.{first}, t.{second}, t.xmax = 0",
        empty=f"TRUNCATE {stage}",
    )


def _on_conflict(columns: Sequence[str]) -> str:
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns[KEY:])
    return f"ON CONFLICT ({', '.join(columns[:KEY])}) DO UPDATE SET {replaced}"


def _keys(rows: Sequence[Row]) -> tuple[list[Any], list[Any]]:
    return [row[0] for row in rows], [row[1] for row in rows]


def _copy(connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    with connection.connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
