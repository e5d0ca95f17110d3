"""`billing audit`: who did what to which object, and when."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import click

from billing.domain.access import Access
from billing.domain.audit import AuditEntry, AuditQuery
from billing.domain.errors import InvalidValueError
from billing.domain.fields import require_text
from billing.domain.report_query import Slice
from billing.domain.strict_json import dumps
from billing.entrypoints.cli.application import application
from billing.entrypoints.cli.output import csv_line, destination, disarmed, table, write_lines
from billing.entrypoints.cli.parameters import DAY, ID

_COLUMNS = (
    "id at actor request_id action object_kind object_id customer_id hash_before hash_after details"
).split()
_HASH_SHOWN = 12


@click.command()
@click.option("--customer-id", "--customer", type=ID)
@click.option("--actor", metavar="NAME", help="As a token names them, or os-user:NAME.")
@click.option("--action", metavar="TEXT", help="Such as report.finalized.")
@click.option("--object-kind", metavar="TEXT", help="Such as report.")
@click.option("--object-id", metavar="TEXT", help="With --object-kind: one object.")
@click.option("--created-after", "since", type=DAY, help="Done on or after that UTC day.")
@click.option("--created-before", "until", type=DAY, help="Done on or before that UTC day.")
@click.option("--page", type=click.IntRange(1, 10**9), help="With --page-size: from 1.")
@click.option("--page-size", type=click.IntRange(1, 1000), help="100 with --page alone.")
@click.option("--format", "name", type=click.Choice(["table", "json", "csv"]), default="table")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def command(
    customer_id: int | None,
    since: date | None,
    until: date | None,
    page: int | None,
    page_size: int | None,
    name: str,
    output: str | None,
    **texts: str | None,
) -> None:
    """List the audit trail, the latest first: who did what to which object, and when.

    Nothing is ever changed in it or taken out.
    """
    asked = {option: _text(option, text) for option, text in texts.items()}
    query = AuditQuery(customer_id=customer_id, since=since, until=until, **asked)
    part = Slice()
    if page or page_size:
        size = page_size or 100
        part = Slice(((page or 1) - 1) * size, size)
    everything = Access.everything()
    with (
        application() as billing,
        destination(output) as out,
        billing.storage.snapshot(everything) as view,
    ):
        write_lines(out, _FORMATS[name](view.audit.page(query, part)))


def _text(option: str, text: str | None) -> str | None:
    try:
        return None if text is None else require_text(text)
    except InvalidValueError as error:
        raise click.UsageError(f"--{option.replace('_', '-')}: {error.problem}") from error


def _table_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    headings = ("ID", "WHEN", "WHO", "WHAT", "ID OF IT", "CUSTOMER", "BEFORE", "AFTER", "DETAILS")
    return table(headings, map(_row, entries), right=("ID", "CUSTOMER"))


def _row(entry: AuditEntry) -> tuple[str, ...]:
    shown = entry.as_json()
    return (
        str(entry.id),
        shown["at"],
        entry.author.name,
        entry.action,
        entry.object_id,
        "" if entry.customer_id is None else str(entry.customer_id),
        (entry.hash_before or "")[:_HASH_SHOWN],
        (entry.hash_after or "")[:_HASH_SHOWN],
        ", ".join(f"{key} {_said(value)}" for key, value in entry.details.items() if value),
    )


def _said(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _json_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    line = "["
    for number, entry in enumerate(entries):
        if number:
            yield f"{line},"
            line = ""
        line += dumps(entry.as_json())
    yield f"{line}]"


def _csv_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    yield csv_line(_COLUMNS)
    for entry in entries:
        shown = entry.as_json()
        shown["details"] = dumps(shown["details"])
        yield csv_line("" if value is None else disarmed(str(value)) for value in shown.values())


_FORMATS = {"table": _table_lines, "json": _json_lines, "csv": _csv_lines}
