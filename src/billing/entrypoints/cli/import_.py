"""`billing import`: rows of a file into the database, all or nothing unless told otherwise."""

from collections.abc import Callable
from typing import Any, NamedTuple

import click

from billing.bootstrap import READERS, Billing
from billing.domain.bulk_intake import IntakeResult, RowKind, RowsRefusedError
from billing.domain.catalog_rows import CustomerRows, ServiceRows
from billing.domain.order_rows import OrderRows
from billing.domain.ports import Rows
from billing.domain.product_rows import ProductRows
from billing.domain.rate_rows import RateRows
from billing.entrypoints.cli.application import application, operator
from billing.entrypoints.cli.import_legacy import legacy_command
from billing.entrypoints.cli.input_files import FILE, format_of, rows_of

_FILES = "FILE is CSV, JSON (an array) or NDJSON, each also with .gz behind it; `-` is stdin."


class _Kind(NamedTuple):
    """What can be imported. rows: makes what reads and saves it."""

    rows: Callable[[Billing], RowKind[Any]]
    help: str


_KINDS = {
    "customers": _Kind(
        lambda _: CustomerRows(), "Import customers: id, name, currency, time_zone."
    ),
    "services": _Kind(lambda _: ServiceRows(), "Import services: id, name, description."),
    "products": _Kind(
        lambda _: ProductRows(), "Import products: customer_id, sku, units_per_case."
    ),
    "orders": _Kind(lambda _: OrderRows(), "Import orders, as a warehouse exports them."),
    "rates": _Kind(
        lambda billing: RateRows(billing.clock),
        "Import rate cards.\n\nJSON and NDJSON have a card an element: "
        '{"customer_id": 123, "effective_from": "2023-01-01", "rates": [...]}. CSV has a rate a '
        "row; all rows of a customer_id and effective_from make one card, taken whole or not at "
        "all. docs/moving-in.md describes the columns.",
    ),
}


@click.group()
def command() -> None:
    """Import customers, services, products, orders or rates from a file.

    The same file twice changes nothing. One invalid row refuses the whole file unless
    `--on-error skip` is given.
    """


def _take(
    kind: str, file: str, input_format: str | None, on_error: str, dry_run: bool
) -> IntakeResult:
    name = input_format or format_of(file)
    with application() as billing, rows_of(file, name) as rows:
        taken: Rows = rows
        reader = _KINDS[kind].rows(billing)
        if isinstance(reader, RateRows) and name == "csv":
            taken = reader.gathered(rows)
        try:
            return billing.intake.store(
                taken,
                reader,
                author=operator(),
                skip_invalid=on_error == "skip",
                dry_run=dry_run,
            )
        except RowsRefusedError as error:
            _show_errors(error.result)
            raise click.ClickException(f"{error}; nothing was stored") from error


def _add(kind: str) -> None:
    """Add the command that imports one kind."""

    @command.command(name=kind, help=f"{_KINDS[kind].help}\n\n{_FILES}")
    @click.argument("file", type=FILE)
    @click.option(
        "--format",
        "input_format",
        type=click.Choice(list(READERS)),
        help="What FILE holds; default: by its extension, NDJSON for standard input.",
    )
    @click.option(
        "--on-error",
        type=click.Choice(["refuse", "skip"]),
        default="refuse",
        show_default=True,
        help="Refuse the whole file because of one invalid row, or skip such rows.",
    )
    @click.option("--dry-run", is_flag=True, help="Do all of it, then keep nothing.")
    def run(file: str, input_format: str | None, on_error: str, dry_run: bool) -> None:
        result = _take(kind, file, input_format, on_error, dry_run)
        _show_errors(result)
        if result.ignored_columns:
            click.echo(f"Ignored columns: {', '.join(result.ignored_columns)}", err=True)
        if dry_run:
            click.echo("Dry run: nothing was stored.", err=True)
        counts = ("received", "created", "updated", "unchanged", "skipped")
        click.echo(", ".join(f"{getattr(result, count)} {count}" for count in counts))


def _show_errors(result: IntakeResult) -> None:
    for row, field, error in result.errors:
        place = f"row {row}, {field}" if field else f"row {row}"
        click.echo(f"{place}: {error}", err=True)
    if result.skipped > len({row for row, _, _ in result.errors}):
        click.echo("More rows are invalid; only the first errors are shown.", err=True)


for _name in _KINDS:
    _add(_name)
command.add_command(legacy_command)
