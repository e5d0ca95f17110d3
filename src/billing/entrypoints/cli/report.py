"""`billing report`: generate reports, list them, show one, write one to a file.

`preview` and `explain` are in report_trial, `finalize` and `void` in report_moves,
`verify` in report_verify.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import click

from billing.domain.document import summary_text
from billing.domain.errors import InvalidValueError
from billing.domain.period import BillingPeriod
from billing.domain.report import ReportHeadline
from billing.domain.report_query import SORT_KEYS, ReportOrder, ReportQuery, Slice
from billing.entrypoints.cli.application import application
from billing.entrypoints.cli.output import (
    csv_line,
    destination,
    disarmed,
    json_lines,
    write_lines,
)
from billing.entrypoints.cli.parameters import DAY, ID
from billing.entrypoints.cli.report_moves import finalize, void
from billing.entrypoints.cli.report_trial import explain, preview
from billing.entrypoints.cli.report_verify import verify
from billing.entrypoints.cli.report_view import ORDERS_SHOWN, list_lines, write_report

_SUMMARY_COLUMNS = (
    "id customer_id customer_name start_date end_date created_at total_amount order_count "
    "currency status exception_count content_hash"
).split()


@click.group()
def command() -> None:
    """Preview, generate, list, show, explain and download reports; make them final or void."""


command.add_command(preview)
command.add_command(explain)
command.add_command(finalize)
command.add_command(void)
command.add_command(verify)


@command.command()
@click.option("--customer-id", "--customer", type=ID, required=True)
@click.option("--start-date", type=DAY, required=True)
@click.option("--end-date", type=DAY, required=True, help="The last day; it is included.")
@click.option(
    "--service", "--services", type=ID, multiple=True, help="Bill only this one; repeatable."
)
@click.option("--only-unbilled", is_flag=True, help="Only orders that no final report claims.")
@click.option(
    "--format", "name", type=click.Choice(["table", "json", "csv", "pdf"]), default="table"
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def generate(
    customer_id: int,
    start_date: date,
    end_date: date,
    service: tuple[int, ...],
    only_unbilled: bool,
    name: str,
    output: str | None,
) -> None:
    """Bill a customer's period, file the report as a draft and show it."""
    period = BillingPeriod(start_date, end_date)
    with application() as billing:
        exporter = None if name == "table" else billing.archive.exporter(name)
        # Opened first: a report is not filed when there is no place to write it to.
        with destination(output, is_text=name != "pdf") as out:
            headline = billing.generator.generate(
                customer_id,
                period,
                services=service,
                only_unbilled=only_unbilled,
                exporter=exporter,
            )
            click.echo(f"Report {headline.id} is filed.", err=True)
            write_report(billing, headline.id, name, out)


@command.command(name="list")
@click.option("--customer-id", "--customer", type=ID)
@click.option("--start-date", type=DAY, help="Periods that start on or after it.")
@click.option("--end-date", type=DAY, help="Periods that end on or before it.")
@click.option("--created-after", type=DAY, help="Created on or after that UTC day.")
@click.option("--created-before", type=DAY, help="Created on or before that UTC day.")
@click.option(
    "--order-by",
    default="-created_at",
    show_default=True,
    help=f"One of {', '.join(SORT_KEYS)}; with - in front descending.",
)
@click.option("--page", type=click.IntRange(1, 10**9), help="With --page-size: from 1.")
@click.option("--page-size", type=click.IntRange(1, 1000), help="100 with --page alone.")
@click.option("--format", "name", type=click.Choice(["table", "json", "csv"]), default="table")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def list_reports(
    order_by: str,
    page: int | None,
    page_size: int | None,
    name: str,
    output: str | None,
    **filters: Any,
) -> None:
    """List reports, the latest first unless told otherwise."""
    try:
        query = ReportQuery(order_by=ReportOrder.read(order_by), **filters)
    except InvalidValueError as error:
        raise click.UsageError(error.problem) from error
    part = None
    if page or page_size:
        size = page_size or 100
        part = Slice(((page or 1) - 1) * size, size)
    with application() as billing, destination(output) as out:
        write_lines(out, _LISTS[name](billing.archive.find(query, part)))


@command.command()
@click.argument("report_id", type=ID)
@click.option(
    "--format", "name", type=click.Choice(["table", "json", "csv", "pdf"]), default="table"
)
@click.option(
    "--all", "every_order", is_flag=True, help=f"All orders, not only the first {ORDERS_SHOWN}."
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def show(report_id: int, name: str, every_order: bool, output: str | None) -> None:
    """Show a report: its totals by service, its orders, and what is not billed and why."""
    with application() as billing, destination(output, is_text=name != "pdf") as out:
        write_report(
            billing, report_id, name, out, most_orders=None if every_order else ORDERS_SHOWN
        )


@command.command()
@click.argument("report_id", type=ID)
@click.option(
    "--format", "name", type=click.Choice(["csv", "json", "pdf"]), default="csv", show_default=True
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def download(report_id: int, name: str, output: str | None) -> None:
    """Write a report's file, byte for byte what the HTTP API sends."""
    with application() as billing, destination(output, is_text=name != "pdf") as out:
        write_report(billing, report_id, name, out)


def _json_lines(headlines: Iterable[ReportHeadline]) -> Iterator[str]:
    return json_lines(map(summary_text, headlines))


def _csv_lines(headlines: Iterable[ReportHeadline]) -> Iterator[str]:
    """Write summaries as CSV; a name that a spreadsheet would run is disarmed."""
    yield ",".join(_SUMMARY_COLUMNS)
    for headline in headlines:
        summary = json.loads(summary_text(headline), parse_float=str)
        summary["customer_name"] = disarmed(summary["customer_name"])
        yield csv_line(str(summary[name]) for name in _SUMMARY_COLUMNS)


_LISTS = {"table": list_lines, "json": _json_lines, "csv": _csv_lines}
