"""`billing worker`: works on billing runs, with processes of this machine."""

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext

import click

from billing.bootstrap import Billing, compose, open_queue
from billing.domain.errors import StorageUnavailableError
from billing.entrypoints.cli.application import make_ready, opened_storage
from billing.entrypoints.http import logs
from billing.entrypoints.metrics import RUNS, started_metrics
from billing.entrypoints.metrics_server import served_metrics
from billing.entrypoints.queue_pool import REFILL_BELOW, SWEEP_SECONDS, QueuePool
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

    `billing serve` does so by itself, unless BILLING_RUN_WORKERS is 0 or BILLING_QUEUE_URL is set.
    Any number of these may work on one database, on any number of machines. With
    BILLING_QUEUE_URL they hear of work from a broker; without it they look for it, and processes
    are started when there is some.
    """
    settings = Settings.from_environ(os.environ)
    if settings.database_url.startswith("memory:"):
        raise InvalidSettingError(
            "BILLING_DATABASE_URL", "SQLite or PostgreSQL here: memory is of one process"
        )
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    size = concurrency or pool_size(settings) or 1

    def is_over() -> bool:
        return over.wait(1) or parent not in {None, os.getppid()}

    with (
        nullcontext() if parent else served_metrics(settings) as serve_metrics,
        opened_storage(settings.database_url) as storage,
    ):
        make_ready(storage)
        logs.configure()
        if serve_metrics is not None:  # Otherwise the parent does.
            serve_metrics()
        observer = started_metrics(settings, storage, RUNS)
        if settings.queue_url:
            queue = open_queue(settings.queue_url, refill_below=REFILL_BELOW)
            billing = compose(storage, queue=queue, observer=observer)
            _work_on_hints(billing, QueuePool(queue, size), is_over)
        else:
            _look_for_work(compose(storage, observer=observer), RunPool(size), is_over)


def tend(billing: Billing, pool: RunPool | QueuePool) -> None:
    """Mend what dead workers left behind, and start workers for what waits."""
    try:
        pool.tend(billing.runs.sweep())
    except StorageUnavailableError:
        _LOG.warning("The storage is unavailable: runs go on later", exc_info=True)


def _look_for_work(billing: Billing, pool: RunPool, is_over: Callable[[], bool]) -> None:
    try:
        while not is_over():
            tend(billing, pool)
    finally:
        pool.stop()


def _work_on_hints(billing: Billing, pool: QueuePool, is_over: Callable[[], bool]) -> None:
    """Keep a Celery worker alive, and sweep: a hint that is lost is given again."""
    pool.start()
    sweep_at = time.monotonic()
    try:
        while not is_over():
            if time.monotonic() >= sweep_at:
                tend(billing, pool)
                # Not all machines at once: the first one's hints are enough.
                spread = random.uniform(0.5, 1.5)  # noqa: S311 nothing to guess
                sweep_at = time.monotonic() + SWEEP_SECONDS * spread
    finally:
        pool.stop()
