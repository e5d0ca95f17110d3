"""Run watch: shows how far a run is until it ends, and works on it meanwhile if asked to."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from billing.bootstrap import Billing
from billing.domain.billing_run import LIVE_ITEMS, Run
from billing.entrypoints.cli.run_view import progress_text
from billing.entrypoints.run_pool import RunPool, pool_size
from billing.settings import Settings

TICK_SECONDS = 1
TICKS_A_LINE = 5
"""Where there is no terminal, one line comes at most so often."""

Show = Callable[[Run], None]


def watched(billing: Billing, run_id: int) -> Run:
    """Show a run until it ends and return it; others work on it."""
    return _until_it_ends(billing, run_id, _wait)


def worked(billing: Billing, run_id: int, settings: Settings | None) -> Run:
    """Work on runs until this one has ended and return it.

    settings: what the worker processes are made by; None, or a storage in memory: this process
    does the work.
    """
    if settings is None or settings.database_url.startswith("memory:"):

        def work() -> None:
            if billing.run_worker.work() is None:
                billing.runs.sweep()
                _wait()

        return _until_it_ends(billing, run_id, work)
    # Progress is what is looked at here, without a line of log for each customer.
    pool = RunPool(pool_size(settings), level=logging.WARNING)

    def tend() -> None:
        pool.tend(billing.runs.sweep())
        _wait()

    try:
        return _until_it_ends(billing, run_id, tend)
    finally:
        pool.stop()


def _until_it_ends(billing: Billing, run_id: int, tick: Callable[[], None]) -> Run:
    run = billing.runs.find(run_id)
    with _shown(run) as show:
        while run.is_live:
            tick()
            run = billing.runs.find(run_id)
            show(run)
    return run


def _wait() -> None:
    threading.Event().wait(TICK_SECONDS)


@contextmanager
def _shown(run: Run) -> Iterator[Show]:
    """Give a function that shows a run: as a bar on a terminal, in lines elsewhere."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (
        TextColumn("Run {task.fields[run_id]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
    )
    # Rich itself obeys NO_COLOR.
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=run.total, run_id=run.id)

        def show(run: Run) -> None:
            left = sum(run.count(state) for state in LIVE_ITEMS)
            progress.update(task, completed=run.total - left, description=progress_text(run))

        show(run)
        yield show


def _lines() -> Show:
    ticks = 0

    def show(run: Run) -> None:
        nonlocal ticks
        if ticks % TICKS_A_LINE == 0 and run.is_live:
            click.echo(f"Run {run.id}: {progress_text(run)}", err=True)
        ticks += 1

    return show
