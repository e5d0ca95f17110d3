"""`billing import`: rows of a file into the database, all or nothing unless told otherwise."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from billing.bootstrap import READERS, Billing
from billing.domain.bulk_intake import IntakeResult, RowKind, RowsRefusedError
from billing.domain.catalog_rows import CustomerRows, ServiceRows
from billing.domain.order_rows import OrderRows
from billing.entrypoints.cli.application import application
from billing.entrypoints.cli.rate_rows import RateRows

_KINDS: dict[str, Callable[[Billing], RowKind[Any]]] = {
    "customers": lambda _: CustomerRows(),
    "services": lambda _: ServiceRows(),
    "orders": lambda _: OrderRows(),
    "rates": lambda billing: RateRows(billing.clock),
}
_FORMATS = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson"}


@click.command()
@click.argument("kind", type=click.Choice(list(_KINDS)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
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
def command(kind: str, file: str, input_format: str | None, on_error: str, dry_run: bool) -> None:
    """Import customers, services, orders or rates from FILE; `-` is standard input.

    FILE is CSV, JSON (an array) or NDJSON, each also with .gz behind it; rates come as JSON or
    NDJSON: {"customer_id": 123, "effective_from": "2023-01-01", "rates": [...]}. The same file
    twice changes nothing.
    """
    name = input_format or _format_of(file)
    if kind == "rates" and name == "csv":
        raise click.UsageError("Rates come as JSON or NDJSON, not as CSV.")
    with application() as billing, _opened(file) as stream:
        try:
            result = billing.intake.store(
                READERS[name](stream),
                _KINDS[kind](billing),
                skip_invalid=on_error == "skip",
                dry_run=dry_run,
            )
        except RowsRefusedError as error:
            _show_errors(error.result)
            raise click.ClickException(f"{error}; nothing was stored") from error
    _show_errors(result)
    if result.ignored_columns:
        click.echo(f"Ignored columns: {', '.join(result.ignored_columns)}", err=True)
    if dry_run:
        click.echo("Dry run: nothing was stored.", err=True)
    counts = ("received", "created", "updated", "unchanged", "skipped")
    click.echo(", ".join(f"{getattr(result, count)} {count}" for count in counts))


def _format_of(file: str) -> str:
    if file == "-":
        return "ndjson"
    name = file.lower().removesuffix(".gz")
    try:
        return _FORMATS[Path(name).suffix]
    except KeyError:
        raise click.UsageError(
            f"{file} does not end in {', '.join(_FORMATS)}: say what it holds with --format."
        ) from None


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """Open the file, show how far it is read, and inflate it if its name says so."""
    if file == "-":
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        stream: BinaryIO = stack.enter_context(Path(file).open("rb"))
        if sys.stderr.isatty():
            # Loaded for a terminal only: it takes 0.1 s.
            from billing.entrypoints.cli.progress import shown_while_read

            size = Path(file).stat().st_size
            stream = stack.enter_context(shown_while_read(stream, size, f"Reading {file}"))
        if not file.lower().endswith(".gz"):
            yield stream
            return
        try:
            yield cast(BinaryIO, stack.enter_context(gzip.open(stream)))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise click.ClickException(f"{file} is not a whole gzip file") from error


def _show_errors(result: IntakeResult) -> None:
    for row, field, error in result.errors:
        place = f"row {row}, {field}" if field else f"row {row}"
        click.echo(f"{place}: {error}", err=True)
    if result.skipped > len({row for row, _, _ in result.errors}):
        click.echo("More rows are invalid; only the first errors are shown.", err=True)
