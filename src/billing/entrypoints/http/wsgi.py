"""WSGI: the factory that a server calls to make the service.

`granian --interface wsgi --factory billing.entrypoints.http.wsgi:create`
"""

import gc
import os
import sys
import threading

from flask import Flask

from billing.bootstrap import Billing, compose, open_storage
from billing.domain.errors import BillingError
from billing.entrypoints.http import logs
from billing.entrypoints.http.app import create_app
from billing.entrypoints.metrics import REQUESTS, started_metrics
from billing.entrypoints.run_process import terminate_with, work
from billing.settings import Settings


def create() -> Flask:
    """Return the service that the environment describes; exit with one line when it cannot run."""
    logs.configure()
    try:
        settings = Settings.from_environ(os.environ)
        storage = open_storage(settings.database_url)
        metrics = started_metrics(settings, storage, REQUESTS)
        billing = compose(
            storage, letterhead=settings.letterhead, queue=settings.queue_url, observer=metrics
        )
        app = create_app(settings, billing, metrics)
    except BillingError as error:
        sys.exit(f"billing: {error}")
    _calm_collector()
    if settings.database_url.startswith("memory:") and settings.run_workers != 0:
        _work_here(billing)
    return app


def create_served() -> Flask:
    """Return the service for `billing serve`: this process ends when that one is gone.

    Granian's worker would go on, and hold the port against a new server.
    """
    threading.Thread(target=terminate_with, args=(os.getppid(),), daemon=True).start()
    return create()


def _work_here(billing: Billing) -> None:
    """Work on billing runs in a thread: no other process sees what is in memory."""
    over = threading.Event()
    options = {"idle_seconds": None}
    threading.Thread(target=work, args=(billing, over), kwargs=options, daemon=True).start()


def _calm_collector() -> None:
    """Leave what was loaded to start with out of every later collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
