"""`billing worker`: works on billing runs, with processes of this machine."""

import logging
import os
import signal
import threading
from contextlib import nullcontext

import click

from billing.bootstrap import Billing, compose
from billing.domain.errors import StorageUnavailableError
from billing.entrypoints.cli.application import make_ready, opened_storage
from billing.entrypoints.http import logs
from billing.entrypoints.metrics import RUNS, started_metrics
from billing.entrypoints.metrics_server import served_metrics
from billing.entrypoints.run_pool import RunPool, pool_size
from billing.settings import MAX_RUN_WORKERS, InvalidSettingError, Settings, name_of

_LOG = logging.getLogger(__name__)


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, MAX_RUN_WORKERS),
    help=f"Processes. By default {name_of('run_workers')}, or one for each core.",
)
@click.option("--parent", type=int, hidden=True, help="Ends when this process is not its parent.")
def command(concurrency: int | None, parent: int | None) -> None:
    """Work on billing runs until SIGTERM or Ctrl-C.

    `billing serve` does so by itself, unless BILLING_RUN_WORKERS is 0. Any number of these may
    work on one database, on any number of machines. Processes are started when there is work.
    """
    settings = Settings.from_environ(os.environ)
    if settings.database_url.startswith("memory:"):
        raise InvalidSettingError(
            "BILLING_DATABASE_URL", "SQLite or PostgreSQL here: memory is of one process"
        )
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with (
        nullcontext() if parent else served_metrics(settings) as serve_metrics,
        opened_storage(settings.database_url) as storage,
    ):
        make_ready(storage)
        logs.configure()
        if serve_metrics is not None:  # Otherwise the parent does.
            serve_metrics()
        billing = compose(storage, observer=started_metrics(settings, storage, RUNS))
        pool = RunPool(concurrency or pool_size(settings) or 1)
        try:
            while (parent in {None, os.getppid()}) and not over.wait(1):
                tend(billing, pool)
        finally:
            pool.stop()


def tend(billing: Billing, pool: RunPool) -> None:
    """Mend what dead workers left behind, and start workers for what waits."""
    try:
        pool.tend(billing.runs.sweep())
    except StorageUnavailableError:
        _LOG.warning("The storage is unavailable: runs go on later", exc_info=True)
