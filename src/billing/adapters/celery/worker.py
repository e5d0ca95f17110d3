"""Celery worker: processes of this machine that try the items they are hinted at."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from celery import signals

from billing.adapters.celery.app import working_app
from billing.adapters.celery.queue import TRY_ITEM
from billing.domain.billing_run import ItemKey
from billing.domain.errors import StorageUnavailableError

RESTART_SECONDS = 2
"""How long a process that cannot begin is not replaced, so that many of them cost little."""

_LOG = logging.getLogger(__name__)


def work_on_hints(
    url: str,
    concurrency: int,
    attempt: Callable[[ItemKey], object],
    begin: Callable[[], object],
) -> int:
    """Try what hints name, in so many processes, until SIGTERM; return the exit code.

    attempt: tries an item. begin: called in each of the processes when it starts; one in which it
    raises is replaced.
    """

    def try_item(run_id: int, customer_id: int) -> None:
        try:
            attempt(ItemKey(run_id, customer_id))
        except StorageUnavailableError:
            _LOG.warning("The storage is unavailable: a sweep hints again", exc_info=True)

    def begin_process(**_: Any) -> None:
        _begin_or_end(begin)

    app = working_app(url)
    app.task(try_item, name=TRY_ITEM, shared=False)
    signals.worker_process_init.connect(begin_process, weak=False)
    signals.setup_logging.connect(_keep_logs)
    worker = app.Worker(
        pool="prefork",
        concurrency=concurrency,
        quiet=True,  # No banner.
        # Workers know each other by the rows alone.
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _begin_or_end(begin: Callable[[], object]) -> None:
    """End this process if it cannot begin.

    Celery would log that and let it go on: it would fail whatever it is hinted at, faster than the
    processes of other machines work.
    """
    try:
        begin()
    except Exception:  # noqa: BLE001 whatever it is, this process is of no use
        _LOG.exception("A process of the worker cannot begin; another takes its place")
        threading.Event().wait(RESTART_SECONDS)
        os._exit(1)


def _keep_logs(**_: Any) -> None:
    """Be there: Celery then leaves logging as it is."""
