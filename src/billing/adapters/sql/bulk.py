"""Bulk: reading and writing many rows at once in each database's fastest way."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Date, Table
from sqlalchemy.exc import IntegrityError

from billing.domain.repositories import Outcome

# ruff: noqa: S608 -- every statement here is made of names of our own tables, never of input.

Row = tuple[Any, ...]
"""One row, all columns of the table in their order; the first two are its key."""

Convert = Callable[[Any], Any]

KEY = 2


class BulkTable:
    """A table with a key of two columns, its first; rows are compared whole.

    converters: make a value, which is not None, the one that its column stores.
    """

    def __init__(self, table: Table, converters: Mapping[str, Convert] | None = None) -> None:
        self._name = table.name
        self._columns = list(table.c.keys())
        own = converters or {}
        # SQLite's driver is asked behind SQLAlchemy, so days are converted here.
        days = {c.name: date.isoformat for c in table.c if isinstance(c.type, Date)}
        self._to_sqlite = [{**days, **own}.get(name) for name in self._columns]
        self._to_postgres = [own.get(name) for name in self._columns]
        self._sqlite = _sqlite(table)
        self._postgres = _postgres(table)

    def save(
        self, connection: Connection, rows: Sequence[Row], *, expect_new: bool = False
    ) -> list[Outcome]:
        """Insert or replace rows, none given twice; tell for each what it did.

        expect_new: insert first, and look for rows that exist only if one does.
        """
        if not rows:
            return []
        is_sqlite = connection.dialect.name == "sqlite"
        if expect_new and self._inserted(connection, rows, is_sqlite=is_sqlite):
            return [Outcome.CREATED] * len(rows)
        return (self._save_sqlite if is_sqlite else self._save_postgres)(connection, rows)

    def existing(self, connection: Connection, keys: Sequence[Row]) -> dict[Row, Row]:
        """Return the rows that exist for these keys, as stored, in one statement."""
        if connection.dialect.name == "sqlite":
            found = connection.exec_driver_sql(self._sqlite.existing, (json.dumps(keys),))
        else:
            columns = ([key[0] for key in keys], [key[1] for key in keys])
            found = connection.exec_driver_sql(self._postgres.existing, columns)
        return {row[:KEY]: row for row in map(tuple, found)}

    def _inserted(self, connection: Connection, rows: Sequence[Row], *, is_sqlite: bool) -> bool:
        """Insert rows if all are new; False, and nothing done, when one exists.

        Also when somebody else inserts it at this moment. It takes half the time of looking first.
        """
        savepoint = connection.begin_nested()
        try:
            if is_sqlite:
                self._insert_sqlite(connection, rows)
            else:
                self._copy(connection, self._name, rows)
        except (IntegrityError, connection.dialect.loaded_dbapi.IntegrityError):
            savepoint.rollback()
            return False
        # Another error ends the whole transaction, and in SQLite a full disk has ended it already:
        # to roll back to the savepoint would fail, and that would be told instead.
        savepoint.commit()
        return True

    def _save_sqlite(self, connection: Connection, rows: Sequence[Row]) -> list[Outcome]:
        """Compare and write: nobody else does while this transaction has the write lock."""
        existing = self.existing(connection, [row[:KEY] for row in rows])
        outcomes = []
        changed = []
        for row in rows:
            before = existing.get(row[:KEY])
            if before is None:
                outcomes.append(Outcome.CREATED)
                changed.append(row)
            elif before == _stored(row, self._to_sqlite):
                outcomes.append(Outcome.UNCHANGED)
            else:
                outcomes.append(Outcome.UPDATED)
                changed.append(row)
        if changed:
            self._insert_sqlite(connection, changed, self._sqlite.on_conflict)
        return outcomes

    def _insert_sqlite(
        self, connection: Connection, rows: Sequence[Row], on_conflict: str = ""
    ) -> None:
        names, used = self._used(rows, self._to_sqlite)
        holders = ", ".join("?" * len(names))
        connection.exec_driver_sql(
            f"INSERT INTO {self._name} ({', '.join(names)}) VALUES ({holders}) {on_conflict}", used
        )

    def _save_postgres(self, connection: Connection, rows: Sequence[Row]) -> list[Outcome]:
        """Copy the rows aside, and merge them: the statement itself tells what each row did."""
        connection.exec_driver_sql(self._postgres.stage)
        self._copy(connection, self._postgres.stage_name, rows)
        changed = {
            (first, second): Outcome.CREATED if is_new else Outcome.UPDATED
            for first, second, is_new in connection.exec_driver_sql(self._postgres.upsert)
        }
        connection.exec_driver_sql(self._postgres.empty)
        return [changed.get(row[:KEY], Outcome.UNCHANGED) for row in rows]

    def _copy(self, connection: Connection, table: str, rows: Sequence[Row]) -> None:
        """In the order of their keys, so that two calls at once wait instead of deadlocking."""
        names, used = self._used(rows, self._to_postgres)
        used.sort(key=lambda row: row[:KEY])
        statement = f"COPY {table} ({', '.join(names)}) FROM STDIN"
        with connection.connection.cursor().copy(statement) as copy:
            for row in used:
                copy.write_row(row)

    def _used(
        self, rows: Sequence[Row], converters: Sequence[Convert | None]
    ) -> tuple[list[str], list[Row]]:
        """Return the columns in which any row has a value, and the rows with these alone.

        Most of an order's twenty are empty; naming them all takes twice the time to insert.
        """
        names = []
        columns = []
        for name, convert, values in zip(
            self._columns, converters, zip(*rows, strict=True), strict=True
        ):
            stored: Sequence[Any] = values
            if convert:
                stored = [None if value is None else convert(value) for value in values]
            if stored.count(None) < len(rows):
                names.append(name)
                columns.append(stored)
        return names, list(zip(*columns, strict=True))


def _stored(row: Row, converters: Sequence[Convert | None]) -> Row:
    return tuple(
        convert(value) if convert and value is not None else value
        for value, convert in zip(row, converters, strict=True)
    )


class _Sqlite(NamedTuple):
    existing: str
    on_conflict: str


class _Postgres(NamedTuple):
    existing: str
    stage_name: str
    stage: str
    upsert: str
    empty: str


def _sqlite(table: Table) -> _Sqlite:
    columns = list(table.c.keys())
    first, second = columns[:KEY]
    found = ", ".join(f"t.{name}" for name in columns)
    return _Sqlite(
        # CROSS JOIN fixes the order of the join: each key is one look-up in the primary key.
        existing=f"SELECT {found} FROM json_each(?) AS k CROSS JOIN {table.name} AS t "
        f"WHERE t.{first} = json_extract(k.value, '$[0]') "
        f"AND t.{second} = json_extract(k.value, '$[1]')",
        on_conflict=_on_conflict(columns),
    )


def _postgres(table: Table) -> _Postgres:
    columns = list(table.c.keys())
    first, second = columns[:KEY]
    every = ", ".join(columns)
    found = ", ".join(f"t.{name}" for name in columns)
    offered = ", ".join(f"excluded.{name}" for name in columns)
    one, two = ("bigint" if isinstance(c.type, BigInteger) else "text" for c in [*table.c][:KEY])
    stage = f"{table.name}_stage"
    return _Postgres(
        existing=f"SELECT {found} FROM unnest(%s::{one}[], %s::{two}[]) AS k ({first}, {second}) "
        f"JOIN {table.name} AS t USING ({first}, {second})",
        stage_name=stage,
        stage=f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} (LIKE {table.name}) "
        "ON COMMIT DELETE ROWS",
        # What differs is written, and only that comes back: with xmax 0 if it was new.
        upsert=f"INSERT INTO {table.name} AS t ({every}) SELECT {every} FROM {stage} "
        f"ORDER BY {first}, {second} {_on_conflict(columns)} "
        f"WHERE ({found}) IS DISTINCT FROM ({offered}) "
        f"RETURNING t.{first}, t.{second}, t.xmax = 0",
        empty=f"TRUNCATE {stage}",
    )


def _on_conflict(columns: Sequence[str]) -> str:
    """Replace every column: one that is not named in the insert becomes null, as it should."""
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns[KEY:])
    return f"ON CONFLICT ({', '.join(columns[:KEY])}) DO UPDATE SET {replaced}"
