"""`billing unbilled`: the orders that no final report claims."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import date

import click

from billing.domain.access import Access
from billing.domain.orders import Order, order_json
from billing.domain.report_query import Slice
from billing.entrypoints.cli.application import application
from billing.entrypoints.cli.output import (
    destination,
    disarmed,
    json_lines,
    spooled,
    table,
    write_lines,
)
from billing.entrypoints.cli.parameters import DAY, ID


@click.command()
@click.option("--customer-id", "--customer", "customer_id", type=ID, help="Default: every one.")
@click.option("--start-date", "--start", "start", type=DAY, help="Dated on or after it.")
@click.option("--end-date", "--end", "end", type=DAY, help="Dated on or before it.")
@click.option("--format", "name", type=click.Choice(["table", "json", "csv"]), default="table")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def command(
    customer_id: int | None, start: date | None, end: date | None, name: str, output: str | None
) -> None:
    """List the orders that no final report claims, without cancelled ones.

    Without dates the undated ones are listed, too. `billing report generate --only-unbilled` bills
    those of a period.
    """
    with (
        application() as billing,
        destination(output) as out,
        spooled(out) as spool,
        billing.storage.snapshot(Access.everything()) as view,  # Closed before the copying.
    ):
        orders = view.orders.page(customer_id, start, end, Slice(), unbilled=True)
        write_lines(spool, _FORMS[name](orders))


def _table_lines(orders: Iterable[Order]) -> Iterator[str]:
    return table(
        ("CUSTOMER", "ORDER", "DATE", "REFERENCE", "STATUS"),
        (
            (
                str(order.customer_id),
                str(order.order_id),
                str(order.order_date or ""),
                order.reference_number or "",
                order.status or "",
            )
            for order in orders
        ),
        right=("CUSTOMER", "ORDER"),
    )


def _csv_lines(orders: Iterable[Order]) -> Iterator[str]:
    """Write orders with the columns that the import takes; a spreadsheet runs none of them."""
    yield ",".join(Order._fields)
    for order in orders:
        fields = json.loads(order_json(order), parse_float=str)
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(_cell(fields[name]) for name in Order._fields)
        yield line.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return disarmed(value) if isinstance(value, str) else value


def _json_lines(orders: Iterable[Order]) -> Iterator[str]:
    return json_lines(map(order_json, orders))


_FORMS = {"table": _table_lines, "json": _json_lines, "csv": _csv_lines}
