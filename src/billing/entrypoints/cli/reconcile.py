"""`billing reconcile`: what became of every order, and sums by customer that add up."""

from datetime import date

import click

from billing.domain.order_states import ReconciledOrder
from billing.domain.period import BillingPeriod
from billing.entrypoints.cli.application import application
from billing.entrypoints.cli.output import destination, spool_file, write_lines
from billing.entrypoints.cli.parameters import DAY, ID, MONTH
from billing.entrypoints.cli.reconciliation_view import ORDERS_SHOWN, VIEWS, order_text


@click.command()
@click.option("--period", "month", type=MONTH, help="A month, such as 2023-01.")
@click.option("--start-date", "--start", "start", type=DAY, help="Instead: dated on or after it.")
@click.option("--end-date", "--end", "end", type=DAY, help="Dated on or before it.")
@click.option("--customer-id", "--customer", "customer_id", type=ID, help="Default: every one.")
@click.option(
    "--all", "every_order", is_flag=True, help=f"All orders, not only the first {ORDERS_SHOWN}."
)
@click.option("--format", "name", type=click.Choice([*VIEWS]), default="table")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def command(
    month: BillingPeriod | None,
    start: date | None,
    end: date | None,
    customer_id: int | None,
    every_order: bool,
    name: str,
    output: str | None,
) -> None:
    r"""Say what became of every order: each is in exactly one state.

    \b
    billed     a final report claims it, and it is as it was
    changed    a final report claims it, and it is not as it was
    exception  a final report claims it, accepted as not or not fully billed;
               or it is in a draft that cannot bill it, or not fully
    draft      in a draft that bills it
    cancelled  never billed
    undated    no period bills it
    untouched  in no report
    late       of these: dated in a finalised period, unclaimed, not cancelled

    Orders without a date are in no period, so they are always among the orders. The table lists the
    orders that are neither billed nor cancelled; json and csv have all.
    """
    if month is not None and (start or end):
        raise click.UsageError("Give --period, or --start and --end.")
    period = month
    if start or end:
        period = BillingPeriod(start or date.min, end or date.max)
    with application() as billing, destination(output) as out, spool_file() as spool:

        def take(order: ReconciledOrder) -> None:
            spool.write(f"{order_text(order)}\n".encode())

        sums = billing.reconciliation.run(take, period=period, customer_id=customer_id)
        spool.seek(0)
        most = None if every_order else ORDERS_SHOWN
        write_lines(out, VIEWS[name](period, sums, spool, most))
