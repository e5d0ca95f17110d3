"""`billing purge`: take people's names, addresses and notes out of old orders."""

from datetime import date

import click

from billing.domain.orders import PERSONAL_FIELDS
from billing.entrypoints.cli.application import application, operator
from billing.entrypoints.cli.parameters import DAY, ID


@click.command(
    help=(
        f"Forget {', '.join(sorted(PERSONAL_FIELDS))} of the orders dated before a day.\n\n"
        "Bills, their hashes and their evidence stay as they are. Where a rate reads one of these "
        "fields, the evidence keeps it: such reports are counted. Orders without a date are left "
        "alone. Run it again after an interruption."
    )
)
@click.option("--before", type=DAY, required=True, help="Orders of that day are not purged.")
@click.option("--customer", "--customer-id", "customer_id", type=ID, help="Default: every one.")
@click.option("--dry-run", is_flag=True, help="Count only.")
def command(before: date, customer_id: int | None, dry_run: bool) -> None:
    """Purge, and print how many orders and reports that concerns."""
    with application() as billing:
        if before > billing.clock.now().date():
            raise click.UsageError(f"--before takes a day that has come, not {before}.")
        done = billing.purge.run(
            before, customer_id=customer_id, dry_run=dry_run, author=operator()
        )
    if dry_run:
        click.echo("Dry run: nothing was changed.", err=True)
    click.echo(f"{done.orders} orders purged, {done.reports} reports keep such fields as evidence")
