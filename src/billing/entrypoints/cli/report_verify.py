"""`billing report verify`: reports that prove themselves."""

import click

from billing.entrypoints.cli.application import application
from billing.entrypoints.cli.parameters import ID


@click.command()
@click.argument("report_id", type=ID, required=False)
@click.option("--all", "every_report", is_flag=True, help="All reports, void ones too.")
def verify(report_id: int | None, every_report: bool) -> None:
    """Bill a report again from its own evidence and compare every byte, and its hash.

    Later changes of orders, cards, products and names do not matter. Each report that is not
    what it was filed as is a line that names the first place where it differs; the exit code is
    then 1.
    """
    if (report_id is None) != every_report:
        raise click.UsageError("Give REPORT_ID or --all.")
    verified = broken = 0
    with application() as billing:
        verification = billing.verification
        verdicts = (
            verification.verify_all() if report_id is None else [verification.verify(report_id)]
        )
        for verdict in verdicts:
            verified += 1
            if verdict.difference is not None:
                broken += 1
                click.echo(f"Report {verdict.report_id}: {verdict.difference}")
    if broken:
        raise click.ClickException(f"Not what was filed: {broken} of {verified} reports.")
    click.echo(f"Billed again to the same bytes and hash: {verified} of {verified} reports.")
