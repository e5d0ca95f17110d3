"""Run view: runs and their items as a person reads them; amounts are exact."""

from collections.abc import Iterable, Iterator

from billing.domain.billing_run import ItemState, Run, RunItem
from billing.domain.document import instant_text
from billing.entrypoints.cli.output import table

_MINUTE = 60
_HOUR = 60 * _MINUTE


def run_lines(run: Run) -> Iterator[str]:
    """Return a run: what it bills, how far it is, and what it comes to."""
    yield f"Run        {run.id} ({run.state})"
    yield f"Period     {run.period.start} to {run.period.end}"
    yield f"Created    {instant_text(run.created_at)}"
    if run.finished_at is not None:
        yield f"Finished   {instant_text(run.finished_at)}"
    yield f"Customers  {progress_text(run)}"
    for currency, amount in sorted(run.totals.items()):
        yield f"Total      {amount:f} {currency}"


def runs_lines(runs: Iterable[Run]) -> Iterator[str]:
    """Return the table of a list of runs."""
    return table(
        ("ID", "FROM", "TO", "CREATED", "STATE", "CUSTOMERS", "DONE", "FAILED", "TOTALS"),
        map(_row, runs),
        right=("ID", "CUSTOMERS", "DONE", "FAILED"),
    )


def item_lines(items: Iterable[RunItem]) -> Iterator[str]:
    """Return the table of a run's customers."""
    rows = (
        (str(item.customer_id), item.state, str(item.report_id or ""), item.error or "")
        for item in items
    )
    return table(("CUSTOMER", "STATE", "REPORT", "ERROR"), rows, right=("CUSTOMER", "REPORT"))


def progress_text(run: Run) -> str:
    """Say in a line how far a run is: `12 of 457 done, 1 failed, about 2 min left`."""
    parts = [f"{run.count(ItemState.DONE)} of {run.total} done"]
    if failed := run.count(ItemState.FAILED):
        parts.append(f"{failed} failed")
    if cancelled := run.count(ItemState.CANCELLED):
        parts.append(f"{cancelled} cancelled")
    if run.eta_seconds is not None:
        parts.append(f"about {_duration(run.eta_seconds)} left")
    return ", ".join(parts)


def _duration(seconds: int) -> str:
    if seconds < 2 * _MINUTE:
        return f"{seconds} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE} min"
    return f"{seconds // _HOUR} h"


def _row(run: Run) -> tuple[str, ...]:
    return (
        str(run.id),
        str(run.period.start),
        str(run.period.end),
        instant_text(run.created_at),
        run.state,
        str(run.total),
        str(run.count(ItemState.DONE)),
        str(run.count(ItemState.FAILED)),
        ", ".join(f"{amount:f} {currency}" for currency, amount in sorted(run.totals.items())),
    )
