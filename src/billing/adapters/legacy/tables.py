"""Tables of an export: their rows as text, under one spelling of their columns."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_id_text, shown
from billing.domain.strict_json import dumps

Record = dict[str, str]
"""One row: its text by column; what is missing is empty."""


PLACE = "#"
"""The column under which a record has its place in the table."""


class Remark(NamedTuple):
    """Something to be said of one row. id: the row's own, a SKU, or its place as `row 5`."""

    table: str
    id: str
    text: str


class Remarks(list[Remark]):
    """Remarks, in the order of the export."""

    def add(self, table: str, record: Record, text: str) -> None:
        """Say something of a row."""
        name = record.get("id") or record.get("sku") or record[PLACE]
        self.append(Remark(table, shown(name), text))


class _Table(NamedTuple):
    """What is known of a table: columns it must have, others, and other names of theirs."""

    required: tuple[str, ...]
    others: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}


TABLES: dict[str, _Table] = {
    "customers": _Table(("id", "name"), ("currency", "time_zone"), {"company_name": "name"}),
    "services": _Table(("id", "name", "charge_type"), ("description",), {"service_name": "name"}),
    "customer_services": _Table(
        ("id", "customer_id", "service_id", "unit_price"),
        ("skus",),
        {"customer": "customer_id", "service": "service_id", "assigned_skus": "skus"},
    ),
    "rule_groups": _Table(
        ("id", "customer_service_id", "logic_operator"),
        aliases={"customer_service": "customer_service_id"},
    ),
    "rules": _Table(
        ("id", "rule_group_id", "field", "operator", "value"),
        ("adjustment_amount", "conditions", "calculations", "tier_config"),
        {"rule_group": "rule_group_id"},
    ),
    "products": _Table(("customer_id", "sku"), ("id",), {"customer": "customer_id"}),
}
LABELING = re.compile(r"labeling_(unit|quantity)_(\d+)")
_WHOLE = re.compile(r"(\d+)\.0+", re.ASCII)


class Export:
    """The tables of one export. ignored: the columns of each that say nothing of a price.

    Raises InvalidValueError for a table that is not whole: of a rule that is lost nobody knows
    what it forbade.
    """

    def __init__(self, **tables: Iterable[object]) -> None:
        self.ignored: dict[str, list[str]] = {}
        self._tables = {name: self._read(name, rows) for name, rows in tables.items()}

    def table(self, name: str) -> list[Record]:
        """Return the rows of a table; none of one that was not exported."""
        return self._tables.get(name, [])

    def _read(self, name: str, rows: Iterable[object]) -> list[Record]:
        table = TABLES[name]
        records = [_record(name, number, row) for number, row in enumerate(rows, start=1)]
        columns = dict.fromkeys(column for record in records for column in record)
        for column in table.required:
            if records and column not in columns:
                raise InvalidValueError(f"{name}: there is no column {column}.")
        known = {PLACE, *table.required, *table.others}
        self.ignored[name] = [
            column
            for column in columns
            if column not in known and not (name == "products" and LABELING.fullmatch(column))
        ]
        if "id" in table.required:
            _check_ids(name, records)
        return records


def key_of(record: Record, column: str) -> str:
    """Return what rows refer to each other by; a spreadsheet may have made 12.0 of 12."""
    return _WHOLE.sub(r"\1", record.get(column, ""))


def number_of(record: Record, column: str) -> int:
    """Return an id that is one here too."""
    try:
        return read_id_text(key_of(record, column))
    except InvalidValueError as error:
        raise error.at(column) from None


def list_of(record: Record, column: str) -> list[str]:
    """Return the texts of a list; they are separated by semicolons."""
    return [text.strip() for text in record.get(column, "").split(";") if text.strip()]


def _record(table: str, number: int, row: object) -> Record:
    if not isinstance(row, dict):
        reason = row.problem if isinstance(row, InvalidValueError) else "Not a JSON object."
        raise InvalidValueError(f"{table}: row {number}: {reason}")
    record = {PLACE: f"row {number}"}
    for key, value in row.items():
        column = _column(table, key)
        try:
            record[column] = _text(value) or record.get(column, "")
        except InvalidValueError as error:
            raise InvalidValueError(f"{table}: row {number}, {column}: {error}") from None
    return record


def _check_ids(table: str, records: Iterable[Record]) -> None:
    seen = set()
    for record in records:
        key = key_of(record, "id")
        if not key:
            raise InvalidValueError(f"{table}: {record[PLACE]} has no id.")
        if key in seen:
            raise InvalidValueError(f"{table}: {record[PLACE]} has the id {shown(key)} again.")
        seen.add(key)


def _column(table: str, name: str) -> str:
    plain = "_".join(name.casefold().split())
    return TABLES[table].aliases.get(plain, plain)


def _text(value: object) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, list):
        if not all(isinstance(text, str) for text in value):
            raise InvalidValueError("Not a list of texts.")
        return ";".join(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return dumps(value) if isinstance(value, dict) else str(value).strip()
