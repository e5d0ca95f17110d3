"""`billing report preview` and `explain`: what would be billed, and why it is what it is."""

from datetime import date

import click

from billing.domain.period import BillingPeriod
from billing.domain.strict_json import dumps
from billing.entrypoints.cli.application import application
from billing.entrypoints.cli.draft_rates import read_draft
from billing.entrypoints.cli.explanation_view import explanation_lines
from billing.entrypoints.cli.input_files import FILE
from billing.entrypoints.cli.output import destination, write_lines
from billing.entrypoints.cli.parameters import DAY, ID
from billing.entrypoints.cli.report_view import ORDERS_SHOWN, comparison_lines, report_lines


@click.command()
@click.option("--customer-id", "--customer", type=ID, required=True)
@click.option("--start-date", type=DAY, required=True)
@click.option("--end-date", type=DAY, required=True, help="The last day; it is included.")
@click.option(
    "--service", "--services", type=ID, multiple=True, help="Bill only this one; repeatable."
)
@click.option("--only-unbilled", is_flag=True, help="Only orders that no final report claims.")
@click.option(
    "--rates",
    "draft",
    type=FILE,
    help="Price all of it by this draft card, and compare with the cards in force.",
)
@click.option(
    "--format", "name", type=click.Choice(["table", "json", "csv", "pdf"]), default="table"
)
@click.option(
    "--all", "every_order", is_flag=True, help=f"All orders, not only the first {ORDERS_SHOWN}."
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def preview(
    customer_id: int,
    service: tuple[int, ...],
    only_unbilled: bool,
    draft: str | None,
    name: str,
    every_order: bool,
    output: str | None,
    **days: date,
) -> None:
    """Show what `generate` would bill, and store nothing.

    --rates takes a file as `billing import rates` does, or the rates alone. With it the answer
    also says what the draft changes, by service and for the ten orders that it changes most.
    """
    period = BillingPeriod(days["start_date"], days["end_date"])
    rates = None if draft is None else read_draft(draft, customer_id)
    with (
        application() as billing,
        destination(output, is_text=name != "pdf") as out,
        billing.generator.prepare(
            customer_id, period, services=service, rates=rates, only_unbilled=only_unbilled
        ) as prepared,
    ):
        document = prepared.document()
        if name != "table":
            exporter = billing.archive.exporter(name)
            exporter.check(document.content)
            exporter.render(document, out)
            return
        most_orders = None if every_order else ORDERS_SHOWN
        write_lines(out, report_lines(document, most_orders=most_orders))
        if document.comparison is not None:
            write_lines(out, comparison_lines(document.comparison, document.content.currency))


@click.command()
@click.argument("report_id", type=ID)
@click.argument("order_id", type=ID, required=False)
@click.option("--order-id", "--order", "option", type=ID, help="The order, if not given before.")
@click.option("--format", "name", type=click.Choice(["table", "json"]), default="table")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def explain(
    report_id: int, order_id: int | None, option: int | None, name: str, output: str | None
) -> None:
    """Say why an order of a report costs what it costs, or why nothing.

    It is priced once more, from what the pricing read then and the card of then.
    """
    asked = option if order_id is None else order_id
    if asked is None or None not in (order_id, option):
        raise click.UsageError("Give the order once: ORDER_ID or --order-id.")
    with application() as billing, destination(output) as out:
        explanation = billing.archive.explain(report_id, asked)
        if name == "json":
            write_lines(out, [dumps(explanation.as_json())])
        else:
            currency = billing.archive.open(report_id).content.currency
            write_lines(out, explanation_lines(explanation, currency))
