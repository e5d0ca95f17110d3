"""`billing report finalize` and `void`: what binds a customer, and what no longer does."""

import click

from billing.bootstrap import Billing
from billing.domain.errors import InvalidValueError
from billing.domain.fields import read_text
from billing.domain.report_lifecycle import Terms
from billing.entrypoints.cli.application import application, operator
from billing.entrypoints.cli.output import destination
from billing.entrypoints.cli.parameters import ID
from billing.entrypoints.cli.report_view import write_report


@click.command()
@click.argument("report_id", type=ID)
@click.option(
    "--accept-exceptions",
    is_flag=True,
    help="Leave orders that are not, or not fully, billed as they are; takes a --reason.",
)
@click.option("--reason", metavar="TEXT", help="Why; kept in the report's history.")
@click.option(
    "--supersedes", type=ID, metavar="ID", help="The report that becomes void in the same step."
)
@click.option(
    "--format", "name", type=click.Choice(["table", "json", "csv", "pdf"]), default="table"
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def finalize(
    report_id: int,
    accept_exceptions: bool,
    reason: str | None,
    supersedes: int | None,
    name: str,
    output: str | None,
) -> None:
    """Make a draft final: it claims its orders, and no other report can bill them any more."""
    why = read_reason(reason)
    with application() as billing, destination(output, is_text=name != "pdf") as out:
        terms = Terms(accept_exceptions=accept_exceptions, reason=why, supersedes=supersedes)
        check_output(billing, report_id, name)
        billing.lifecycle.finalize(report_id, author=operator(), terms=terms)
        click.echo(f"Report {report_id} is final.", err=True)
        write_report(billing, report_id, name, out)


@click.command()
@click.argument("report_id", type=ID)
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the report's history.")
@click.option(
    "--format", "name", type=click.Choice(["table", "json", "csv", "pdf"]), default="table"
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE, not to standard output.")
def void(report_id: int, reason: str, name: str, output: str | None) -> None:
    """Make a draft or a final report void, for good: its orders are free to be billed again."""
    why = read_reason(reason)
    if why is None:
        raise click.UsageError("Say why: --reason is empty.")
    with application() as billing, destination(output, is_text=name != "pdf") as out:
        check_output(billing, report_id, name)
        billing.lifecycle.void(report_id, author=operator(), reason=why)
        click.echo(f"Report {report_id} is void.", err=True)
        write_report(billing, report_id, name, out)


def check_output(billing: Billing, report_id: int, name: str) -> None:
    """Refuse what could not be written afterwards, before anything is changed."""
    if name != "table":
        billing.archive.exporter(name).check(billing.archive.open(report_id).content)


def read_reason(reason: str | None) -> str | None:
    """Return a reason as every text is read; empty text is missing."""
    try:
        return read_text(reason)
    except InvalidValueError as error:
        raise click.UsageError(f"--reason: {error.problem}") from error
