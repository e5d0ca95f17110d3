"""`billing run`: bill many customers at once; start, watch, cancel, retry and export runs."""

import os
from datetime import date

import click

from billing.bootstrap import Billing
from billing.domain.access import Access
from billing.domain.billing_run import Run
from billing.domain.errors import InvalidValueError
from billing.domain.period import BillingPeriod, read_month
from billing.domain.report_query import Slice
from billing.domain.run_request import RunOptions, RunRequest
from billing.domain.strict_json import dumps
from billing.entrypoints.cli.application import application, operator
from billing.entrypoints.cli.output import destination, write_lines
from billing.entrypoints.cli.parameters import DAY, ID
from billing.entrypoints.cli.run_export import export_run
from billing.entrypoints.cli.run_view import item_lines, run_lines, runs_lines
from billing.entrypoints.cli.run_watch import watched, worked
from billing.settings import Settings

_FORMAT = click.option(
    "--format", "name", type=click.Choice(["table", "json"]), default="table", show_default=True
)
_WAIT = click.option(
    "--wait", is_flag=True, help="Work on it with processes of this machine until it ends."
)


class _Month(click.ParamType[BillingPeriod]):
    name = "yyyy-mm"

    def convert(
        self,
        value: str | BillingPeriod,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> BillingPeriod:
        try:
            return value if isinstance(value, BillingPeriod) else read_month(value)
        except InvalidValueError as error:
            self.fail(error.problem, param, ctx)


@click.group()
def command() -> None:
    """Bill many customers at once.

    A run goes on by itself wherever `billing serve` or `billing worker` runs on the same database;
    with --wait this command works on it as well. Exit code 1: a customer could not be billed.
    """


@command.command()
@click.option("--period", type=_Month(), help="A month; instead of both dates.")
@click.option("--start-date", type=DAY)
@click.option("--end-date", type=DAY, help="The last day; it is included.")
@click.option(
    "--customer", "customers", type=ID, multiple=True, help="Bill only this one; repeatable."
)
@click.option("--only-unbilled", is_flag=True, help="Bill what no final report bills.")
@click.option("--finalize", is_flag=True, help="Make each report final at once.")
@_WAIT
@_FORMAT
def start(
    period: BillingPeriod | None,
    start_date: date | None,
    end_date: date | None,
    customers: tuple[int, ...],
    wait: bool,
    name: str,
    **options: bool,
) -> None:
    """Start a run over all customers with orders in a period, or find the one that lives."""
    request = RunRequest(
        period=_period(period, start_date, end_date),
        customers=tuple(sorted(set(customers))) or None,
        options=RunOptions(None, options["only_unbilled"], options["finalize"]),
        author=operator(),
    )
    with application() as billing:
        _begun(billing, billing.runs.start(request), wait, name)


@command.command()
@click.argument("run_id", type=ID, required=False)
@click.option("--items", is_flag=True, help="List its customers, not only their numbers.")
@_FORMAT
def status(run_id: int | None, items: bool, name: str) -> None:
    """Show a run, or list all of them, the newest first."""
    with application() as billing:
        if run_id is None:
            _list(billing, name)
            return
        run = billing.runs.find(run_id)
        if items:
            _show_items(billing, run, name)
        else:
            _show(run, name)
        _exit(run)


@command.command()
@click.argument("run_id", type=ID)
@_FORMAT
def watch(run_id: int, name: str) -> None:
    """Show how far a run is until it ends; the work is done elsewhere."""
    with application() as billing:
        run = watched(billing, run_id)
        _show(run, name)
        _exit(run)


@command.command()
@click.argument("run_id", type=ID)
@_WAIT
@_FORMAT
def retry(run_id: int, wait: bool, name: str) -> None:
    """Bill those customers of a run again that failed, by the rate cards of now."""
    with application() as billing:
        _begun(billing, billing.runs.retry(run_id), wait, name)


@command.command()
@click.argument("run_id", type=ID)
@_FORMAT
def cancel(run_id: int, name: str) -> None:
    """Cancel a run: reports that are filed stay, no other is filed."""
    with application() as billing:
        _show(billing.runs.cancel(run_id), name)


@command.command()
@click.argument("run_id", type=ID)
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False))
@click.option(
    "--format", "name", type=click.Choice(["csv", "pdf", "json"]), default="csv", show_default=True
)
def export(run_id: int, directory: str, name: str) -> None:
    """Write a run's reports into a new directory: a file each, and manifest.json with hashes.

    The directory appears when it is whole.
    """
    with application() as billing:
        files, missing = export_run(billing, run_id, directory, name)
    click.echo(f"{files} reports are in {directory}.", err=True)
    if missing:
        click.echo(f"{missing} customers are without one: see manifest.json.", err=True)
        raise click.exceptions.Exit(1)


def _period(
    period: BillingPeriod | None, start_date: date | None, end_date: date | None
) -> BillingPeriod:
    if period is not None and start_date is None and end_date is None:
        return period
    if period is None and start_date is not None and end_date is not None:
        return BillingPeriod(start_date, end_date)
    raise click.UsageError("Give --period, or --start-date and --end-date.")


def _begun(billing: Billing, run: Run, wait: bool, name: str) -> None:
    if wait:
        given = click.get_current_context().find_object(Billing)
        settings = None if given else Settings.from_environ(os.environ)
        run = worked(billing, run.id, settings)
    else:
        click.echo(
            f"Run {run.id} is {run.state}; billing serve and billing worker work on it.", err=True
        )
    _show(run, name)
    _exit(run)


def _list(billing: Billing, name: str) -> None:
    with billing.storage.snapshot(Access.everything()) as view, destination(None) as out:
        runs = view.runs.page(Slice())
        if name == "json":
            write_lines(out, [dumps([run.as_json() for run in runs])])
        else:
            write_lines(out, runs_lines(runs))


def _show(run: Run, name: str) -> None:
    with destination(None) as out:
        write_lines(out, [dumps(run.as_json())] if name == "json" else run_lines(run))


def _show_items(billing: Billing, run: Run, name: str) -> None:
    with destination(None) as out:
        items = billing.runs.items(run.id)
        if name == "json":
            write_lines(out, [dumps([item.as_json() for item in items])])
        else:
            write_lines(out, item_lines(items))


def _exit(run: Run) -> None:
    """End with 1 when a customer could not be billed."""
    if run.has_failed:
        raise click.exceptions.Exit(1)
