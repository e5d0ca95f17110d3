"""`billing demo`: load the sample world."""

import click

from billing.domain.access import Access
from billing.entrypoints.cli.application import application, operator
from billing.entrypoints.cli.demo_world import load


@click.command()
@click.option("--if-empty", is_flag=True, help="Do nothing when there is any customer.")
def command(if_empty: bool) -> None:
    """Load the sample world: customers, products, rate cards, orders and two reports.

    Safe to repeat.
    """
    with application() as billing:
        with billing.storage.snapshot(Access.everything()) as view:
            is_empty = view.customers.count() == 0
        if if_empty and not is_empty:
            click.echo("There are customers already: nothing was loaded.", err=True)
        elif load(billing, operator()):
            click.echo(
                "The sample world is loaded; try: billing report show 1, "
                "and billing report explain 1 10001",
                err=True,
            )
        else:
            click.echo("The sample world was there already: nothing changed.", err=True)
