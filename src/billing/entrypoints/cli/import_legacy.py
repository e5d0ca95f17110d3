"""`billing import legacy`: move in from a warehouse system, by its exported tables."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import date
from typing import Any

import click

from billing.bootstrap import Billing, legacy
from billing.domain.access import Access
from billing.domain.bulk_intake import BulkIntake, IntakeResult, RowKind
from billing.domain.catalog_rows import CustomerRows, ServiceRows
from billing.domain.errors import InvalidValueError
from billing.domain.open_transaction import OpenTransaction
from billing.domain.product_rows import ProductRows
from billing.domain.rate_rows import RateRows
from billing.domain.report_query import Slice
from billing.entrypoints.cli.application import application, operator
from billing.entrypoints.cli.input_files import rows_of
from billing.entrypoints.cli.output import destination, write_lines
from billing.entrypoints.cli.parameters import DAY

Row = dict[str, Any]

_TABLE = click.Path(exists=True, dir_okay=False)
_COUNTS = ("received", "created", "updated", "unchanged", "skipped")


class _KeepNothing(Exception):  # noqa: N818 the way out of a transaction that keeps nothing
    pass


@click.command(name="legacy", short_help="Move in from a warehouse system's tables.")
@click.option("--services", type=_TABLE, required=True, help="id, service_name, charge_type.")
@click.option(
    "--customer-services",
    type=_TABLE,
    required=True,
    help="id, customer_id, service_id, unit_price, skus.",
)
@click.option(
    "--rule-groups", type=_TABLE, required=True, help="id, customer_service_id, logic_operator."
)
@click.option(
    "--rules", type=_TABLE, required=True, help="id, rule_group_id, field, operator, value."
)
@click.option("--products", type=_TABLE, help="customer_id, sku, labeling_unit_1, …")
@click.option("--customers", type=_TABLE, help="id, company_name; or import them before.")
@click.option(
    "--effective-from", type=DAY, required=True, help="The first day that the cards are in force."
)
@click.option(
    "--several-groups",
    type=click.Choice(["any", "all"]),
    default="any",
    show_default=True,
    help="How several rule groups of one customer service combine.",
)
@click.option(
    "--on-error",
    type=click.Choice(["refuse", "skip"]),
    default="refuse",
    show_default=True,
    help="Store nothing when something could not be turned, or store what could be.",
)
@click.option("--dry-run", is_flag=True, help="Do all of it, then keep nothing.")
@click.option("-o", "--output", metavar="FILE", help="Write the rate cards to FILE, as JSON.")
def legacy_command(
    effective_from: date,
    several_groups: Any,
    on_error: str,
    dry_run: bool,
    output: str | None,
    **tables: str | None,
) -> None:
    """Turn a warehouse system's tables into services, products and rate cards.

    Each table is a CSV, JSON or NDJSON file, also with .gz behind it. What cannot be turned is
    listed with the reason, and never billed differently. docs/moving-in.md is the recipe.
    """
    export = _export(tables)
    with application() as billing:
        conversion = legacy.convert(
            export, effective_from, known=_known(billing), several_groups=several_groups
        )
        if output is not None:
            with destination(output) as out:
                write_lines(out, _cards_text(conversion))
        results = _store(billing, conversion, skip=on_error == "skip", dry_run=dry_run)
    _show_remarks(export, conversion)
    left_out = len(conversion.unturned)
    if left_out and on_error == "refuse":
        rows = "row" if left_out == 1 else "rows"
        raise click.ClickException(
            f"{left_out} {rows} of the export could not be turned; nothing was stored "
            "(--on-error skip stores the rest)"
        )
    if dry_run:
        click.echo("Dry run: nothing was stored.", err=True)
    for name, result in results.items():
        counts = ", ".join(f"{getattr(result, count)} {count}" for count in _COUNTS)
        click.echo(f"{name}: {counts}", err=output == "-")


def _export(tables: Mapping[str, str | None]) -> legacy.Export:
    with ExitStack() as stack:
        return legacy.Export(
            **{
                name: _named(name, stack.enter_context(rows_of(file)))
                for name, file in tables.items()
                if file is not None
            }
        )


def _named(name: str, rows: Iterator[object]) -> Iterator[object]:
    """Name the table in what its reader refuses."""
    try:
        yield from rows
    except InvalidValueError as error:
        raise InvalidValueError(f"{name}: {error}") from None


def _known(billing: Billing) -> legacy.Known:
    with billing.storage.snapshot(Access.everything()) as view:
        everything = Slice()
        return legacy.Known(
            customers={customer.id: customer.name for customer in view.customers.page(everything)},
            services={service.id: service.name for service in view.services.page(everything)},
            case_customers={
                product.customer_id
                for product in view.products.page(None, everything)
                if product.units_per_case > 1
            },
        )


def _store(
    billing: Billing, conversion: legacy.Conversion, *, skip: bool, dry_run: bool
) -> dict[str, IntakeResult]:
    """Store everything in one transaction, or nothing; what is refused here is unturned too."""
    steps: tuple[tuple[str, list[Row], RowKind[Any]], ...] = (
        ("customers", conversion.customers, CustomerRows()),
        ("services", conversion.services, ServiceRows()),
        ("products", conversion.products, ProductRows()),
        ("rate cards", conversion.cards, RateRows(billing.clock)),
    )
    results = {}
    with suppress(_KeepNothing), billing.storage.transaction(Access.everything()) as tx:
        intake = BulkIntake(OpenTransaction(tx), billing.clock)
        for name, rows, kind in steps:
            result = results[name] = intake.store(rows, kind, author=operator(), skip_invalid=True)
            for error in result.errors:
                text = f"{error.field}: {error.error}" if error.field else error.error
                conversion.unturned.append(legacy.Remark(name, _name(rows[error.row - 1]), text))
        if dry_run or (conversion.unturned and not skip):
            raise _KeepNothing
    return results


def _name(row: Row) -> str:
    """Return what a refused row is called: its id, its SKU, or the customer whose card it is."""
    return str(row.get("id") or row.get("sku") or f"of customer {row['customer_id']}")


def _cards_text(conversion: legacy.Conversion) -> Iterator[str]:
    yield json.dumps(conversion.cards, ensure_ascii=False, indent=2)


def _show_remarks(export: legacy.Export, conversion: legacy.Conversion) -> None:
    for table, columns in export.ignored.items():
        if columns:
            click.echo(f"Ignored columns of {table}: {', '.join(columns)}", err=True)
    for title, remarks in (
        ("Look at", conversion.notes),
        ("Could not be turned", conversion.unturned),
    ):
        for table, name, text in remarks:
            click.echo(f"{title}: {table} {name}: {text}", err=True)
